"""Accounts' namespaces in a cluster of the simulator: made, kept, and never somebody else's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db.session import Database
from app.domain.names import namespace_name
from app.domain.reasons import Reason
from app.domain.viewer import API, Viewer
from app.services import projects
from app.services.projects import Makers, NewProject
from app.settings import Settings
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.manifests.kinds import (
    KINDS,
    LIMIT_RANGE,
    NAMESPACE,
    NETWORK_POLICY,
    RESOURCE_QUOTA,
    STATEFUL_SET,
    Object,
)
from reconciler.manifests.namespace import ACCOUNT, MADE_OF
from reconciler.namespaces import Namespaces
from tests.integration.reconciler.stage import Stage, explains
from tests.integration.world import KEYS, becomes, viewer_of

MAKERS = Makers(Settings(), KEYS)


async def namespace_of(database: Database, viewer: Viewer) -> str:
    async with database.read(API) as connection:
        found = await connection.execute(
            text("SELECT k8s_namespace FROM account WHERE id = :id"), {"id": viewer.home}
        )
        return str(found.scalar_one())


async def project_of(database: Database, viewer: Viewer) -> UUID:
    async with database.begin(viewer) as session:
        row = await projects.create(session, viewer, MAKERS, NewProject("shop", databases=()))
    return row.id


@pytest.fixture
def namespaces(database: Database, cluster: Cluster) -> Namespaces:
    return Namespaces(cluster, database, Settings())


async def held(cluster: Cluster, name: str) -> set[str]:
    """What we made a namespace of, as Kind/name."""
    return {
        f"{kind.kind}/{body['metadata']['name']}"
        for kind in MADE_OF
        for body in await cluster.list_all(kind, "" if kind is NAMESPACE else name, ACCOUNT)
    }


@asynccontextmanager
async def up(stage: Stage) -> AsyncIterator[tuple[Viewer, str]]:
    """A project that runs in the namespace of its account."""
    viewer = await viewer_of(stage.database)
    await project_of(stage.database, viewer)
    async with stage.running():
        await stage.shows("RUNNING")
        yield viewer, await namespace_of(stage.database, viewer)


async def test_the_first_resource_makes_its_accounts_namespace_with_all_its_bounds(
    stage: Stage,
) -> None:
    async with up(stage) as (viewer, name):
        made = await stage.cluster.get(NAMESPACE, "", name)
        held_there = await held(stage.cluster, name)
        workloads = await stage.cluster.list_all(STATEFUL_SET, name, "")

    assert name.startswith("mooring-ada-")
    assert made is not None
    labels = made["metadata"]["labels"]
    assert labels["app.kubernetes.io/managed-by"] == "mooring"
    assert labels[ACCOUNT] == str(viewer.home)
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    assert labels["pod-security.kubernetes.io/enforce-version"] == "latest"
    assert held_there == {
        f"Namespace/{name}",
        "ResourceQuota/mooring",
        "LimitRange/mooring",
        "NetworkPolicy/mooring-default-deny",
        "NetworkPolicy/mooring-databases",
    }
    assert len(workloads) == 1


async def test_its_quota_is_what_says_that_there_is_no_room(stage: Stage) -> None:
    viewer = await viewer_of(stage.database)
    await project_of(stage.database, viewer)

    async with stage.running(namespace_quota={"pods": "0"}):
        failed = await stage.shows("ERROR", Reason.QUOTA_EXCEEDED)

    explains(failed, "exceeded quota: mooring", "ResourceQuota/mooring")


async def test_a_namespace_of_its_name_that_somebody_made_is_left_alone(stage: Stage) -> None:
    viewer = await viewer_of(stage.database)
    await project_of(stage.database, viewer)
    name = await namespace_of(stage.database, viewer)
    await stage.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    async with stage.running():
        failed = await stage.shows("ERROR", Reason.NAME_CLASH)

    explains(failed, "belongs to somebody else", f"Namespace/{name}")
    assert await held(stage.cluster, name) == set()
    assert [await stage.cluster.list_all(kind, name, "") for kind in KINDS[:3]] == [[], [], []]


@pytest.mark.faults
async def test_one_that_is_deleted_by_hand_is_made_again_with_what_was_in_it(stage: Stage) -> None:
    async with up(stage) as (_, name):
        before = await stage.cluster.get(NAMESPACE, "", name)
        await stage.call("DELETE", f"/api/v1/namespaces/{name}")

        async def again() -> bool:
            now = await stage.cluster.get(NAMESPACE, "", name)
            return bool(now and before and now["metadata"]["uid"] != before["metadata"]["uid"])

        async def whole() -> bool:
            return len(await stage.cluster.list_all(STATEFUL_SET, name, "")) == 1

        await becomes(again)
        await becomes(whole)
        await stage.shows("RUNNING", Reason.DATA_LOST)
        assert "ResourceQuota/mooring" in await held(stage.cluster, name)


@pytest.mark.faults
async def test_one_that_is_going_is_named_until_it_is_gone(stage: Stage) -> None:
    async with up(stage) as (_, name):
        path = f"/api/v1/namespaces/{name}"
        made = await stage.cluster.get(NAMESPACE, "", name)
        assert made is not None
        made["metadata"]["finalizers"] = ["example.com/mine"]
        await stage.call("PUT", path, made)
        await stage.call("DELETE", path)
        failed = await stage.shows("RUNNING", Reason.NAMESPACE_TERMINATING)
        going = await stage.cluster.get(NAMESPACE, "", name)
        assert going is not None
        going["metadata"]["finalizers"] = []
        await stage.call("PUT", path, going)
        await stage.shows("RUNNING", Reason.DATA_LOST)

    assert name in (failed.message or "")


async def test_what_a_hand_or_a_setting_changed_is_as_the_settings_say_after_a_look(
    stage: Stage,
) -> None:
    async with up(stage) as (_, name):
        pass
    cluster, database = stage.cluster, stage.database
    deny, *_ = await cluster.list_all(NETWORK_POLICY, name, ACCOUNT)
    await cluster.delete(NETWORK_POLICY, deny)
    [quota] = await cluster.list_all(RESOURCE_QUOTA, name, ACCOUNT)
    await stage.call(
        "PUT",
        f"/api/v1/namespaces/{name}/resourcequotas/mooring",
        {**quota, "spec": {"hard": {"pods": "1000"}}},
    )
    changed = Settings(
        namespace_quota={"pods": "7", "limits.cpu": "64"},
        namespace_default_limits={},
        namespace_default_requests={},
        namespace_pod_security={"enforce": "privileged"},
    )

    await Namespaces(cluster, database, changed).sweep()

    [quota] = await cluster.list_all(RESOURCE_QUOTA, name, ACCOUNT)
    assert quota["spec"]["hard"] == {"pods": "7", "limits.cpu": "64"}
    assert await cluster.list_all(LIMIT_RANGE, name, "") == []
    assert len(await cluster.list_all(NETWORK_POLICY, name, ACCOUNT)) == 2
    found = await cluster.get(NAMESPACE, "", name)
    assert found is not None
    levels = {key: at for key, at in found["metadata"]["labels"].items() if "pod-security" in key}
    assert set(levels.values()) == {"privileged", "latest"}
    assert len(levels) == 2


async def test_a_look_at_what_is_as_it_should_be_writes_nothing(
    stage: Stage, namespaces: Namespaces
) -> None:
    async with up(stage) as (_, name):
        pass
    before = await versions(stage.cluster, name)

    await namespaces.sweep()

    assert before
    assert await versions(stage.cluster, name) == before


async def test_a_look_leaves_namespaces_of_another_mooring_alone(
    stage: Stage, namespaces: Namespaces
) -> None:
    name, other = namespace_name("mooring", "eve"), str(UUID(int=7))
    labels = {"app.kubernetes.io/managed-by": "mooring", ACCOUNT: other}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    await stage.cluster.apply(body)

    await namespaces.sweep()

    assert await held(stage.cluster, name) == {f"Namespace/{name}"}


async def versions(cluster: Cluster, name: str) -> dict[str, Any]:
    """What changes with each write."""
    found: list[Object] = []
    for kind in MADE_OF:
        within = "" if kind is NAMESPACE else name
        found += await cluster.list_all(kind, within, ACCOUNT)
    return {body["metadata"]["uid"]: body["metadata"]["resourceVersion"] for body in found}


async def test_nothing_runs_where_a_bound_could_not_be_made(stage: Stage) -> None:
    viewer = await viewer_of(stage.database)
    await project_of(stage.database, viewer)
    name = await namespace_of(stage.database, viewer)
    refused = {"fault": "Answer", "code": 403, "kind": "ResourceQuota", "verbs": ["patch"]}

    async with stage.running():
        async with stage.faulty(refused):
            failed = await stage.shows("ERROR", Reason.PERMISSION_MISSING)
            made = await stage.cluster.list_all(STATEFUL_SET, name, "")
        await stage.shows("RUNNING")

    assert failed.object is not None
    assert made == []
    assert "ResourceQuota/mooring" in await held(stage.cluster, name)


async def test_one_that_somebody_makes_while_we_would_is_left_alone(
    stage: Stage, namespaces: Namespaces
) -> None:
    viewer = await viewer_of(stage.database)
    name = await namespace_of(stage.database, viewer)
    await stage.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    with pytest.raises(ClusterError) as refused:
        await namespaces._keep(viewer.home, name, {})

    assert refused.value.meaning is Meaning.CONFLICT
    assert await held(stage.cluster, name) == set()


async def test_a_look_that_takes_long_makes_nothing_again_that_is_gone_meanwhile(
    stage: Stage,
) -> None:
    async with up(stage) as (viewer, name):
        pass
    changed = Namespaces(
        stage.cluster, stage.database, Settings(namespace_pod_security={"enforce": "privileged"})
    )
    listed = await changed._listed("")
    await stage.call("DELETE", f"/api/v1/namespaces/{name}")

    async def gone() -> bool:
        return await stage.cluster.get(NAMESPACE, "", name) is None

    await becomes(gone)
    with pytest.raises(ClusterError):
        await changed._keep(viewer.home, name, listed[name])

    assert await gone()
