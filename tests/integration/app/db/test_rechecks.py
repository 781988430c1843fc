"""Putting off what is settled: only what nobody has said anything about since it was read."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db import claims, rechecks, resources
from app.db.rechecks import Coming
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.domain.states import DesiredState, Lane, Phase
from app.domain.viewer import RECONCILER
from app.services import projects
from tests.integration.passes import failed, passed, running
from tests.integration.world import project_of, viewer_of

SOON, LATER = timedelta(minutes=6), timedelta(hours=1)


async def settled_one(database: Database) -> Coming:
    """One sandbox that runs, to be looked at again in five minutes."""
    await project_of(database, await viewer_of(database))
    await passed(database, running)
    [found] = await coming(database)
    return found


async def coming(database: Database, within: timedelta = SOON) -> list[Coming]:
    async with database.autocommit(RECONCILER) as connection:
        return await rechecks.coming(connection, within=within, most=10)


async def put_off(database: Database, *rows: Coming) -> None:
    async with database.autocommit(RECONCILER) as connection:
        await rechecks.put_off(connection, [(row, LATER) for row in rows])


async def due_in(database: Database, key: UUID) -> timedelta:
    async with database.autocommit(RECONCILER) as connection:
        statement = text("SELECT due_at - mooring_now() FROM resource WHERE id = :id")
        found: timedelta = (await connection.execute(statement, {"id": key})).scalar_one()
    return found


async def test_a_settled_row_is_put_off_and_nothing_else_of_it_moves(database: Database) -> None:
    row = await settled_one(database)
    before = await everything(database)

    await put_off(database, row)

    after = await everything(database)
    assert {name for name in before if before[name] != after[name]} == {"due_at"}
    assert isinstance(after["due_at"], datetime)
    assert await due_in(database, row.id) > LATER - timedelta(minutes=1)
    assert await coming(database) == []


async def everything(database: Database) -> dict[str, object]:
    async with database.read(RECONCILER) as connection:
        return dict((await connection.execute(text("SELECT * FROM resource"))).mappings().one())


async def test_only_what_is_settled_without_a_word_and_due_soon_is_coming(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer, "new")
    new = await coming(database)
    await passed(database, failed(Reason.CRASH_LOOP))
    fails = await coming(database)
    await project_of(database, viewer, "settled")
    await passed(database, running)

    [settled] = await coming(database)

    assert (new, fails) == ([], [])
    assert await coming(database, timedelta(minutes=4)) == []
    async with database.begin(RECONCILER) as session:
        await resources.ask(session, [settled.id])
    assert await coming(database) == []


async def test_a_row_that_was_asked_for_meanwhile_stays_due(database: Database) -> None:
    row = await settled_one(database)

    async with database.autocommit(RECONCILER) as connection:
        await resources.ask(connection, [row.id])
        # As the record of a pass does, which did not see that it was asked for.
        await connection.execute(text("UPDATE resource SET lane = 2"))
    await put_off(database, row)

    assert await due_in(database, row.id) <= timedelta(0)


async def test_an_intent_that_came_meanwhile_stays_due(database: Database) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    await passed(database, running)
    [row] = await coming(database)

    async with database.begin(viewer) as session:
        await projects.want(session, viewer, project, DesiredState.STOPPED)
    await put_off(database, row)

    assert await due_in(database, row.id) <= timedelta(0)


async def test_a_row_of_which_a_pass_found_something_meanwhile_keeps_its_look(
    database: Database,
) -> None:
    row = await settled_one(database)

    async with database.autocommit(RECONCILER) as connection:
        await connection.execute(text("UPDATE resource SET lane = 0, due_at = mooring_now()"))
    await passed(database, unseen)
    await put_off(database, row)

    assert await due_in(database, row.id) < SOON


@pytest.mark.parametrize("when", ["before it is read", "after it was read"])
async def test_a_row_that_is_claimed_is_left_to_its_pass(database: Database, when: str) -> None:
    row = await settled_one(database)
    async with database.autocommit(RECONCILER) as connection:
        await connection.execute(text("UPDATE resource SET due_at = mooring_now()"))
        [claim], _ = await claims.claim(
            connection,
            lane=Lane.CLOCK,
            after=UUID(int=0),
            slots=1,
            saturated=(),
            lease=timedelta(seconds=30),
            worker="test",
        )

    read = await coming(database) if when == "before it is read" else [row]
    await put_off(database, *read)

    assert claim.id == row.id
    assert await due_in(database, row.id) <= timedelta(0)


async def test_a_row_that_somebody_holds_is_not_waited_for(database: Database) -> None:
    row = await settled_one(database)

    async with database.begin(RECONCILER) as session:
        await session.execute(text("SELECT 1 FROM resource FOR UPDATE"))
        await put_off(database, row)

    assert await due_in(database, row.id) < SOON


def unseen(claim: claims.Claim) -> Outcome:
    """A pass that could not look."""
    return Outcome(claim.generation, timedelta(minutes=5), reason=Reason.CLUSTER_UNAVAILABLE)


async def test_what_has_a_reason_is_looked_at_by_a_pass(database: Database) -> None:
    row = await settled_one(database)
    async with database.autocommit(RECONCILER) as connection:
        await resources.ask(connection, [row.id])

    await passed(database, unseen)

    assert (await everything(database))["phase"] == Phase.RUNNING
    assert await coming(database) == []
