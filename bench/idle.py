"""What many sandboxes cost that are as wanted: processor time and statements, all processes.

On a stack with nothing else to do, once they all run. Their next looks are spread over the time in
which each is looked at once, as they are in life after some hours. First the processor is looked
at; then Postgres logs each statement and they are counted.
"""

from __future__ import annotations

import asyncio
import re

import asyncpg

from app.postgres import EmbeddedPostgres
from app.settings import Settings
from bench import fleet
from bench.figures import Figures
from bench.process import processor, processor_of_all, resident
from bench.scale import Scale
from tests.acceptance.stack import Stack

# Percent of a core, and statements per second.
AIM, AIM_STATEMENTS = 5, 20

_RUNNING = "SELECT count(*) FROM resource WHERE status = 'RUNNING'"
_SPREAD = "UPDATE resource SET due_at = mooring_now() + random() * $1 * interval '1 s'"
_LOOKS = "SELECT coalesce(sum(claims), 0)::int FROM resource"
# With its first line each, whatever it is and whoever sends it.
_STATEMENT = re.compile(r"LOG:  (?:execute|statement)")


async def measure(stack: Stack, scale: Scale, figures: Figures) -> None:
    """After so many run as `scale` says, some of which may be there already."""
    database = await asyncpg.connect(stack.owner_url)
    there = await database.fetchval(_RUNNING)
    await fleet.create(stack.url, scale.idle - there)
    await fleet.reaches_running(database, scale.idle)
    await database.execute(_SPREAD, Settings().recheck)
    await asyncio.sleep(scale.idle_seconds / 4)
    what = f"{scale.idle:,} settled sandboxes, idle"
    looks, before = await database.fetchval(_LOOKS), _spent(stack)
    await asyncio.sleep(scale.idle_seconds)
    spent = {who: seconds - before[who] for who, seconds in _spent(stack).items()}
    looks = await database.fetchval(_LOOKS) - looks
    parts = {who: 100 * seconds / scale.idle_seconds for who, seconds in spent.items()}
    figures.add(f"{what}: all of Mooring", "% of a core", sum(parts.values()), AIM)
    for who, part in parts.items():
        figures.add(f"{what}: {who}", "% of a core", part)
    figures.add(f"{what}: passes", "1/s", looks / scale.idle_seconds)
    figures.add(f"{what}: statements", "1/s", await _statements(stack, scale), AIM_STATEMENTS)
    figures.add(f"{what}: reconciler's memory", "MiB", resident(stack.pid("reconciler")) / 2**20)
    await database.close()


def _spent(stack: Stack) -> dict[str, float]:
    return {
        "reconciler": processor(stack.pid("reconciler")),
        "API": processor(stack.pid("api")),
        "Postgres": processor_of_all(stack.pid("postgres")),
    }


async def _statements(stack: Stack, scale: Scale) -> float:
    """How many there are in a second, as Postgres logs them."""
    administrator = await asyncpg.connect(EmbeddedPostgres(stack.data).admin_dsn())
    try:
        await administrator.execute("ALTER SYSTEM SET log_statement = 'all'")
        await administrator.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(1)
        before = _logged(stack)
        await asyncio.sleep(scale.idle_seconds / 4)
        return (_logged(stack) - before) / (scale.idle_seconds / 4)
    finally:
        await administrator.execute("ALTER SYSTEM RESET log_statement")
        await administrator.execute("SELECT pg_reload_conf()")
        await administrator.close()


def _logged(stack: Stack) -> int:
    return len(_STATEMENT.findall(stack.log("postgres")))
