"""KubeBlocks 0.9 and 0.8: what they serve, make, and do for an OpsRequest."""

from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.reconciler.simulator.conftest import Cluster, Connect, Json
from tests.integration.reconciler.simulator.test_simulator_databases import in_phase
from tests.simulator import running_simulator

GROUP = "/apis/apps.kubeblocks.io"
NAMED = f"{GROUP}/v1alpha1/namespaces/{{ns}}"
CLUSTERS, REQUESTS = f"{NAMED}/clusters", f"{NAMED}/opsrequests"
CORE = "/api/v1/namespaces/{ns}"
OURS = {"labelSelector": "app.kubernetes.io/instance=db"}
ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "db"}}
SNAPSHOT = "kubeblocks.io/snapshot-for-start"


@pytest.fixture
async def old(tmp_path: Path, connect: Connect, release: str) -> AsyncIterator[Cluster]:
    """A cluster with that release of KubeBlocks."""
    async with running_simulator(tmp_path, "--kubeblocks", release) as simulator:
        cluster = await connect(simulator)
        await cluster.call("POST", f"{CORE}/serviceaccounts", ACCOUNT)
        yield cluster


def database(**component: object) -> Json:
    volume = {
        "name": "data",
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "3Gi"}},
        },
    }
    one = {
        "name": "postgresql",
        "componentDefRef": "postgresql",
        "replicas": 1,
        "serviceAccountName": "db",
        "switchPolicy": {"type": "Noop"},
        "volumeClaimTemplates": [volume],
        **component,
    }
    return {
        "apiVersion": "apps.kubeblocks.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": "db"},
        "spec": {
            "clusterDefinitionRef": "postgresql",
            "clusterVersionRef": "postgresql-14.8.0",
            "terminationPolicy": "Delete",
            "affinity": {"podAntiAffinity": "Preferred", "tenancy": "SharedNode"},
            "componentSpecs": [one],
        },
    }


async def operate(cluster: Cluster, kind: str, name: str) -> Json:
    """The status of an OpsRequest that has ended."""
    body = {
        "apiVersion": "apps.kubeblocks.io/v1alpha1",
        "kind": "OpsRequest",
        "metadata": {"name": name},
        "spec": {"clusterRef": "db", "type": kind},
    }
    made = await cluster.call("POST", REQUESTS, body)
    assert made.code == 201, made.body
    ended = await cluster.until(
        f"{REQUESTS}/{name}",
        lambda it: (it.body.get("status") or {}).get("phase") in ("Succeed", "Failed"),
    )
    status: Json = ended.body["status"]
    return status


@pytest.mark.parametrize("release", ["0.9"])
async def test_it_serves_the_old_version_and_makes_what_that_makes(old: Cluster) -> None:
    group = await old.call("GET", GROUP)
    newer = await old.call("GET", f"{GROUP}/v1/namespaces/{{ns}}/clusters")
    moved = await old.call("GET", "/apis/operations.kubeblocks.io/v1alpha1")
    await old.apply(CLUSTERS, database(stop=False))

    found = await old.until(f"{CLUSTERS}/db", in_phase("Running"))
    secret = await old.call("GET", f"{CORE}/secrets/db-conn-credential")
    service = await old.call("GET", f"{CORE}/services/db-postgresql")

    assert [one["version"] for one in group.body["versions"]] == ["v1alpha1"]
    assert (newer.code, moved.code) == (404, 404)
    said = {key: b64decode(value).decode() for key, value in secret.body["data"].items()}
    assert (said["username"], said["port"]) == ("postgres", "5432")
    assert said["endpoint"] == f"{said['host']}:5432" == "db-postgresql.mooring.svc:5432"
    assert service.code == 200
    assert "componentDef" not in found.body["spec"]["componentSpecs"][0]
    assert found.body["status"]["components"]["postgresql"] == {
        "phase": "Running",
        "podsReady": True,
    }


@pytest.mark.parametrize("release", ["0.9"])
async def test_a_request_writes_stop_into_the_cluster(old: Cluster) -> None:
    await old.apply(CLUSTERS, database(stop=False))
    await old.until(f"{CLUSTERS}/db", in_phase("Running"))

    stopped = await operate(old, "Stop", "stop")
    down = await old.call("GET", f"{CLUSTERS}/db")
    started = await operate(old, "Start", "start")
    up = await old.call("GET", f"{CLUSTERS}/db")

    assert (stopped["phase"], started["phase"]) == ("Succeed", "Succeed")
    assert down.body["spec"]["componentSpecs"][0]["stop"] is True
    assert "stop" not in up.body["spec"]["componentSpecs"][0]
    owners = {one["manager"] for one in up.body["metadata"]["managedFields"]}
    assert "manager" in owners


@pytest.mark.parametrize("release", ["0.8"])
async def test_without_the_field_a_stop_takes_the_replicas_and_keeps_their_number(
    old: Cluster,
) -> None:
    refused = await old.apply(CLUSTERS, database(stop=False), force="true")
    await old.apply(CLUSTERS, database(), force="true")
    early = await operate(old, "Start", "early")
    await old.until(f"{CLUSTERS}/db", in_phase("Running"))
    before = await old.call("GET", f"{CORE}/persistentvolumeclaims", **OURS)

    await operate(old, "Stop", "stop")
    down = await old.call("GET", f"{CLUSTERS}/db")
    kept = await old.call("GET", f"{CORE}/persistentvolumeclaims", **OURS)
    await operate(old, "Start", "start")
    up = await old.call("GET", f"{CLUSTERS}/db")

    assert refused.code == 500
    assert ".stop: field not declared in schema" in refused.body["message"]
    assert early["phase"] == "Failed"
    assert down.body["status"]["phase"] == "Stopped"
    assert down.body["spec"]["componentSpecs"][0]["replicas"] == 0
    assert down.body["metadata"]["annotations"][SNAPSHOT] == '{"postgresql": 1}'
    assert before.names == kept.names == ["data-db-postgresql-0"]
    assert up.body["spec"]["componentSpecs"][0]["replicas"] == 1
    assert SNAPSHOT not in up.body["metadata"].get("annotations", {})


@pytest.mark.parametrize("release", ["0.9"])
async def test_one_kind_of_a_group_that_is_not_installed_is_no_page_beside_the_others(
    old: Cluster,
) -> None:
    rule = {"fault": "NotInstalled", "group": "*.kubeblocks.io", "kind": "OpsRequest"}
    named = "opsrequests.apps.kubeblocks.io"
    definition = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{named}"

    async with old.faulty(rule):
        hidden = await old.call("GET", REQUESTS)
        listed = await old.call("GET", f"{GROUP}/v1alpha1")
        clusters = await old.call("GET", CLUSTERS)
        gone = await old.call("GET", definition)
    async with old.faulty(rule | {"defined": True}):
        defined = await old.call("GET", definition)

    assert (hidden.code, hidden.body) == (404, "404 page not found\n")
    names = {one["name"] for one in listed.body["resources"]}
    assert "clusters" in names
    assert "opsrequests" not in names
    assert [one.code for one in (clusters, gone, defined)] == [200, 404, 200]
