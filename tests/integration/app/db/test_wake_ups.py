"""Who has to look because of what a record writes is asked by the record itself: whoever recorded
it may be gone the moment after."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.db import causes, credentials, resources
from app.db.claims import CRASHES, Claim
from app.db.record import Recorded, record
from app.db.session import Database, Session
from app.domain.observation import Endpoint, Outcome
from app.domain.reasons import Reason
from app.domain.states import DesiredState, Lane, Phase, ResourceKind
from app.domain.viewer import API, RECONCILER, Viewer
from app.services import projects
from app.services.projects import NewProject
from tests.integration.app.db.test_fences import waits
from tests.integration.app.db.test_protocol import (
    claim_lane,
    claim_suspect,
    lost,
    row_of,
    running,
    write,
)
from tests.integration.app.test_statements import counted
from tests.integration.world import MAKERS, becomes, project_of, viewer_of

LATER = timedelta(minutes=5)
AT = Endpoint("db.mooring.svc", 5432, "postgres", "postgres", "16.4.0")


async def both(database: Database) -> tuple[Claim, Claim]:
    """A new project's sandbox and database, claimed."""
    viewer = await viewer_of(database)
    async with database.begin(viewer) as session:
        await projects.create(session, viewer, MAKERS, NewProject("shop"))
    found = {claim.kind: claim for claim in await claim_lane(database, Lane.ASKED)}
    # For what a sandbox does is waited only while it stops.
    sandbox = replace(found[ResourceKind.SANDBOX], desired_state=DesiredState.STOPPED)
    return sandbox, found[ResourceKind.DATABASE]


async def settled(database: Database) -> tuple[Claim, Claim]:
    """The same, running and at rest; the database is claimed again, for a look of the clock."""
    sandbox, held = await both(database)
    with_address = replace(running(held), details=AT, password=b"first")
    async with database.begin(RECONCILER) as session:
        await record(session, [(held, with_address)])
    async with database.begin(RECONCILER) as session:
        await record(session, [(sandbox, running(sandbox))])
    [again] = await claim_lane(database, Lane.ASKED)  # its database moved under its look
    await write(database, again, running(again))
    async with database.begin(API) as session:
        await session.execute(
            text("UPDATE resource SET due_at = mooring_now() WHERE kind = 'DATABASE'")
        )
    [looked] = await claim_lane(database, Lane.CLOCK)
    return again, looked


async def due(database: Database) -> list[str]:
    """What kinds are claimed now."""
    return [claim.kind for claim in await claim_lane(database, Lane.ASKED)]


@pytest.mark.parametrize(
    "news",
    [{"password": b"second"}, {"details": replace(AT, host="other.mooring.svc")}],
    ids=["password", "address"],
)
async def test_a_database_that_is_reached_in_another_way_asks_its_sandboxes_in_the_same_commit(
    database: Database, news: dict[str, Any]
) -> None:
    sandbox, looked = await settled(database)

    recorded = await write(database, looked, replace(running(looked), **news))

    assert recorded.woken == {sandbox.id}
    assert await due(database) == ["SANDBOX"]


async def test_a_database_that_is_gone_does(database: Database) -> None:
    sandbox, looked = await settled(database)
    async with database.begin(API) as session:
        await session.execute(
            text("UPDATE resource SET desired_state = 'DELETED' WHERE kind = 'DATABASE'")
        )

    gone = Outcome(looked.generation, LATER, phase=Phase.GONE, gone=True)
    recorded = await write(database, looked, gone)

    assert recorded.woken == {sandbox.id}
    assert await due(database) == ["SANDBOX"]


async def test_a_pass_that_is_under_way_at_its_sandbox_is_followed_by_another(
    database: Database,
) -> None:
    _, looked = await settled(database)
    async with database.begin(API) as session:
        await session.execute(
            text("UPDATE resource SET due_at = mooring_now() WHERE kind = 'SANDBOX'")
        )
    [under_way] = await claim_lane(database, Lane.CLOCK)

    await write(database, looked, replace(running(looked), password=b"second"))
    recorded = await write(database, under_way, running(under_way))

    assert recorded.asked_again == {under_way.id}
    assert await due(database) == ["SANDBOX"]


