"""When users are told that a resource is tried next, and what outlives a look that saw nothing."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from app.db import causes, resources
from app.db.claims import Claim
from app.db.sandboxes import SANDBOXES
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.domain.states import Phase
from app.domain.viewer import API, RECONCILER, Viewer
from app.settings import Settings
from tests.integration.app.db.test_protocol import claim_one, write
from tests.integration.reconciler.test_loop import at_least, running
from tests.integration.world import becomes, project_of, viewer_of

SOON, LATER = timedelta(seconds=2), timedelta(seconds=40)


def failed(claim: Claim, *, held: timedelta | None = None) -> Outcome:
    return Outcome(claim.generation, SOON, reason=Reason.CLUSTER_UNAVAILABLE, message="", held=held)


async def next_claim(database: Database) -> Claim:
    """The one row, asked for."""
    async with database.autocommit(RECONCILER) as connection:
        found = (await connection.execute(text("SELECT id FROM resource"))).scalars().all()
        await resources.ask(connection, found)
    return await claim_one(database)


async def now(database: Database) -> datetime:
    async with database.read(API) as connection:
        found: datetime = (await connection.execute(text("SELECT mooring_now()"))).scalar_one()
    return found


async def told(database: Database, viewer: Viewer, key: Claim) -> datetime:
    """What is told of it by itself, which is what is told of its project."""
    async with database.read(viewer) as connection:
        [row] = await SANDBOXES.by_ids(connection, viewer, [key.id])
        [cause] = await causes.of_projects(connection, viewer, [key.project_id])
    assert cause.next_attempt_at == row.next_attempt_at
    return row.next_attempt_at


@pytest.mark.parametrize(("held", "next_one"), [(None, SOON), (LATER, LATER), (SOON / 2, SOON)])
async def test_nothing_is_promised_before_its_look_and_its_cluster_is_asked(
    database: Database, held: timedelta | None, next_one: timedelta
) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    claim = await claim_one(database)

    before = await now(database)
    await write(database, claim, failed(claim, held=held))
    after = await now(database)

    assert before + next_one <= await told(database, viewer, claim) <= after + next_one


async def test_whoever_asks_brings_it_forward_though_not_before_its_cluster_is_asked(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    promised = []
    for held in (None, LATER):
        claim = await claim_one(database)
        await write(database, claim, failed(claim, held=held))
        begun = await now(database)
        async with database.autocommit(RECONCILER) as connection:
            await resources.ask(connection, [claim.id])
        promised.append(await told(database, viewer, claim) - begun)

    assert timedelta(0) <= promised[0] < SOON < promised[1]


async def test_what_was_asked_for_during_its_pass_is_tried_at_once(database: Database) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    claim = await claim_one(database)
    async with database.autocommit(RECONCILER) as connection:
        await resources.ask(connection, [claim.id])

    await write(database, claim, failed(claim))

    assert await told(database, viewer, claim) <= await now(database)


async def test_a_pass_that_came_to_no_end_promises_nothing_before_its_cluster_is_asked(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    passes: list[Claim] = []

    async def fails(claim: Claim) -> Outcome:
        passes.append(claim)
        raise RuntimeError

    async with running(database, fails, Settings(poll=3600), held=lambda _: LATER):
        await becomes(lambda: at_least(passes, 1))
        begun = passes[0].claimed_at

        async def recorded() -> bool:
            return await told(database, viewer, passes[0]) >= begun + LATER

        await becomes(recorded)


async def test_that_somebody_stopped_it_is_said_with_why_nobody_knows_better(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    words = "Somebody has stopped it. Last seen so at 12:00."
    said = []

    for outcome in (
        Outcome(1, SOON, Phase.STOPPED, True, reason=Reason.STOPPED_ELSEWHERE, message=words),
        Outcome(1, SOON, failed=True, reason=Reason.CLUSTER_UNAVAILABLE, message="HTTP 503."),
        Outcome(1, SOON, failed=True, reason=Reason.PASS_TIMEOUT, message="It took too long."),
        Outcome(1, SOON, Phase.RUNNING),
    ):
        claim = await next_claim(database)
        await write(database, claim, outcome)
        async with database.read(viewer) as connection:
            [row] = await SANDBOXES.by_ids(connection, viewer, [claim.id])
        said.append((row.reason, row.message))

    since = f"{words} Since then no look has found out whether it still is so."
    assert said == [
        ("StoppedElsewhere", words),
        ("StoppedElsewhere", f"{since} ClusterUnavailable: HTTP 503."),
        ("StoppedElsewhere", f"{since} PassTimeout: It took too long."),
        (None, None),
    ]
