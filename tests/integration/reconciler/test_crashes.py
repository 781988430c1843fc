"""Rows that end whoever looks at them, and those that were in flight beside them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, NoReturn
from uuid import UUID

import pytest
from sqlalchemy import Row, text

from app.db.claims import CRASHES, Claim
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.domain.states import Phase
from app.domain.viewer import API, RECONCILER, Viewer
from app.services import projects
from app.settings import Settings
from reconciler.loop import Loop
from tests.integration.reconciler.test_loop import running
from tests.integration.world import becomes, project_of, viewer_of

QUICK = Settings(poll=0.05, lease=0.6, lease_margin=0.1, crashed_retry=3600)
Reconcile = Callable[[Claim], Awaitable[Outcome | None]]


def up(claim: Claim) -> Outcome:
    return Outcome(claim.generation, timedelta(minutes=5), phase=Phase.RUNNING)


class Workers:
    """One worker after the other, each until it dies: nothing of it is released or recorded."""

    def __init__(
        self, database: Database, reconcile: Reconcile, settings: Settings = QUICK
    ) -> None:
        self._database = database
        self._reconcile = reconcile
        self._settings = settings
        self._now: asyncio.Task[None] | None = None
        self.deaths = 0

    async def die(self) -> NoReturn:
        """End the worker whose pass this is, in the middle of it."""
        assert self._now is not None
        self._now.cancel()
        await asyncio.Event().wait()
        raise AssertionError

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """As many as it takes, for the block."""
        task = asyncio.create_task(self._work())
        yield
        task.cancel()

    async def _work(self) -> None:
        while True:
            self._now = asyncio.create_task(self._run(f"worker-{self.deaths}"))
            try:
                await asyncio.wait([self._now])
            finally:
                self._now.cancel()
            self.deaths += 1

    async def _run(self, worker: str) -> None:
        await Loop(self._database, self._reconcile, self._settings, worker).run()


async def row_of(database: Database, project: UUID) -> Row[Any]:
    """The one sandbox of a project."""
    query = text("SELECT * FROM resource WHERE project_id = :id")
    async with database.read(API) as connection:
        return (await connection.execute(query, {"id": project})).one()


async def shows(database: Database, project: UUID, status: str, reason: Reason | None) -> None:
    async def same() -> bool:
        row = await row_of(database, project)
        return (row.status, row.reason) == (status, reason)

    await becomes(same)


async def ever_blamed(database: Database) -> set[UUID]:
    """The projects of which some sandbox was ever said to have ended its workers."""
    query = text("SELECT DISTINCT project_id FROM change WHERE reason = 'WorkerCrashed'")
    async with database.read(API) as connection:
        return {row.project_id for row in await connection.execute(query)}


async def retried(database: Database, viewer: Viewer, project: UUID) -> None:
    """It is retried when it has rested."""
    async with database.begin(API) as session:
        await session.execute(text("UPDATE resource SET held_until = mooring_now()"))
    async with database.begin(viewer) as session:
        await projects.retry(session, viewer, project)


@pytest.mark.faults
async def test_a_row_that_kills_its_worker_is_found_and_nobody_beside_it_is_blamed(
    database: Database,
) -> None:
    viewer, other = await viewer_of(database), await viewer_of(database, "bob")
    killer = await project_of(database, viewer)
    beside = [await project_of(database, one) for one in (viewer, other) for _ in range(8)]
    begun: set[UUID] = set()

    async def reconcile(claim: Claim) -> Outcome:
        begun.add(claim.project_id)
        if claim.project_id == killer:
            await asyncio.sleep(0.02)
            await workers.die()
        if not workers.deaths:
            await asyncio.Event().wait()
        await asyncio.sleep(0.03)
        return up(claim)

    workers = Workers(database, reconcile)
    async with workers.working():
        await shows(database, killer, "ERROR", Reason.WORKER_CRASHED)
        for project in beside:
            await shows(database, project, "RUNNING", None)
    row = await row_of(database, killer)

    assert workers.deaths == CRASHES
    assert begun >= set(beside)
    assert await ever_blamed(database) == {killer}
    assert (row.attempts, row.message) == (
        1,
        "5 looks at it ended with their worker, the last one with worker-4:"
        " it died, or hung for as long as a lease. Whoever asks, it is not tried again before 240 s"
        " have passed.",
    )


@pytest.mark.faults
async def test_it_is_tried_once_at_a_time_and_healed_by_whatever_that_finds(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    deadly = True

    async def reconcile(claim: Claim) -> Outcome:
        if deadly:
            await workers.die()
        return up(claim)

    workers = Workers(database, reconcile)
    async with workers.working():
        await shows(database, project, "ERROR", Reason.WORKER_CRASHED)
        await retried(database, viewer, project)

        async def blamed_again() -> bool:
            return bool((await row_of(database, project)).attempts == 2)

        await becomes(blamed_again)
        again = await row_of(database, project)
        deadly = False
        await retried(database, viewer, project)
        await shows(database, project, "RUNNING", None)

    assert workers.deaths == CRASHES + 1
    assert "6 looks" in again.message
    assert (await row_of(database, project)).attempts == 0


@pytest.mark.faults
async def test_a_row_whose_pass_stops_the_process_for_a_lease_is_found_too(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    blocking, beside = await project_of(database, viewer), await project_of(database, viewer)
    blocked = 0

    async def reconcile(claim: Claim) -> Outcome:
        nonlocal blocked
        if claim.project_id == blocking:
            blocked += 1
            time.sleep(QUICK.lease + 0.05)
        return up(claim)

    async with running(database, reconcile, QUICK):
        await shows(database, blocking, "ERROR", Reason.WORKER_CRASHED)
        await shows(database, beside, "RUNNING", None)

    assert blocked == CRASHES
    assert await ever_blamed(database) == {blocking}


async def test_many_suspects_whose_looks_take_long_leave_others_their_turn(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    suspects = {await project_of(database, viewer) for _ in range(4)}
    async with database.begin(API) as session:
        await session.execute(text("UPDATE resource SET crashes = 3, locked_by = 'who died'"))
    wish = await project_of(database, viewer)
    looked: list[UUID] = []

    async def reconcile(claim: Claim) -> Outcome:
        looked.append(claim.project_id)
        if claim.project_id in suspects:
            await asyncio.sleep(QUICK.poll * 1.5)
        return up(claim)

    async def all_looked_at() -> bool:
        return len(looked) == 5

    async with running(database, reconcile, QUICK.model_copy(update={"lease": 60})):
        await becomes(all_looked_at)

    assert looked.index(wish) == 1


async def no_answer(_: Database) -> None:
    raise TimeoutError  # as of a connection that nobody answers


async def ended(database: Database) -> None:
    async with database.read(RECONCILER) as connection:
        await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


@pytest.mark.parametrize("loses", [ended, no_answer])
async def test_a_pass_that_loses_postgres_is_done_again_and_tells_nobody_of_a_failure(
    database: Database, loses: Callable[[Database], Awaitable[None]]
) -> None:
    project = await project_of(database, await viewer_of(database))
    found: list[int] = []

    async def reconcile(claim: Claim) -> Outcome:
        found.append(claim.crashes)
        if len(found) == 1:
            await loses(database)
        return up(claim)

    async with running(database, reconcile, QUICK.model_copy(update={"lease": 60})):
        await shows(database, project, "RUNNING", None)

    query = text("SELECT count(reason) FROM change")
    async with database.read(API) as connection:
        assert (await connection.execute(query)).scalar_one() == 0
    assert found == [0, 0]


async def test_what_a_worker_could_not_end_before_it_stops_is_not_held_against_the_row(
    database: Database,
) -> None:
    project = await project_of(database, await viewer_of(database))
    begun = asyncio.Event()

    async def reconcile(claim: Claim) -> Outcome:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    settings = Settings(poll=0.05, lease=60, lease_margin=0.2, pass_timeout=60, drain=0.01)
    async with running(database, reconcile, settings):
        await begun.wait()
    row = await row_of(database, project)
    found: list[int] = []

    async def next_one(claim: Claim) -> Outcome:
        found.append(claim.crashes)
        return up(claim)

    async with running(database, next_one, settings):
        await shows(database, project, "RUNNING", None)

    assert (row.lease_token, row.locked_by) == (None, None)
    assert found == [0]
