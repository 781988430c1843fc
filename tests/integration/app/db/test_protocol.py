"""Claim, fence, record and feed on a real Postgres, by fixed interleavings."""

import asyncio
import itertools
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from ipaddress import ip_network
from uuid import UUID

import pytest
from sqlalchemy import text

from app.auth.kubeconfigs import parse_kubeconfig
from app.db import claims, feed, migrations, resources, roles
from app.db.claims import Claim
from app.db.record import Recorded, record
from app.db.session import Database
from app.domain import states
from app.domain.addresses import AddressRules
from app.domain.errors import NotFound
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.domain.states import DesiredState, Inputs, Lane, Phase, ResourceKind
from app.domain.viewer import API, RECONCILER
from app.postgres import EmbeddedPostgres
from app.services import kubeconfigs, projects
from app.services.projects import NewProject
from tests.integration.world import KEYS, MAKERS, becomes, project_of, viewer_of
from tests.kubeconfigs import good
from tests.postgres import PASSWORDS, make_database

LEASE = timedelta(seconds=30)
PRIVATE = AddressRules((ip_network("10.0.0.0/8"),))


async def claim_lane(
    database: Database, lane: Lane, slots: int = 8, saturated: tuple[UUID, ...] = ()
) -> list[Claim]:
    async with database.autocommit(RECONCILER) as connection:
        found, _ = await claims.claim(
            connection,
            lane=lane,
            after=UUID(int=0),
            slots=slots,
            saturated=saturated,
            lease=LEASE,
            worker="test",
        )
    return found


async def claim_one(database: Database) -> Claim:
    found = await claim_lane(database, Lane.ASKED)
    assert len(found) == 1
    return found[0]


async def write(database: Database, claim: Claim, outcome: Outcome) -> Recorded:
    async with database.begin(RECONCILER) as session:
        return await record(session, [(claim, outcome)])


async def row_of(database: Database, key: UUID) -> dict[str, object]:
    async with database.read(API) as connection:
        found = await connection.execute(text("SELECT * FROM resource WHERE id = :id"), {"id": key})
        return dict(found.mappings().one())


def running(claim: Claim) -> Outcome:
    return Outcome(claim.generation, timedelta(minutes=5), phase=Phase.RUNNING)


def stopping(claim: Claim) -> Outcome:
    return Outcome(claim.generation, timedelta(minutes=5), phase=Phase.STOPPING)


