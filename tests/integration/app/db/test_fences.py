"""What upholds the invariants of a row, line by line: each is a mutant of `tests/mutants` too."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from app.db import claims, feed, resources
from app.db.claims import Claim
from app.db.feed import NewChange
from app.db.record import record
from app.db.session import Database, Session
from app.domain.ids import new_id
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.domain.states import DesiredState, Lane, Phase, ResourceStatus
from app.domain.viewer import API, RECONCILER, Viewer
from app.services import projects
from app.services.projects import NewProject
from app.services.sandboxes import NewSandbox
from tests.integration.app.db.test_protocol import (
    LEASE,
    claim_lane,
    claim_one,
    lost,
    row_of,
    running,
    stopping,
    write,
)
from tests.integration.world import MAKERS, becomes, project_of, viewer_of


def waits(database: Database) -> Callable[[], Awaitable[bool]]:
    """Whether somebody waits for a lock."""

    async def found() -> bool:
        async with database.read(API) as connection:
            query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool((await connection.execute(query)).scalar_one())

    return found


async def want(database: Database, viewer: Viewer, project: UUID, desired: DesiredState) -> None:
    async with database.begin(viewer) as session:
        await projects.want(session, viewer, project, desired)


async def test_an_intent_during_a_pass_is_not_lost(database: Database) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    claim = await claim_one(database)
    await want(database, viewer, project, DesiredState.STOPPED)

    await write(database, claim, running(claim))

    again = await claim_one(database)
    assert (again.desired_state, again.generation) == (DesiredState.STOPPED, 2)
    assert again.observed_generation == 1


async def test_an_edit_during_a_pass_is_not_lost(database: Database) -> None:
    await project_of(database, await viewer_of(database))
    claim = await claim_one(database)
    async with database.begin(API) as session:
        await resources.edit(session, [claim.id])

    await write(database, claim, running(claim))

    assert (await claim_one(database)).generation == 2


async def test_a_lease_that_ends_while_its_record_waits_for_a_lock_is_over(
    database: Database,
) -> None:
    await project_of(database, await viewer_of(database))
    claim = await claim_one(database)

    async with database.begin(API) as session:
        await session.execute(text("SELECT 1 FROM project FOR NO KEY UPDATE"))
        writing = asyncio.create_task(write(database, claim, running(claim)))
        await becomes(waits(database))
        await session.execute(text("UPDATE resource SET locked_until = clock_timestamp()"))

    assert (await writing).written == frozenset()


async def test_one_that_waited_for_a_sibling_is_recorded_once_though_its_row_was_touched_meanwhile(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    new = NewProject("shop", databases=(), sandboxes=(NewSandbox("a"),))
    async with database.begin(viewer) as session:
        project = await projects.create(session, viewer, MAKERS, new)
    await want(database, viewer, project.id, DesiredState.STOPPED)
    waited = await claim_one(database)
    waiting = replace(running(waited), phase=Phase.RUNNING, reason=Reason.WAITING_FOR_SANDBOXES)
    await write(database, waited, waiting)
    async with database.begin(API) as session:
        await resources.ask(session, [waited.id])
    claim = await claim_one(database)

    async with database.begin(RECONCILER) as session:
        await resources.ask(session, [claim.id])
        writing = asyncio.create_task(
            write(database, claim, replace(running(claim), phase=Phase.STOPPED))
        )
        await becomes(waits(database))
    await writing

    async with database.read(API) as connection:
        query = text(
            "SELECT from_status, to_status FROM change WHERE subject_id = :id ORDER BY seq"
        )
        found = [tuple(row) for row in await connection.execute(query, {"id": claim.id})]
    assert found[-1] == ("STOPPING", "STOPPED")
    assert found.count(("STOPPING", "STOPPED")) == 1


async def test_of_two_records_of_one_project_the_second_sees_what_the_first_wrote(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    new = NewProject("shop", databases=(), sandboxes=(NewSandbox("a"), NewSandbox("b")))
    async with database.begin(viewer) as session:
        await projects.create(session, viewer, MAKERS, new)
    first, second = await claim_lane(database, Lane.ASKED)

    async with database.begin(RECONCILER) as session:
        await record(session, [(first, running(first))])
        writing = asyncio.create_task(write(database, second, running(second)))
        await becomes(waits(database))
    await writing

    async with database.read(API) as connection:
        query = text("SELECT status FROM project")
        assert (await connection.execute(query)).scalar_one() == ResourceStatus.RUNNING


async def test_only_the_holder_renews_and_only_before_the_end(database: Database) -> None:
    await project_of(database, await viewer_of(database))

    async def renewed(claim: Claim) -> bool:
        async with database.autocommit(RECONCILER) as connection:
            return bool(await claims.renew(connection, [claim], LEASE))

    first = await claim_one(database)
    held = await renewed(first)
    await lost(database)
    over = await renewed(first)
    second = await claim_one(database)
    stolen = await renewed(first)

    assert (held, over, stolen) == (True, False, False)
    assert await renewed(second)


async def test_a_pass_may_write_while_the_row_is_its_own_and_wants_the_same(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)

    async def current(claim: Claim) -> bool:
        async with database.read(RECONCILER) as connection:
            return await claims.still_current(connection, claim)

    first = await claim_one(database)
    held = await current(first)
    await lost(database)
    over = await current(first)
    second = await claim_one(database)
    stolen = await current(first)
    await want(database, viewer, project, DesiredState.STOPPED)
    newer = await current(second)

    assert (held, over, stolen, newer) == (True, False, False, False)


async def test_a_row_goes_only_when_it_is_to_go_and_nobody_has_asked_since(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)

    def empty(claim: Claim) -> Outcome:
        return Outcome(claim.generation, timedelta(0), phase=Phase.GONE, gone=True)

    claim = await claim_one(database)
    await write(database, claim, empty(claim))
    stays = await row_of(database, claim.id)
    await want(database, viewer, project, DesiredState.DELETED)
    [claim] = await claim_lane(database, Lane.DELETION)
    async with database.autocommit(RECONCILER) as connection:
        await resources.ask(connection, [claim.id])
    await write(database, claim, empty(claim))
    asked = await row_of(database, claim.id)
    [claim] = await claim_lane(database, Lane.DELETION)
    await write(database, claim, empty(claim))

    assert stays["phase"] == "gone"
    assert asked["phase"] == "terminating"
    async with database.read(API) as connection:
        left = (await connection.execute(text("SELECT count(*) FROM resource"))).scalar_one()
    assert left == 0


async def test_the_time_in_a_phase_begins_anew_with_the_phase_and_with_the_generation(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    since = []

    async def looked(outcome: Callable[[Claim], Outcome]) -> None:
        claim = await claim_one(database)
        await write(database, claim, replace(outcome(claim), after=timedelta(0)))
        since.append((await row_of(database, claim.id))["phase_since"])

    await looked(running)
    await looked(running)
    await looked(stopping)
    await want(database, viewer, project, DesiredState.STOPPED)
    await looked(stopping)

    assert since[0] == since[1]
    assert len(set(since)) == 3


async def test_an_append_locks_feeds_in_their_order(database: Database) -> None:
    low, high = sorted([(await viewer_of(database)).home, (await viewer_of(database, "bob")).home])
    lock = text("SELECT 1 FROM feed WHERE account_id = :id FOR NO KEY UPDATE NOWAIT")

    def change(account: UUID) -> NewChange:
        status = ResourceStatus.RUNNING
        return NewChange(
            account,
            new_id(),
            "sandbox.status",
            new_id(),
            "Sandbox",
            "app",
            status,
            status,
            None,
            None,
        )

    async def append(session: Session) -> None:
        # A scan of the whole table meets `high` first: `low` has a newer version behind it.
        await session.execute(text("SET LOCAL enable_nestloop = off"))
        await session.execute(text("SET LOCAL enable_indexscan = off"))
        await session.execute(text("SET LOCAL enable_bitmapscan = off"))
        await feed.append(session, [change(high), change(low)], API.actor)

    async def appended() -> None:
        async with database.begin(API) as session:
            await append(session)

    async with database.begin(API) as session:
        await session.execute(text("UPDATE feed SET seq = seq WHERE account_id = :id"), {"id": low})
    async with database.begin(API) as session:
        await session.execute(lock, {"id": low})
        appending = asyncio.create_task(appended())
        await becomes(waits(database))
        await session.execute(lock, {"id": high})

    await appending


async def test_a_snapshot_is_of_one_moment(database: Database) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    query = text("SELECT (SELECT generation FROM project), (SELECT seq FROM feed)")

    async with database.snapshot(viewer) as connection:
        before = (await connection.execute(query)).one()
        await want(database, viewer, project, DesiredState.STOPPED)
        after = (await connection.execute(query)).one()

    assert before == after
