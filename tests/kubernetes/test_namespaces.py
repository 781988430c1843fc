"""Accounts' namespaces on a real API server: what is in them holds there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.db.session import Database
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API, Viewer
from app.services import accounts, projects
from app.services.projects import Makers, NewProject
from app.services.sandboxes import NewSandbox
from app.settings import Settings
from reconciler.closings import Closings
from reconciler.cluster.client import Bounds, Cluster
from reconciler.cluster.trusted import connect
from reconciler.loop import Loop
from reconciler.manifests.kinds import (
    LIMIT_RANGE,
    NAMESPACE,
    NETWORK_POLICY,
    POD,
    RESOURCE_QUOTA,
    SECRET,
    STATEFUL_SET,
)
from reconciler.namespaces import Namespaces
from tests.integration.reconciler.stage import Shows
from tests.integration.reconciler.test_loop import running, want
from tests.integration.reconciler.working import resources_of
from tests.integration.world import KEYS, becomes, viewer_of
from tests.kubernetes.plane import Place, Plane, Refused
from tests.kubernetes.stage import QUICK

OURS = "mooring.dev/account"


@dataclass(frozen=True)
class Account(Shows):
    """An account, its namespace as a place, and a reconciler that makes it."""

    viewer: Viewer
    place: Place
    cluster: Cluster

    def settings(self, **changed: Any) -> Settings:
        return Settings(**(QUICK | changed))

    @asynccontextmanager
    async def running(self, **changed: Any) -> AsyncIterator[Loop]:
        """Reconciles for the block."""
        settings = self.settings(**changed)
        resources = resources_of(self.database, self.cluster, settings)
        async with running(self.database, resources.reconcile, settings, self.cluster) as loop:
            yield loop

    async def project(self, new: NewProject) -> Any:
        """Made in the account's namespace."""
        async with self.database.begin(self.viewer) as session:
            return await projects.create(session, self.viewer, Makers(Settings(), KEYS), new)


SANDBOX = NewProject("shop", sandboxes=(NewSandbox("app"),), databases=())
DATABASE = NewProject("shop", sandboxes=())


@pytest_asyncio.fixture
async def account(plane: Plane, database: Database) -> AsyncIterator[Account]:
    """A new one, whose namespace goes afterwards."""
    plane.needs_administrator()
    viewer = await viewer_of(database)
    async with database.read(API) as connection:
        found = await connection.execute(text("SELECT k8s_namespace FROM account"))
        place = Place(
            plane, found.scalar_one(), plane.credential(plane.tree["users"][0]["user"], "default")
        )
    cluster = await connect(place.kubeconfig, Bounds(10, rate=1000, burst=1000))
    try:
        yield Account(database, viewer, place, cluster)
    finally:
        await cluster.close()
        await place.unmake()


async def test_a_project_with_a_database_runs_within_the_default_bounds(account: Account) -> None:
    account.place.plane.needs_kubeblocks()

    await account.project(DATABASE)
    async with account.running(database_starting_deadline=60.0, operator_silence=60.0):
        await account.shows("RUNNING")

    made = await account.place.list(POD)
    assert made
    [quota] = await account.place.list(RESOURCE_QUOTA)
    used = quota["status"]["used"]
    assert int(used["pods"]) == len(made)
    # Whatever says nothing has the limits of the LimitRange.
    assert used["limits.cpu"] != "0"


async def test_its_levels_of_pod_security_hold(account: Account) -> None:
    await account.project(SANDBOX)
    async with account.running(starting_deadline=60.0):
        await account.shows("RUNNING")
    container = {"name": "c", "image": "x", "securityContext": {"privileged": True}}

    with pytest.raises(Refused, match="violates PodSecurity"):
        await account.place.create(POD, "root", {"spec": {"containers": [container]}})


async def test_its_quota_holds_and_names_itself(account: Account) -> None:
    await account.project(SANDBOX)

    async with account.running(namespace_quota={"pods": "0"}):
        failed = await account.shows("ERROR", Reason.QUOTA_EXCEEDED)

    assert failed.object == "ResourceQuota/mooring"


async def test_what_is_as_it_should_be_is_not_written_and_what_is_not_is(account: Account) -> None:
    await account.project(SANDBOX)
    async with account.running(starting_deadline=60.0):
        await account.shows("RUNNING")
    place = account.place
    spelt = {"namespace_default_limits": {"cpu": "0.5", "memory": "1024Mi"}}
    namespaces = Namespaces(account.cluster, account.database, account.settings(**spelt))
    await namespaces.sweep()
    [before] = await place.list(RESOURCE_QUOTA, OURS)
    first = await versions(account)
    await namespaces.sweep()
    assert await versions(account) == first

    await place.patch(RESOURCE_QUOTA, "mooring", {"spec": {"hard": {"pods": "1000"}}})
    await namespaces.sweep()

    [after] = await place.list(RESOURCE_QUOTA, OURS)
    assert after["spec"] == before["spec"]


async def test_one_that_is_deleted_by_hand_is_made_again_once_it_is_gone(account: Account) -> None:
    made = await account.project(SANDBOX)
    place = account.place
    async with account.running(starting_deadline=60.0) as loop:
        await account.shows("RUNNING")
        before = await account.cluster.get(NAMESPACE, "", place.name)
        await place.unmake()

        async def again() -> bool:
            now = await account.cluster.get(NAMESPACE, "", place.name)
            assert before is not None
            return now is not None and now["metadata"]["uid"] != before["metadata"]["uid"]

        async def whole() -> bool:
            return bool(await place.list(STATEFUL_SET))

        await becomes(again)
        await becomes(whole)
        await account.shows("RUNNING", Reason.DATA_LOST)
        await want(account.database, account.viewer, made.id, DesiredState.DELETED)
        loop.wake()
        await account.gone()


async def test_it_goes_with_its_account_but_not_with_what_somebody_else_has_in_it(
    account: Account,
) -> None:
    place, settings = account.place, account.settings(retry_longest=0.1)
    namespaces = Namespaces(account.cluster, account.database, settings)
    closings = Closings(account.database, namespaces, settings)
    await account.project(SANDBOX)
    async with account.running(starting_deadline=60.0, terminating_deadline=60.0) as loop:
        await account.shows("RUNNING")
        async with account.database.begin(account.viewer) as session:
            await accounts.delete(session, account.viewer)
        loop.wake()
        await account.gone()
    await place.create(SECRET, "theirs", {"type": "Opaque"})
    await closings.look()
    there = await account.cluster.get(NAMESPACE, "", place.name)
    await place.delete(SECRET, "theirs")

    async def gone() -> bool:
        await closings.look()
        return await account.cluster.get(NAMESPACE, "", place.name) is None

    async def forgotten() -> bool:
        await closings.look()
        async with account.database.read(API) as connection:
            found = await connection.execute(text("SELECT count(*) FROM account"))
            return bool(found.scalar_one() == 0)

    await becomes(gone)
    await becomes(forgotten)
    assert there is not None
    assert "deletionTimestamp" not in there["metadata"]


async def versions(account: Account) -> list[str]:
    """What changes with each write."""
    found = [await account.cluster.get(NAMESPACE, "", account.place.name)]
    for kind in (LIMIT_RANGE, NETWORK_POLICY):
        found += await account.place.list(kind, OURS)
    return sorted(body["metadata"]["resourceVersion"] for body in found if body)