async def test_the_generated_status_is_the_pure_function_for_every_combination(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    combinations = [
        Inputs(*values)
        for values in itertools.product(
            DesiredState, Phase, (False, True), (3,), (1, 2, 3), (0, 1, 2, 3), (None, 2, 3)
        )
    ]
    update = text("""
        UPDATE resource SET desired_state = :d, phase = :p, was_ready = :w, generation = :g,
          desired_generation = :dg, observed_generation = :og, failed_generation = :fg
        WHERE project_id = :project RETURNING status
    """)

    async with database.begin(API) as session:
        seen = [
            (
                await session.execute(
                    update,
                    {
                        "d": i.desired_state.value,
                        "p": i.phase.value,
                        "w": i.was_ready,
                        "g": i.generation,
                        "dg": i.desired_generation,
                        "og": i.observed_generation,
                        "fg": i.failed_generation,
                        "project": project,
                    },
                )
            ).scalar_one()
            for i in combinations
        ]

    assert seen == [states.status(i).value for i in combinations]


async def test_a_renewal_locks_in_order_of_id_whatever_the_plan(database: Database) -> None:
    viewer = await viewer_of(database)
    for name in ("shop", "blog"):
        await project_of(database, viewer, name)
    low, high = sorted(await claim_lane(database, Lane.ASKED), key=lambda claim: claim.id)
    lock = text("SELECT id FROM resource WHERE id = :id FOR NO KEY UPDATE NOWAIT")
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")

    async def renew() -> set[UUID]:
        async with database.begin(API) as session:
            # A scan of the whole table meets `high` first: `low` has a newer version behind it.
            await session.execute(text("SET LOCAL enable_nestloop = off"))
            return await claims.renew(session, [low, high], LEASE)

    async def waits() -> bool:
        async with database.read(API) as connection:
            return bool((await connection.execute(waiting)).scalar_one())

    async with database.autocommit(RECONCILER) as connection:
        await claims.renew(connection, [low], LEASE)
    async with database.begin(API) as session:
        await session.execute(lock, {"id": low.id})
        renewing = asyncio.create_task(renew())
        await becomes(waits)
        await session.execute(lock, {"id": high.id})

    assert await renewing == {low.id, high.id}


async def test_a_row_under_lease_is_not_claimed_again(database: Database) -> None:
    await project_of(database, await viewer_of(database))
    await claim_one(database)

    assert await claim_lane(database, Lane.ASKED) == []


async def test_a_claim_is_fair_between_accounts_and_leaves_out_the_saturated(
    database: Database,
) -> None:
    ada, bob = await viewer_of(database), await viewer_of(database, "bob")
    for _ in range(12):
        await project_of(database, ada)
    await project_of(database, bob)

    found = await claim_lane(database, Lane.ASKED, slots=32)
    rest = await claim_lane(database, Lane.ASKED, slots=32, saturated=(ada.home,))

    owners = [claim.account_id for claim in found]
    assert owners.count(ada.home) == claims.ROWS_PER_ACCOUNT
    assert owners.count(bob.home) == 1
    assert rest == []


@pytest.mark.parametrize("lane", [Lane.ASKED, Lane.CLOCK])
async def test_of_an_account_no_more_is_claimed_than_it_has_room_for(
    database: Database, lane: Lane
) -> None:
    ada, bob, eve = [await viewer_of(database, login) for login in ("ada", "bob", "eve")]
    for viewer in (ada, bob, eve):
        for _ in range(6):
            await project_of(database, viewer)
    read = parse_kubeconfig(json.dumps(good("https://10.0.0.1")), (), PRIVATE)
    async with database.begin(eve) as session:
        await kubeconfigs.put(session, eve, KEYS, read)
    async with database.begin(API) as session:
        await session.execute(text("UPDATE resource SET lane = :lane"), {"lane": int(lane)})

    async with database.autocommit(RECONCILER) as connection:
        claim = partial(
            claims.claim,
            connection,
            lane=lane,
            after=UUID(int=0),
            slots=32,
            saturated=(),
            lease=LEASE,
            worker="test",
        )
        found = [
            *(await claim(rooms={ada.home: 2, bob.home: 0}, each=5, each_own=3))[0],
            *(await claim(own=True, each_own=1))[0],
            *(await claim(own=False, each=1))[0],
        ]

    owners = [claim.account_id for claim in found]
    assert [owners.count(viewer.home) for viewer in (ada, bob, eve)] == [2 + 1, 0 + 1, 3 + 1]
    assert owners[5] == eve.home


async def test_a_result_under_an_old_token_is_dropped(database: Database) -> None:
    await project_of(database, await viewer_of(database))
    first = await claim_one(database)
    async with database.begin(API) as session:
        await session.execute(text("UPDATE resource SET locked_until = '-infinity'"))
    second = await claim_one(database)

    late = await write(database, first, running(first))

    row = await row_of(database, first.id)
    assert late.written == frozenset()
    assert (row["phase"], row["lease_token"]) == ("new", second.lease_token)


async def test_of_two_passes_over_one_row_in_a_batch_the_one_that_holds_it_is_written(
    database: Database,
) -> None:
    await project_of(database, await viewer_of(database))
    first = await claim_one(database)
    async with database.begin(API) as session:
        await session.execute(text("UPDATE resource SET locked_until = '-infinity'"))
    second = await claim_one(database)

    async with database.begin(RECONCILER) as session:
        written = await record(session, [(second, running(second)), (first, stopping(first))])

    assert written.written == {first.id}
    assert (await row_of(database, first.id))["phase"] == "running"


async def test_a_result_after_the_end_of_its_lease_is_dropped(database: Database) -> None:
    await project_of(database, await viewer_of(database))
    claim = await claim_one(database)
    async with database.begin(API) as session:
        await session.execute(text("UPDATE resource SET locked_until = mooring_now()"))

    late = await write(database, claim, running(claim))

    assert late.written == frozenset()


async def test_a_wake_up_during_a_pass_is_not_lost(database: Database) -> None:
    await project_of(database, await viewer_of(database))
    claim = await claim_one(database)
    async with database.autocommit(RECONCILER) as connection:
        await resources.ask(connection, [claim.id])

    written = await write(database, claim, running(claim))

    again = await claim_one(database)
    assert written.asked_again == {claim.id}
    assert again.phase == Phase.RUNNING


async def lost(database: Database) -> None:
    """Whoever holds something died."""
    async with database.begin(API) as session:
        await session.execute(text("UPDATE resource SET locked_until = '-infinity'"))


async def claim_suspect(database: Database) -> Claim | None:
    async with database.autocommit(RECONCILER) as connection:
        return await claims.claim_suspect(connection, lease=LEASE, worker="test")


async def test_claims_that_come_to_no_end_are_counted_until_one_does(database: Database) -> None:
    await project_of(database, await viewer_of(database))

    first = await claim_one(database)
    await lost(database)
    second = await claim_one(database)
    async with database.autocommit(RECONCILER) as connection:
        await claims.release(connection, [second])
    third = await claim_one(database)
    await lost(database)
    fourth = await claim_one(database)
    await write(database, fourth, replace(running(fourth), after=timedelta(0)))
    fifth = await claim_one(database)

    found = [(claim.crashes, claim.last_worker) for claim in (first, second, third, fourth, fifth)]
    assert found == [(0, None), (1, "test"), (0, None), (1, "test"), (0, None)]


async def test_a_row_that_ends_its_workers_is_left_for_a_claim_of_its_own_and_tried_once_at_a_time(
    database: Database,
) -> None:
    await project_of(database, await viewer_of(database))

    async def due() -> bool:
        async with database.autocommit(RECONCILER) as connection:
            return await claims.are_suspects_due(connection)

    for _ in range(claims.SUSPECT):
        assert not await due()
        await claim_one(database)
        await lost(database)
    assert await due()
    assert await claim_lane(database, Lane.ASKED) == []
    counted = []
    for _ in range(4):
        found = await claim_suspect(database)
        assert found is not None
        counted.append(found.crashes)
        if found.crashes >= claims.CRASHES:
            blamed = replace(running(found), failed=True, reason=Reason.WORKER_CRASHED)
            await write(database, found, blamed)
            async with database.autocommit(RECONCILER) as connection:
                await resources.ask(connection, [found.id], unless_crashed=True)
                assert not await due()
                await resources.ask(connection, [found.id])
        await lost(database)

    assert counted == [3, 4, 5, 4]


async def test_a_sandbox_is_asked_when_its_database_moved_in_the_same_batch(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    async with database.begin(viewer) as session:
        await projects.create(session, viewer, MAKERS, NewProject("both"))
    passes = [
        (claim, replace(running(claim), password=b"sealed"))
        if claim.kind == ResourceKind.DATABASE
        else (claim, running(claim))
        for claim in await claim_lane(database, Lane.ASKED)
    ]

    async with database.begin(RECONCILER) as session:
        recorded = await record(session, passes)

    assert len(recorded.woken) == 1
    assert [claim.kind for claim in await claim_lane(database, Lane.ASKED)] == ["SANDBOX"]


async def test_a_record_moves_resource_project_and_feed_together(database: Database) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    claim = await claim_one(database)

    await write(database, claim, running(claim))

    async with database.read(API) as connection:
        changes = await feed.since(connection, viewer, {viewer.home: 0}, 100)
        status = (await connection.execute(text("SELECT status FROM project"))).scalar_one()
    assert status == "RUNNING"
    assert [c.seq for c in changes] == list(range(1, len(changes) + 1))
    assert [(c.action, c.from_status, c.to_status) for c in changes] == [
        ("project.create", None, "CREATING"),
        ("sandbox.create", None, "CREATING"),
        ("sandbox.status", "CREATING", "RUNNING"),
        ("project.status", "CREATING", "RUNNING"),
    ]


async def test_the_last_resource_takes_a_deleted_project_with_it(database: Database) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    async with database.begin(viewer) as session:
        await projects.want(session, viewer, project, DesiredState.DELETED)
    [claim] = await claim_lane(database, Lane.DELETION)

    await write(database, claim, Outcome(2, timedelta(seconds=1), phase=Phase.GONE, gone=True))

    async with database.read(API) as connection:
        left = await connection.execute(
            text("SELECT (SELECT count(*) FROM project) + (SELECT count(*) FROM resource)")
        )
        changes = await feed.since(connection, viewer, {viewer.home: 0}, 100)
    assert left.scalar_one() == 0
    assert [c.action for c in changes][-2:] == ["sandbox.gone", "project.gone"]


async def test_repeating_an_intent_changes_nothing(database: Database) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)

    for _ in range(3):
        async with database.begin(viewer) as session:
            row = await projects.want(session, viewer, project, DesiredState.STOPPED)

    async with database.read(API) as connection:
        changes = await feed.since(connection, viewer, {viewer.home: 0}, 100)
    assert row.generation == 2
    assert [c.action for c in changes].count("project.stop") == 1


async def test_one_user_does_not_see_the_other_ones_project(database: Database) -> None:
    ada, bob = await viewer_of(database), await viewer_of(database, "bob")
    project = await project_of(database, ada)

    with pytest.raises(NotFound):
        async with database.begin(bob) as session:
            await projects.want(session, bob, project, DesiredState.DELETED)


async def test_migrations_go_up_down_and_up_and_match_the_models(
    postgres: EmbeddedPostgres,
) -> None:
    url = await make_database(postgres, "updown")

    await migrations.upgrade(url)
    await migrations.check(url)
    await migrations.downgrade(url, "base")
    await migrations.upgrade(url)

    await migrations.check(url)
    for _ in range(2):  # every `mooring migrate` brings them up to date
        assert await roles.ensure(url, PASSWORDS)
