"""Who waits for whom while the budget of requests is spent: the world as it is when one is done."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import text

from app.db.session import Database
from app.domain.states import DesiredState
from app.domain.viewer import API, Viewer
from app.settings import Settings
from reconciler.cluster.client import Bounds
from reconciler.cluster.trusted import connect
from reconciler.loop import Loop
from tests.integration.reconciler.test_loop import running, want
from tests.integration.reconciler.working import resources_of
from tests.integration.world import becomes, project_of, viewer_of
from tests.simulator import RunningSimulator

# A start takes some ten requests, of which there are so many a second.
RATE = 60


@asynccontextmanager
async def reconciling(database: Database, simulator: RunningSimulator) -> AsyncIterator[Loop]:
    opened = await connect(simulator.kubeconfig, Bounds(10, rate=RATE, burst=1))
    settings = Settings(poll=0.5, drain=0.1)
    try:
        reconcile = resources_of(database, opened, settings).reconcile
        async with running(database, reconcile, settings, opened) as loop:
            yield loop
    finally:
        await opened.close()


async def projects_of(database: Database, viewer: Viewer, count: int) -> list[UUID]:
    return [await project_of(database, viewer, f"p{number}") for number in range(count)]


async def statuses(database: Database, viewer: Viewer) -> Counter[str]:
    async with database.read(API) as connection:
        found = await connection.execute(
            text("SELECT status FROM resource WHERE account_id = :id"), {"id": viewer.home}
        )
        return Counter(row.status for row in found)


async def before(database: Database, project: UUID, end: str, others: str) -> int:
    """How many other sandboxes had got to `others` after `project` was asked to get to `end`, and
    before its sandbox did, by the change log."""
    statement = text("""
        WITH mine AS (SELECT at, to_status FROM change
          WHERE project_id = :id AND subject_type = 'Sandbox')
        SELECT count(*) FROM change WHERE project_id <> :id AND subject_type = 'Sandbox'
          AND to_status = :others AND at < (SELECT max(at) FROM mine WHERE to_status = :end)
          AND at > (SELECT max(at) FROM mine WHERE to_status <> :end)
    """)
    async with database.read(API) as connection:
        found = await connection.execute(statement, {"id": project, "end": end, "others": others})
        return int(found.scalar_one())


async def test_a_single_start_does_not_wait_for_all_of_somebody_elses(
    database: Database, simulator: RunningSimulator
) -> None:
    hog, single = await viewer_of(database, "hog"), await viewer_of(database, "single")
    await projects_of(database, hog, 60)
    project = await project_of(database, single)

    async def runs() -> bool:
        return (await statuses(database, single))["RUNNING"] == 1

    async with reconciling(database, simulator):
        await becomes(runs)

    assert await before(database, project, "RUNNING", "RUNNING") < 30


async def test_a_deletion_does_not_wait_for_all_starts_of_its_own_user(
    database: Database, simulator: RunningSimulator
) -> None:
    viewer = await viewer_of(database)
    await projects_of(database, viewer, 40)
    one = await project_of(database, viewer, "one")

    async def gone() -> bool:
        return (await statuses(database, viewer)).total() == 40

    async with reconciling(database, simulator) as loop:
        await want(database, viewer, one, DesiredState.DELETED)
        loop.wake()
        await becomes(gone)

    assert await before(database, one, "TERMINATED", "RUNNING") < 20


async def test_a_wish_does_not_wait_for_all_deletions_of_its_own_user(
    database: Database, simulator: RunningSimulator
) -> None:
    viewer = await viewer_of(database)
    many = await projects_of(database, viewer, 24)
    one = await project_of(database, viewer, "one")

    async def all_run() -> bool:
        return (await statuses(database, viewer))["RUNNING"] == 25

    async def stopped() -> bool:
        return (await statuses(database, viewer))["STOPPED"] == 1

    async with running_freely(database, simulator):
        await becomes(all_run)
    for project in many:
        await want(database, viewer, project, DesiredState.DELETED)
    async with reconciling(database, simulator) as loop:
        await want(database, viewer, one, DesiredState.STOPPED)
        loop.wake()
        await becomes(stopped)

    assert await before(database, one, "STOPPED", "TERMINATED") < 12


@asynccontextmanager
async def running_freely(database: Database, simulator: RunningSimulator) -> AsyncIterator[Loop]:
    opened = await connect(simulator.kubeconfig, Bounds(10, rate=1000, burst=1000))
    settings = Settings(poll=0.5)
    reconcile = resources_of(database, opened, settings).reconcile
    async with running(database, reconcile, settings, opened) as loop:
        yield loop
    await opened.close()