@pytest.mark.parametrize("first", ResourceKind)
async def test_one_that_waits_is_asked_by_whatever_its_project_moves(
    database: Database, first: ResourceKind
) -> None:
    sandbox, held = await both(database)
    waiting, other = (sandbox, held) if first is ResourceKind.DATABASE else (held, sandbox)
    reason = (
        Reason.WAITING_FOR_DATABASE
        if waiting.kind == ResourceKind.SANDBOX
        else Reason.WAITING_FOR_SANDBOXES
    )
    await write(database, waiting, Outcome(waiting.generation, LATER, reason=reason))

    recorded = await write(database, other, running(other))

    assert recorded.woken == {waiting.id}
    assert await due(database) == [waiting.kind]


async def test_one_that_waits_and_moves_by_its_own_record_alone_is_not(database: Database) -> None:
    sandbox, held = await both(database)
    waits_for = Outcome(sandbox.generation, LATER, reason=Reason.WAITING_FOR_DATABASE)
    await write(database, sandbox, waits_for)
    async with database.autocommit(RECONCILER) as connection:
        await resources.ask(connection, [sandbox.id])
    [again] = await claim_lane(database, Lane.ASKED)

    recorded = await write(database, again, running(again))

    assert recorded == Recorded(frozenset({again.id}), frozenset())
    assert (await row_of(database, held.id))["asked"] == held.asked


async def test_one_that_ended_its_workers_is_not(database: Database) -> None:
    sandbox, looked = await settled(database)
    async with database.begin(API) as session:
        crashed = text("UPDATE resource SET locked_by = 'dead', crashes = :n WHERE id = :id")
        await session.execute(crashed, {"id": sandbox.id, "n": CRASHES - 2})

    await write(database, looked, replace(running(looked), password=b"second"))

    assert await due(database) == []


async def crashed(database: Database) -> tuple[Viewer, UUID, Claim]:
    """A user, his project, and its sandbox, which ended its workers and rests for an hour."""
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    [found] = await claim_lane(database, Lane.ASKED)
    claim = replace(found, last_worker="dead")
    await write(database, claim, ended_its_workers(claim))
    return viewer, project, claim


def ended_its_workers(claim: Claim) -> Outcome:
    return Outcome(
        claim.generation,
        timedelta(hours=2),
        failed=True,
        reason=Reason.WORKER_CRASHED,
        attempts=1,
        held=timedelta(hours=1),
    )


async def retry(session: Session, viewer: Viewer, project: UUID) -> None:
    await projects.retry(session, viewer, project)


async def stop(session: Session, viewer: Viewer, project: UUID) -> None:
    await projects.want(session, viewer, project, DesiredState.STOPPED)


async def delete(session: Session, viewer: Viewer, project: UUID) -> None:
    await projects.want(session, viewer, project, DesiredState.DELETED)


async def edit(session: Session, _: Viewer, project: UUID) -> None:
    locked = await resources.lock(session, project)
    await resources.edit(session, [one.id for one in locked])


async def other_cluster(session: Session, viewer: Viewer, _: UUID) -> None:
    await credentials.moved(session, viewer.home)


@pytest.mark.parametrize("ask", [retry, stop, edit, other_cluster])
async def test_one_that_ended_its_workers_rests_first_whoever_asks(
    database: Database, ask: Callable[[Session, Viewer, UUID], Awaitable[None]]
) -> None:
    viewer, project, claim = await crashed(database)

    async with database.begin(viewer) as session:
        await ask(session, viewer, project)
    row = await row_of(database, claim.id)
    early = [await claim_lane(database, lane) for lane in (Lane.ASKED, Lane.DELETION)]

    assert row["asked"] == claim.asked + 1
    assert row["due_at"] == row["held_until"]
    assert early == [[], []]


