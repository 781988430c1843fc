"""Kubeconfigs that end whoever looks at them, and what was in flight beside them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db.claims import CRASHES, Claim
from app.db.inspections import Finding, Inspection
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.domain.settings import CredentialState
from app.domain.viewer import API
from app.services import kubeconfigs
from app.settings import Settings
from reconciler.cluster.client import Cluster
from reconciler.clusters import Clusters
from reconciler.credentials import Credentials
from reconciler.loop import Loop
from tests.integration.app.db.test_inspections import a_kubeconfig
from tests.integration.reconciler.test_crashes import Reconcile, Workers, ever_blamed, shows, up
from tests.integration.world import KEYS, becomes, project_of

# A lease that a busy machine does not outlast by itself.
QUICK = Settings(poll=0.05, lease=1.5, lease_margin=0.2, crashed_retry=3600)
READY = Finding(timedelta(minutes=5), CredentialState.READY)
Inspect = Callable[[Inspection], Awaitable[Finding]]


class Looking(Credentials):
    """It looks as a test says, and tells nobody when it dies."""

    look: Inspect

    async def inspect(self, looked: Inspection) -> Finding:
        """What a test says."""
        return await self.look(looked)

    async def _forgive(self) -> None:
        pass


class Processes(Workers):
    """One reconciler after the other, each until it dies, with both of its loops."""

    def __init__(
        self, database: Database, cluster: Cluster, reconcile: Reconcile, inspect: Inspect
    ) -> None:
        super().__init__(database, reconcile, QUICK)
        self._cluster, self._inspect = cluster, inspect

    async def _run(self, worker: str) -> None:
        clusters = Clusters(self._cluster, self._database, KEYS, QUICK)
        looking = Looking(self._database, clusters, QUICK, worker, lambda: None)
        looking.look = self._inspect
        loop = Loop(self._database, self._reconcile, QUICK, worker, beside=looking)
        async with asyncio.TaskGroup() as group:
            group.create_task(loop.run())
            group.create_task(looking.run())


async def all_of(database: Database) -> dict[UUID, Any]:
    """The kubeconfigs, by their accounts."""
    async with database.read(API) as connection:
        rows = await connection.execute(text("SELECT * FROM credential"))
        return {row.account_id: row for row in rows}


async def say(database: Database, expected: dict[UUID, tuple[str, str | None]]) -> None:
    """Wait until they are in these states, for these reasons."""

    async def same() -> bool:
        found = await all_of(database)
        return {key: (row.state, row.reason) for key, row in found.items()} == expected

    await becomes(same)


@pytest.mark.faults
async def test_a_kubeconfig_that_kills_its_worker_is_found_and_nobody_beside_it_is_blamed(
    database: Database, cluster: Cluster
) -> None:
    killer, *others = [await a_kubeconfig(database, name) for name in ("mallory", "bob", "carol")]
    beside = [await project_of(database, one, f"p{n}") for one in others for n in range(3)]
    deadly = True

    async def inspect(looked: Inspection) -> Finding:
        if looked.account_id == killer.home and deadly:
            await asyncio.sleep(0.05)
            await processes.die()
        if not processes.deaths:
            await asyncio.Event().wait()
        return READY

    async def reconcile(claim: Claim) -> Outcome:
        if not processes.deaths:
            await asyncio.Event().wait()
        return up(claim)

    processes = Processes(database, cluster, reconcile, inspect)
    ready = {one.home: ("READY", None) for one in others}
    async with processes.working():
        await say(database, {killer.home: ("CHECKING", Reason.WORKER_CRASHED), **ready})
        for project in beside:
            await shows(database, project, "RUNNING", None)
        said = (await all_of(database))[killer.home]
        deaths = processes.deaths
        async with database.begin(API) as session:
            await session.execute(text("UPDATE credential SET held_until = mooring_now()"))
        async with database.begin(killer) as session:
            await kubeconfigs.check(session, killer)
        await becomes(lambda: attempts(database, killer.home, 2))
        deadly = False
        async with database.begin(API) as session:
            await session.execute(text("UPDATE credential SET due_at = mooring_now()"))
        await say(database, {killer.home: ("READY", None), **ready})

    assert deaths <= CRASHES < processes.deaths + 1
    assert await ever_blamed(database) == set()
    assert said.message.startswith("5 looks at it ended with their worker, the last one with ")
    assert said.message.endswith("it is not tried again before 240 s have passed.")


async def attempts(database: Database, account: UUID, count: int) -> bool:
    return bool((await all_of(database))[account].attempts == count)


@pytest.mark.faults
async def test_one_that_has_ended_five_workers_is_not_looked_at(
    database: Database, cluster: Cluster
) -> None:
    viewer = await a_kubeconfig(database)
    statement = "UPDATE credential SET crashes = :n, locked_by = 'who died'"
    async with database.begin(API) as session:
        await session.execute(text(statement), {"n": CRASHES - 1})
    looks = 0

    async def inspect(_: Inspection) -> Finding:
        nonlocal looks
        looks += 1
        return READY

    async def reconcile(claim: Claim) -> Outcome:
        return up(claim)

    async def is_said() -> bool:
        return bool((await all_of(database))[viewer.home].observed_generation)

    async with Processes(database, cluster, reconcile, inspect).working():
        await becomes(is_said)
    row = (await all_of(database))[viewer.home]

    assert looks == 0
    assert (row.state, row.reason, row.attempts) == ("CHECKING", Reason.WORKER_CRASHED, 1)


@pytest.mark.faults
async def test_a_row_that_kills_its_worker_has_no_kubeconfig_blamed(
    database: Database, cluster: Cluster
) -> None:
    viewers = [await a_kubeconfig(database, name) for name in ("mallory", "bob", "carol")]
    killer = await project_of(database, viewers[0])
    blamed = set[str]()

    async def inspect(looked: Inspection) -> Finding:
        blamed.add(str(looked.reason))
        if not processes.deaths:
            await asyncio.Event().wait()
        return Finding(timedelta(0), CredentialState.READY)

    async def reconcile(_: Claim) -> Outcome:
        await asyncio.sleep(0.05)
        await processes.die()

    processes = Processes(database, cluster, reconcile, inspect)
    async with processes.working():
        await shows(database, killer, "ERROR", Reason.WORKER_CRASHED)
        await say(database, {one.home: ("READY", None) for one in viewers})

    assert processes.deaths <= CRASHES
    assert blamed == {"None"}
