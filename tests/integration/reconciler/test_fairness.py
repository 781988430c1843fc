"""Who waits for whom while the budget of requests is spent: the world as it is when one is done."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
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
RATE = 150


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


async def counted(database: Database, viewer: Viewer, status: str | None = None) -> int:
    statement = text("""
        SELECT count(*) FROM resource
        WHERE account_id = :id AND (CAST(:status AS text) IS NULL OR status = :status)
    """)
    async with database.read(API) as connection:
        found = await connection.execute(statement, {"id": viewer.home, "status": status})
        return int(found.scalar_one())


async def test_a_single_start_does_not_wait_for_all_of_somebody_elses(
    database: Database, simulator: RunningSimulator
) -> None:
    hog, single = await viewer_of(database, "hog"), await viewer_of(database, "single")
    await projects_of(database, hog, 60)

    async def one_runs() -> bool:
        return await counted(database, single, "RUNNING") == 1

    async with reconciling(database, simulator) as loop:
        await becomes(lambda: more_than(database, hog, 0))
        await project_of(database, single)
        before = await counted(database, hog, "RUNNING")
        loop.wake()
        await becomes(one_runs)
        meanwhile = await counted(database, hog, "RUNNING") - before

    # Its own requests and as many of the other's, and what those were at already.
    assert meanwhile < 25


async def more_than(database: Database, viewer: Viewer, count: int) -> bool:
    return await counted(database, viewer, "RUNNING") > count


@pytest.mark.parametrize("flood", [DesiredState.RUNNING, DesiredState.DELETED])
async def test_neither_starts_nor_deletions_wait_for_all_of_the_other(
    database: Database, simulator: RunningSimulator, flood: DesiredState
) -> None:
    """Of one user: not even his own."""
    viewer = await viewer_of(database)
    many = await projects_of(database, viewer, 40)
    one = await project_of(database, viewer, "one")

    async def all_run() -> bool:
        return await counted(database, viewer, "RUNNING") == 41

    if flood is DesiredState.DELETED:
        async with running_freely(database, simulator):
            await becomes(all_run)
        for project in many:
            await want(database, viewer, project, DesiredState.DELETED)
        await want(database, viewer, one, DesiredState.STOPPED)
    else:
        await want(database, viewer, one, DesiredState.DELETED)

    async def one_is_done() -> bool:
        async with database.read(API) as connection:
            asked = text("SELECT status FROM project WHERE id = :id")
            status = (await connection.execute(asked, {"id": one})).scalar_one_or_none()
        return status in (None, "STOPPED")

    async with reconciling(database, simulator):
        await becomes(one_is_done)
        left = await counted(database, viewer) - await counted(database, viewer, "RUNNING")

    assert left > 15


@asynccontextmanager
async def running_freely(database: Database, simulator: RunningSimulator) -> AsyncIterator[Loop]:
    opened = await connect(simulator.kubeconfig, Bounds(10, rate=1000, burst=1000))
    settings = Settings(poll=0.5)
    reconcile = resources_of(database, opened, settings).reconcile
    async with running(database, reconcile, settings, opened) as loop:
        yield loop
    await opened.close()
