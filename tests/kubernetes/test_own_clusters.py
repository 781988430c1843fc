"""A user's own kubeconfig of a real API server: its rights, its namespace, its end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest_asyncio

from app.db import roles
from app.db.session import Database
from app.domain.states import DesiredState
from app.domain.viewer import Viewer
from app.services import projects
from app.services.projects import NewProject
from app.services.sandboxes import NewSandbox
from app.settings import Settings
from reconciler.cluster.client import Bounds
from reconciler.cluster.trusted import connect
from reconciler.manifests.kinds import POD
from reconciler.manifests.permissions import needed
from tests.integration.reconciler.test_loop import want
from tests.integration.reconciler.test_own_clusters import Own
from tests.integration.world import MAKERS, viewer_of
from tests.kubernetes.plane import Place, cannot
from tests.kubernetes.test_permissions import ROBOT, rules
from tests.postgres import as_role
from tests.simulator import RunningSimulator


@dataclass
class Theirs:
    """What `Own` reads of a user's cluster."""

    kubeconfig: Path


@pytest_asyncio.fixture
async def own(database: Database, url: str, place: Place) -> AsyncIterator[Own]:
    """Everything between a user and the plane, where a ServiceAccount is his."""
    place.plane.needs_administrator()
    server = place.plane.tree["clusters"][0]["cluster"]["server"]
    if urlsplit(server).hostname != "127.0.0.1":
        cannot("these tests let users in by the loopback address alone")
    await place.allow(ROBOT, rules(needed(Settings())))
    theirs = Theirs(await place.credential(ROBOT))
    operator = await connect(place.kubeconfig, Bounds(10, rate=1000, burst=1000))
    working = Database(as_role(url, roles.RECONCILER), pool=5)
    yield Own(database, working, operator, cast(RunningSimulator, theirs))
    await working.close()
    await operator.close()


async def sandbox_of(own: Own, viewer: Viewer) -> Any:
    """A new project with one sandbox, where the user's kubeconfig leads."""
    new = NewProject("shop", sandboxes=(NewSandbox("app"),), databases=())
    async with own.database.begin(viewer) as session:
        return (await projects.create(session, viewer, MAKERS, new)).id


async def test_a_namespaced_kubeconfig_is_ready_and_what_is_made_goes_there(
    own: Own, place: Place
) -> None:
    viewer = await viewer_of(own.database)
    await own.set(viewer)
    project = await sandbox_of(own, viewer)

    async with own.running(kubeconfig_own_cluster=True):
        looked = await own.looked("READY")
        await own.shows(("RUNNING", None))
        pods = await place.list(POD)
        await want(own.database, viewer, project, DesiredState.DELETED)
        await own.shows()

    assert looked.username == f"system:serviceaccount:{place.name}:{ROBOT}"
    assert len(pods) == 1


async def test_what_it_may_not_do_is_named_before_anything_is_made(own: Own, place: Place) -> None:
    viewer = await viewer_of(own.database)
    needs = needed(Settings())
    await place.allow(ROBOT, rules(needs, "patch statefulsets", "create secrets"))
    await own.set(viewer)

    async with own.running(kubeconfig_own_cluster=True):
        refused = await own.looked("REFUSED", "PermissionMissing")

    assert refused.missing == ["patch statefulsets.apps", "create secrets"]


async def test_one_for_another_namespace_leaves_what_was_made_and_one_for_this_goes_on(
    own: Own, place: Place
) -> None:
    viewer = await viewer_of(own.database)
    await own.set(viewer)
    await sandbox_of(own, viewer)

    async with own.running(kubeconfig_own_cluster=True):
        await own.shows(("RUNNING", None))
        await own.set(viewer, own.tree(namespace="default"))
        [left] = await own.shows(("ERROR", "CredentialMismatch"))
        await own.set(viewer)
        await own.shows(("RUNNING", None))

    assert f"It is in namespace {place.name}" in left.message
    assert left.phase == "running"


async def test_one_that_is_revoked_says_so_on_its_rows_and_a_new_one_goes_on(
    own: Own, place: Place
) -> None:
    viewer = await viewer_of(own.database)
    await own.set(viewer)
    await sandbox_of(own, viewer)

    async with own.running(kubeconfig_own_cluster=True, recheck_unwatched=0.5):
        await own.shows(("RUNNING", None))
        await place.revoke(ROBOT)
        await own.looked("REFUSED", "CredentialRejected")
        await own.shows(("RUNNING", "CredentialRejected"))
        cast(Any, own.theirs).kubeconfig = await place.credential(ROBOT)
        await own.set(viewer)
        await own.looked("READY")
        await own.shows(("RUNNING", None))
