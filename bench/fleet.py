"""Many sandboxes at once, one or two reconcilers: to RUNNING, and by whom the time is taken.

Ten users with projects of 20 sandboxes, because slots are shared between accounts. They are all
there, and due, before a reconciler may work: each is stopped (SIGSTOP) until then. It counts to the
last sandbox's RUNNING by the change log's own times. What each process takes of the machine in that
time says who limits it: of two cores the simulator is to take more than the reconciler does.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from datetime import datetime

import asyncpg

from bench.client import User, signed_up
from bench.figures import Figures
from bench.patience import within
from bench.process import processor, processor_of_all
from tests.acceptance.stack import Stack

_USERS = 10
_PER_PROJECT = 20
_PATIENCE = 1200
AIM = 60
# Reconciler's processor time beside the simulator's, at most.
AIM_SHARE = 1

_RECONCILERS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'mooring_reconciler'"
_RUNNING = "SELECT count(*) FROM resource WHERE status = 'RUNNING'"
_TOOK = "SELECT extract(epoch FROM max(at) - $1)::float8 FROM change WHERE to_status = 'RUNNING'"


async def measure(stack: Stack, reconcilers: int, sandboxes: int, figures: Figures) -> None:
    """One fleet on a stack that nothing else uses."""
    database = await asyncpg.connect(stack.owner_url)
    pids = [stack.pid("reconciler")]
    before = await database.fetchval(_RECONCILERS)
    with ExitStack() as opened:
        if reconcilers == 2:
            pids.append(opened.enter_context(stack.another_reconciler()).pid)
            await _reaches(database, _RECONCILERS, before + 1)
        with _stopped(pids):
            await create(stack.url, sandboxes)
        begun: datetime = await database.fetchval("SELECT clock_timestamp()")
        spent = _spent(stack, pids)
        await reaches_running(database, sandboxes)
        spent = {who: seconds - spent[who] for who, seconds in _spent(stack, pids).items()}
        took = await database.fetchval(_TOOK, begun)
    await database.close()
    who = f"{reconcilers} reconciler{'s' * (reconcilers > 1)}"
    what = f"{sandboxes:,} sandboxes to RUNNING, {who}"
    figures.add(what, "s", took, AIM)
    figures.add(f"{what}: rate", "1/s", sandboxes / took)
    for process, seconds in spent.items():
        figures.add(f"{what}: {process}", "% of a core", 100 * seconds / took)
    share = spent["reconciler"] / spent["simulator"]
    figures.add(f"{what}: reconciler / simulator", "", share, AIM_SHARE)


def _spent(stack: Stack, reconcilers: list[int]) -> dict[str, float]:
    """Seconds of processor time so far, by who took it."""
    return {
        "simulator": processor(stack.pid("simulator")),
        "reconciler": sum(map(processor, reconcilers)),
        "Postgres": processor_of_all(stack.pid("postgres")),
        "API": processor(stack.pid("api")),
    }


@contextmanager
def _stopped(pids: list[int]) -> Iterator[None]:
    """These do nothing for the block."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def create(url: str, sandboxes: int) -> None:
    """So many sandboxes of some new users."""
    projects = max(1, sandboxes // _PER_PROJECT)
    each = sandboxes // projects
    async with AsyncExitStack() as opened:
        users = [await opened.enter_async_context(signed_up(url)) for _ in range(_USERS)]

        async def creating(user: User, number: int) -> None:
            for _ in range(number, projects, _USERS):
                await user.create("fleet", sandboxes=each)

        await asyncio.gather(*(creating(user, number) for number, user in enumerate(users)))


async def reaches_running(database: asyncpg.Connection[asyncpg.Record], sandboxes: int) -> None:
    """Wait until so many run."""
    await _reaches(database, _RUNNING, sandboxes)


async def _reaches(
    database: asyncpg.Connection[asyncpg.Record], statement: str, count: int
) -> None:
    async with within(_PATIENCE, f"{count} by {statement}"):
        while await database.fetchval(statement) < count:
            await asyncio.sleep(0.2)
