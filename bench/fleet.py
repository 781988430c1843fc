"""From createProject to RUNNING: many sandboxes at once, one or two reconcilers.

Ten users with projects of up to 20 sandboxes, because slots are shared between accounts. Counted by
the change log's own times: from the first project's line to the last sandbox's RUNNING.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, nullcontext

import asyncpg

from bench.client import User, signed_up
from bench.figures import Figures
from tests.acceptance.stack import Stack

_USERS = 10
_PER_PROJECT = 20
_PATIENCE = 600
AIM = 60

_RECONCILERS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'mooring_reconciler'"
_RUNNING = "SELECT count(*) FROM resource WHERE status = 'RUNNING'"
_TOOK = """
SELECT extract(epoch FROM max(at) FILTER (WHERE to_status = 'RUNNING') - min(at))::float8
FROM change WHERE subject_type IN ('Project', 'Sandbox')
"""


async def measure(stack: Stack, reconcilers: int, sandboxes: int, figures: Figures) -> None:
    """One fleet on a stack that nothing else uses."""
    database = await asyncpg.connect(stack.owner_url)
    try:
        before = await database.fetchval(_RECONCILERS)
        with stack.another_reconciler() if reconcilers == 2 else nullcontext():
            await _reaches(database, _RECONCILERS, before * reconcilers)
            await _create(stack.url, sandboxes)
            await _reaches(database, _RUNNING, sandboxes)
            took = await database.fetchval(_TOOK)
    finally:
        await database.close()
    who = f"{reconcilers} reconciler{'s' * (reconcilers > 1)}"
    what = f"{sandboxes:,} sandboxes to RUNNING, {who}"
    figures.add(what, "s", took, AIM)
    figures.add(f"{what}: rate", "1/s", sandboxes / took)


async def _create(url: str, sandboxes: int) -> None:
    projects = max(1, sandboxes // _PER_PROJECT)
    each = sandboxes // projects
    async with AsyncExitStack() as opened:
        users = [await opened.enter_async_context(signed_up(url)) for _ in range(_USERS)]

        async def creating(user: User, number: int) -> None:
            for _ in range(number, projects, _USERS):
                await user.create("fleet", sandboxes=each)

        await asyncio.gather(*(creating(user, number) for number, user in enumerate(users)))


async def _reaches(
    database: asyncpg.Connection[asyncpg.Record], statement: str, count: int
) -> None:
    async with asyncio.timeout(_PATIENCE):
        while await database.fetchval(statement) < count:
            await asyncio.sleep(0.1)
