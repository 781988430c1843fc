"""What many sandboxes cost that are as wanted: processor time and statements, all processes.

On a stack with nothing else to do, once they all run. Their next looks are spread over the time in
which each is looked at once, as they are in life after some hours; and as many whole passes are
asked for as there are then, when some rows have not had one for an hour. First the processor is
looked at; then Postgres logs each statement and they are counted. At last what one pass costs over
what is as wanted, of many at once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import asyncpg

from app.postgres import EmbeddedPostgres
from app.settings import Settings
from bench import fleet
from bench.figures import Figures
from bench.patience import within
from bench.process import processor, processor_of_all, resident
from bench.scale import Scale
from reconciler.rechecks import WHOLE
from tests.acceptance.stack import Stack

# Percent of a core, and statements per second.
AIM, AIM_STATEMENTS = 5, 20
# Passes that are counted at once.
_PASSED = 500
_PATIENCE = 120

_RUNNING = "SELECT count(*) FROM resource WHERE status = 'RUNNING'"
_SPREAD = """
UPDATE resource SET due_at = mooring_now() + random() * $1 * interval '1 s' WHERE lane = 2
"""
_WHOLE = """
UPDATE resource SET asked = asked + 1, lane = 0,
  due_at = mooring_now() + random() * $2 * interval '1 s'
WHERE id IN (SELECT id FROM resource ORDER BY random() LIMIT $1)
"""
_LOOKS = "SELECT coalesce(sum(claims), 0)::int FROM resource"
_ASK = """
UPDATE resource SET asked = asked + 1, lane = 0, due_at = mooring_now()
WHERE id IN (SELECT id FROM resource ORDER BY random() LIMIT $1)
"""
_ASKED = "SELECT count(*) FROM resource WHERE lane = 0"
# With its first line each, whatever it is and whoever sends it.
_STATEMENT = re.compile(r"LOG:  (?:execute|statement)")


async def measure(stack: Stack, scale: Scale, figures: Figures) -> None:
    """After so many run as `scale` says, some of which may be there already."""
    database = await asyncpg.connect(stack.owner_url)
    there = await database.fetchval(_RUNNING)
    await fleet.create(stack.url, scale.idle - there)
    await fleet.reaches_running(database, scale.idle)
    recheck = float(stack.settings.get("recheck", Settings().recheck))
    await database.execute(_SPREAD, recheck)
    await asyncio.sleep(scale.idle_seconds / 4)
    what = f"{scale.idle:,} settled sandboxes, idle"
    seconds = 1.5 * scale.idle_seconds  # of both windows
    await database.execute(_WHOLE, round(scale.idle * seconds / recheck / WHOLE), seconds)
    looks, before = await database.fetchval(_LOOKS), _spent(stack)
    await asyncio.sleep(scale.idle_seconds)
    spent = {who: took - before[who] for who, took in _spent(stack).items()}
    looks = await database.fetchval(_LOOKS) - looks
    parts = {who: 100 * took / scale.idle_seconds for who, took in spent.items()}
    figures.add(f"{what}: all of Mooring", "% of a core", sum(parts.values()), AIM)
    for who, part in parts.items():
        figures.add(f"{what}: {who}", "% of a core", part)
    figures.add(f"{what}: passes", "1/s", looks / scale.idle_seconds)
    figures.add(f"{what}: reconciler's memory", "MiB", resident(stack.pid("reconciler")) / 2**20)
    async with _logging(stack):
        statements = await _counted(stack, asyncio.sleep(scale.idle_seconds / 2))
        rate = statements / (scale.idle_seconds / 2)
        figures.add(f"{what}: statements", "1/s", rate, AIM_STATEMENTS)
        count = min(scale.idle, _PASSED)
        statements = await _counted(stack, _pass_all(database, count))
    figures.add("pass over a settled sandbox: statements", "", statements / count)
    taken = processor(stack.pid("reconciler"))
    await _pass_all(database, count)
    taken = processor(stack.pid("reconciler")) - taken
    figures.add("pass over a settled sandbox: reconciler", "ms", 1000 * taken / count)
    await database.close()


def _spent(stack: Stack) -> dict[str, float]:
    return {
        "reconciler": processor(stack.pid("reconciler")),
        "API": processor(stack.pid("api")),
        "Postgres": processor_of_all(stack.pid("postgres")),
    }


@asynccontextmanager
async def _logging(stack: Stack) -> AsyncIterator[None]:
    """Postgres logs each statement for the block."""
    administrator = await asyncpg.connect(EmbeddedPostgres(stack.data).admin_dsn())
    try:
        await administrator.execute("ALTER SYSTEM SET log_statement = 'all'")
        await administrator.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(1)
        yield
    finally:
        await administrator.execute("ALTER SYSTEM RESET log_statement")
        await administrator.execute("SELECT pg_reload_conf()")
        await administrator.close()


async def _counted(stack: Stack, during: Awaitable[object]) -> int:
    """How many statements there were."""
    before = _logged(stack)
    await during
    return _logged(stack) - before


async def _pass_all(database: asyncpg.Connection[asyncpg.Record], count: int) -> None:
    """Have so many passed at once, and wait until they are."""
    await database.execute(_ASK, count)
    async with within(_PATIENCE, f"{count} passes"):
        while await database.fetchval(_ASKED):
            await asyncio.sleep(1)


def _logged(stack: Stack) -> int:
    return len(_STATEMENT.findall(stack.log("postgres")))