async def test_the_deletion_of_one_that_ended_its_workers_is_tried_once_at_once_and_then_rests(
    database: Database,
) -> None:
    viewer, project, claim = await crashed(database)

    async with database.begin(viewer) as session:
        await delete(session, viewer, project)
        [before] = await causes.of_projects(session, viewer, [project])
    async with database.begin(viewer) as session:
        await other_cluster(session, viewer, project)
    trial = await claim_suspect(database)
    assert trial is not None
    await lost(database)
    found = await claim_suspect(database)
    assert found is not None
    await write(database, found, ended_its_workers(found))
    async with database.begin(viewer) as session:
        await retry(session, viewer, project)
    row = await row_of(database, claim.id)

    assert before.next_attempt_at <= trial.claimed_at
    assert trial.crashes < CRASHES <= found.crashes
    assert row["due_at"] == row["held_until"]
    assert await claim_suspect(database) is None


async def test_what_somebody_stopped_and_ended_its_workers_rests_too(database: Database) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    [claim] = await claim_lane(database, Lane.ASKED)
    words = "Somebody has stopped it."
    soon = timedelta(0)
    stopped = Outcome(1, soon, Phase.STOPPED, reason=Reason.STOPPED_ELSEWHERE, message=words)
    await write(database, claim, stopped)
    [again] = await claim_lane(database, Lane.ASKED)
    dead = replace(again, last_worker="dead")
    await write(database, dead, ended_its_workers(dead))

    async with database.autocommit(RECONCILER) as connection:
        await resources.ask(connection, [claim.id], unless_crashed=True)
    unmoved = await row_of(database, claim.id)
    async with database.begin(viewer) as session:
        await retry(session, viewer, project)
    row = await row_of(database, claim.id)

    assert unmoved["reason"] == Reason.STOPPED_ELSEWHERE
    assert unmoved["asked"] == again.asked
    assert row["asked"] == again.asked + 1
    assert row["due_at"] == row["held_until"]


async def test_however_many_are_asked_for_no_statement_takes_long(database: Database) -> None:
    with counted() as statements:
        async with database.autocommit(RECONCILER) as connection:
            await resources.ask(connection, {uuid4() for _ in range(1001)})

    assert len(statements) == 3


async def test_a_record_that_moves_nothing_costs_its_three_statements(database: Database) -> None:
    _, looked = await settled(database)

    with counted() as statements:
        recorded = await write(database, looked, running(looked))

    assert recorded == Recorded(frozenset({looked.id}), frozenset())
    assert len(statements) == 3


@pytest.mark.parametrize("kind", ResourceKind)
async def test_it_locks_by_id_whatever_is_claimed_of_a_project_and_whatever_is_asked(
    database: Database, kind: ResourceKind
) -> None:
    sandbox, held = await both(database)
    claimed, other = (sandbox, held) if kind is ResourceKind.SANDBOX else (held, sandbox)
    waiting = Outcome(other.generation, LATER, reason=Reason.WAITING_FOR_DATABASE)
    await write(database, other, waiting)
    low, high = sorted((claimed.id, other.id))
    lock = text("SELECT 1 FROM resource WHERE id = :id FOR NO KEY UPDATE")

    async with database.begin(API) as session:
        # As a watch does, which has not to do with projects.
        await session.execute(lock, {"id": low})
        writing = asyncio.create_task(
            write(database, claimed, replace(running(claimed), password=b"first"))
        )
        await becomes(waits(database))
        await session.execute(lock, {"id": high})

    assert (await writing).woken == {other.id}


@pytest.mark.parametrize(
    "change", ["lease_token = gen_random_uuid()", "locked_until = mooring_now()"]
)
async def test_a_lease_that_ends_while_its_record_waits_for_the_row_is_over(
    database: Database, change: str
) -> None:
    sandbox, looked = await settled(database)

    async with database.begin(API) as session:
        query = text(f"UPDATE resource SET {change} WHERE id = :id")
        await session.execute(query, {"id": looked.id})
        news = replace(running(looked), password=b"second")
        writing = asyncio.create_task(write(database, looked, news))
        await becomes(waits(database))

    assert await writing == Recorded(frozenset(), frozenset())
    assert (await row_of(database, sandbox.id))["asked"] == sandbox.asked
