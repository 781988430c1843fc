"""What the engine does for each row beside its work in the cluster: claim it, record what came.

Rows per second by one and by two processes (`claimer.py`) beside a bare SKIP LOCKED loop of 10 on
the same rows, in turn; and the time of one claim by how many rows there are that are not due.
"""

import asyncio
import sys
from datetime import timedelta
from itertools import pairwise
from time import perf_counter
from uuid import UUID

from sqlalchemy import text

from app.db import claims
from app.db.rows import Executor
from app.db.session import Database
from app.domain.states import Lane
from app.domain.viewer import RECONCILER
from bench.figures import Figures, percentile
from bench.scale import Scale
from bench.store import PER_PROJECT, Store, opened_store

_ROWS, _ACCOUNTS = 2000, 50
# Microseconds of a row at 10,000 a second; and half of what the bare loop does.
AIM, AIM_BARE = 100, 2
# The most that a claim may take with the most rows, beside the same with the fewest.
AIM_FLAT = 1.5
# Rows of one claim; and how many are due, since it takes 8 of one account.
_DUE, _WAITING = 32, 80

_RELEASE = text("""
UPDATE resource SET locked_until = '-infinity', lease_token = NULL, locked_by = NULL
WHERE id = ANY(CAST(:ids AS uuid[]))
""")
_TO = text("UPDATE resource SET lane = :lane WHERE due_at <= mooring_now()")


async def measure(scale: Scale, figures: Figures) -> None:
    """On databases of their own, which nobody else uses."""
    async with opened_store() as store:
        await store.sandboxes(_ROWS, _ACCOUNTS)
        await _rates(store, scale, figures)
    async with opened_store() as store:
        await store.sandboxes(_WAITING, _WAITING // PER_PROJECT)
        await _times(store, scale, figures)


async def _rates(store: Store, scale: Scale, figures: Figures) -> None:
    for processes in (1, 2):
        who = f"{processes} process{'es' * (processes > 1)}"
        bare = await _rate("bare", store, processes, scale.seconds)
        ours = await _rate("ours", store, processes, scale.seconds)
        aim = AIM if processes == 2 else None
        figures.add(f"claim and record, {who}: each row", "µs", 1e6 / ours, aim)
        figures.add(f"claim and record, {who}: bare / ours", "", bare / ours, AIM_BARE)
        figures.add(f"claim and record, {who}: rows", "1/s", ours)
        figures.add(f"bare SKIP LOCKED loop of 10, {who}: rows", "1/s", bare)


async def _rate(what: str, store: Store, processes: int, seconds: float) -> float:
    command = [sys.executable, "-m", "bench.claimer", what, store.reconciler, str(seconds)]
    pipe = asyncio.subprocess.PIPE
    started = [
        await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        for _ in range(processes)
    ]
    for one in started:
        assert one.stdout is not None
        if await one.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{what}: a process ended")
    said = await asyncio.gather(*(one.communicate(b"\n") for one in started))
    return sum(float(done) / float(took) for done, took in (out.split() for out, _ in said))


async def _times(store: Store, scale: Scale, figures: Figures) -> None:
    """The same claims beside ever more rows that are not due."""
    lanes = (Lane.ASKED, Lane.CLOCK)
    medians: dict[Lane, list[float]] = {lane: [] for lane in lanes}
    database, owner = Database(store.reconciler, pool=2), Database(store.owner, pool=2)
    try:
        for before, count in pairwise((0, *scale.settled)):
            await store.settled(before, count)
            for lane in lanes:
                async with owner.autocommit(RECONCILER) as connection:
                    await connection.execute(_TO, {"lane": int(lane)})
                    took = [await _claim(database, connection, lane) for _ in range(scale.claims)]
                medians[lane].append(percentile(took, 0.5))
                what = f"claim of {_DUE}, lane {lane.name}, beside {count:,} rows"
                figures.add_times(what, took)
    finally:
        await database.close()
        await owner.close()
    for lane, found in medians.items():
        what = f"claim of {_DUE}, lane {lane.name}: beside most / beside fewest"
        figures.add(what, "", found[-1] / found[0], AIM_FLAT)


async def _claim(database: Database, owner: Executor, lane: Lane) -> float:
    """One claim, and how long it took; then nobody has it."""
    async with database.autocommit(RECONCILER) as connection:
        begun = perf_counter()
        found, _ = await claims.claim(
            connection,
            lane=lane,
            after=UUID(int=0),
            slots=_DUE,
            saturated=(),
            lease=timedelta(seconds=30),
            worker="bench",
        )
        took = perf_counter() - begun
    if len(found) != _DUE:
        raise RuntimeError(f"{len(found)} rows were claimed")
    await owner.execute(_RELEASE, {"ids": [claim.id for claim in found]})
    return took
