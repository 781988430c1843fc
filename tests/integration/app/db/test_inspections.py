"""Looks at kubeconfigs that come to no end: counted, left out, rested from and healed."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.auth.kubeconfigs import parse_kubeconfig
from app.db import claims, inspections
from app.db.claims import CRASHES, SUSPECT
from app.db.inspections import Finding, Inspection
from app.db.session import Database, Session
from app.domain.addresses import AddressRules
from app.domain.reasons import Reason
from app.domain.settings import CredentialState
from app.domain.viewer import API, RECONCILER, Viewer
from app.services import kubeconfigs
from tests.integration.world import KEYS, viewer_of
from tests.kubeconfigs import good

KUBECONFIG, OTHER = (
    parse_kubeconfig(json.dumps(good(f"https://{name}.example.com:6443")), (), AddressRules())
    for name in ("one", "other")
)
LEASE = timedelta(seconds=30)
READY = Finding(timedelta(minutes=5), CredentialState.READY, username="alice")
CRASHED = Finding(
    timedelta(hours=2),
    None,
    Reason.WORKER_CRASHED,
    "5 looks at it ended with their worker",
    attempts=1,
    held=timedelta(hours=1),
)


async def a_kubeconfig(database: Database, name: str = "alice") -> Viewer:
    viewer = await viewer_of(database, name)
    async with database.begin(viewer) as session:
        await kubeconfigs.put(session, viewer, KEYS, KUBECONFIG)
    return viewer


async def claim(database: Database, worker: str = "one") -> list[Inspection]:
    async with database.autocommit(RECONCILER) as connection:
        return await inspections.claim(connection, slots=5, again=5, lease=LEASE, worker=worker)


async def claim_suspect(database: Database, worker: str = "one") -> Inspection:
    async with database.autocommit(RECONCILER) as connection:
        assert await claims.are_suspects_due(connection)
        found = await inspections.claim_suspect(connection, lease=LEASE, worker=worker)
    assert found is not None
    return found


async def write(database: Database, looked: Inspection, finding: Finding) -> None:
    async with database.begin(RECONCILER) as session:
        await inspections.record(session, looked, finding)


async def lost(database: Database) -> None:
    """Whoever holds it died, and it is due."""
    async with database.begin(API) as session:
        await session.execute(text("UPDATE credential SET locked_until = '-infinity'"))


async def row_of(database: Database) -> Any:
    async with database.read(API) as connection:
        return (await connection.execute(text("SELECT * FROM credential"))).one()


async def is_suspect_due(database: Database) -> bool:
    async with database.autocommit(RECONCILER) as connection:
        return await claims.are_suspects_due(connection)


async def blamed(database: Database) -> Inspection:
    """It has ended its workers, and that is recorded."""
    for number in range(SUSPECT):
        await claim(database, f"worker-{number}")
        await lost(database)
    for number in range(SUSPECT, CRASHES):
        await claim_suspect(database, f"worker-{number}")
        await lost(database)
    found = await claim_suspect(database)
    await write(database, found, CRASHED)
    return found


async def test_looks_that_come_to_no_end_are_counted_until_one_does(database: Database) -> None:
    await a_kubeconfig(database)

    [first] = await claim(database, "first")
    await lost(database)
    [second] = await claim(database, "second")
    await write(database, second, READY)
    healed = await row_of(database)
    async with database.begin(API) as session:
        await session.execute(text("UPDATE credential SET due_at = mooring_now()"))
    [third] = await claim(database)

    assert (first.crashes, first.last_worker) == (0, None)
    assert (second.crashes, second.last_worker) == (1, "first")
    assert (healed.crashes, healed.locked_by) == (0, None)
    assert (third.crashes, third.last_worker) == (0, None)


async def test_a_look_that_is_given_back_was_no_crash(database: Database) -> None:
    await a_kubeconfig(database)

    [first] = await claim(database)
    async with database.autocommit(RECONCILER) as connection:
        await inspections.release(connection, first)
    [second] = await claim(database)

    assert second.crashes == 0


async def test_one_that_ended_several_workers_is_left_for_a_claim_of_its_own(
    database: Database,
) -> None:
    await a_kubeconfig(database)

    for _ in range(SUSPECT):
        assert not await is_suspect_due(database)
        assert await claim(database)
        await lost(database)
    ordinary = await claim(database)
    found = await claim_suspect(database)

    assert ordinary == []
    assert found.crashes == SUSPECT
    assert not await is_suspect_due(database)


async def check(session: Session, viewer: Viewer) -> None:
    await kubeconfigs.check(session, viewer)


async def another(session: Session, viewer: Viewer) -> None:
    await kubeconfigs.put(session, viewer, KEYS, OTHER)


async def passes(session: Session, viewer: Viewer) -> None:
    await inspections.ask(await session.connection(), viewer.home)


@pytest.mark.parametrize("ask", [check, another, passes])
async def test_one_that_ended_its_workers_rests_whoever_asks_and_then_is_tried_once(
    database: Database, ask: Callable[[Session, Viewer], Awaitable[None]]
) -> None:
    viewer = await a_kubeconfig(database)
    found = await blamed(database)

    async with database.begin(viewer) as session:
        await ask(session, viewer)
    resting = await row_of(database)
    early = await claim(database), await is_suspect_due(database)
    async with database.begin(API) as session:
        await session.execute(text("UPDATE credential SET due_at = mooring_now()"))
    trial = await claim_suspect(database)
    await lost(database)
    again = await claim_suspect(database)

    assert (resting.state, resting.reason) == ("CHECKING", "WorkerCrashed")
    assert resting.message == CRASHED.message
    assert resting.asked == found.asked + 1
    assert resting.due_at == resting.held_until
    assert early == ([], False)
    assert trial.crashes < CRASHES <= again.crashes


async def test_a_look_that_ends_heals_it(database: Database) -> None:
    viewer = await a_kubeconfig(database)
    await blamed(database)
    async with database.begin(API) as session:
        await session.execute(text("UPDATE credential SET due_at = mooring_now()"))

    await write(database, await claim_suspect(database), READY)
    healed = await row_of(database)
    async with database.begin(viewer) as session:
        await kubeconfigs.check(session, viewer)
    [next_one] = await claim(database)

    assert (healed.state, healed.reason, healed.held_until) == ("READY", None, None)
    assert next_one.crashes == 0


async def test_another_kubeconfig_that_is_set_meanwhile_does_not_take_the_blame_away(
    database: Database,
) -> None:
    viewer = await a_kubeconfig(database)
    for _ in range(SUSPECT):
        await claim(database)
        await lost(database)
    for _ in range(SUSPECT, CRASHES):
        await claim_suspect(database)
        await lost(database)
    found = await claim_suspect(database)

    async with database.begin(viewer) as session:
        await another(session, viewer)
    await write(database, found, CRASHED)
    row = await row_of(database)

    assert (row.generation, row.observed_generation) == (2, 1)
    assert (row.reason, row.crashes) == ("WorkerCrashed", CRASHES - 2)
