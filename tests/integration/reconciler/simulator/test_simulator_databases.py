"""KubeBlocks clusters: from intent to Running, stopped and started, changed, and deleted."""

from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from tests.integration.reconciler.simulator.conftest import (
    MERGE_PATCH,
    Answer,
    Cluster,
    Connect,
    Json,
    Watching,
)
from tests.simulator import running_simulator

CLUSTERS = "/apis/apps.kubeblocks.io/v1/namespaces/{ns}/clusters"
CORE = "/api/v1/namespaces/{ns}"
OURS = {"labelSelector": "app.kubernetes.io/instance=db"}


def database(**component: Any) -> Json:
    volume = {
        "name": "data",
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "3Gi"}},
        },
    }
    return {
        "apiVersion": "apps.kubeblocks.io/v1",
        "kind": "Cluster",
        "metadata": {"name": "db", "labels": {"mooring.dev/resource": "db"}},
        "spec": {
            "clusterDef": "postgresql",
            "topology": "replication",
            "terminationPolicy": "Delete",
            "componentSpecs": [
                {
                    "name": "postgresql",
                    "replicas": 1,
                    "disableExporter": True,
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "102Mi"},
                        "limits": {"cpu": "1", "memory": "1Gi"},
                    },
                    "volumeClaimTemplates": [volume],
                    **component,
                }
            ],
        },
    }


def in_phase(phase: str) -> Any:
    """A test of an answer: in this phase, and seen since the last change."""

    def holds(answer: Answer) -> bool:
        status = answer.body.get("status", {})
        observed = status.get("observedGeneration", 0) >= answer.body["metadata"]["generation"]
        return bool(observed and status.get("phase") == phase)

    return holds


async def test_a_database_comes_to_running_with_credentials(cluster: Cluster) -> None:
    made = await cluster.apply(CLUSTERS, database())

    found = await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))
    secret = await cluster.call("GET", f"{CORE}/secrets/db-postgresql-account-postgres")
    service = await cluster.call("GET", f"{CORE}/services/db-postgresql-postgresql")
    headless = await cluster.call("GET", f"{CORE}/services/db-postgresql-headless")

    assert made.code == 201
    assert "status" not in made.body
    assert found.body["metadata"]["finalizers"] == ["cluster.kubeblocks.io/finalizer"]
    component = found.body["status"]["components"]["postgresql"]
    assert component["phase"] == "Running"
    assert component["observedGeneration"] == found.body["metadata"]["generation"]
    assert b64decode(secret.body["data"]["username"]) == b"postgres"
    assert len(b64decode(secret.body["data"]["password"])) == 10
    assert service.body["spec"]["ports"][0]["port"] == 5432
    assert headless.body["spec"]["clusterIP"] == "None"
    ready = [one for one in found.body["status"]["conditions"] if one["type"] == "Ready"]
    assert [one["status"] for one in ready] == ["True"]


async def test_the_operator_writes_back_what_it_resolved_and_takes_the_list_over(
    cluster: Cluster,
) -> None:
    await cluster.apply(CLUSTERS, database())
    found = await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))

    again = await cluster.apply(CLUSTERS, database(), force="true")
    settled = await cluster.until(
        f"{CLUSTERS}/db",
        lambda one: in_phase("Running")(one) and "componentDef" in str(one.body["spec"]),
    )

    (component,) = found.body["spec"]["componentSpecs"]
    assert (component["componentDef"], component["serviceVersion"]) == (
        "postgresql-17-1.0.2",
        "17.5.0",
    )
    assert owners_of(found, "f:componentSpecs") == ["manager"]
    assert "componentDef" not in again.body["spec"]["componentSpecs"][0]
    first, last = (one.body["metadata"]["generation"] for one in (found, settled))
    assert last == first + 2


def owners_of(answer: Answer, field: str) -> list[str]:
    managed = answer.body["metadata"]["managedFields"]
    return [one["manager"] for one in managed if field in one["fieldsV1"].get("f:spec", {})]


async def test_what_the_operator_makes_has_its_labels_and_none_of_the_clusters(
    cluster: Cluster,
) -> None:
    await cluster.apply(CLUSTERS, database())
    await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))

    found = {
        plural: await cluster.call("GET", f"{CORE}/{plural}", **OURS)
        for plural in ("pods", "persistentvolumeclaims", "services", "secrets")
    }

    names = {plural: answer.names for plural, answer in found.items()}
    assert names == {
        "pods": ["db-postgresql-0"],
        "persistentvolumeclaims": ["data-db-postgresql-0"],
        "services": ["db-postgresql-headless", "db-postgresql-postgresql"],
        "secrets": ["db-postgresql-account-postgres"],
    }
    for answer in found.values():
        for item in answer.body["items"]:
            labels = item["metadata"]["labels"]
            assert labels["apps.kubeblocks.io/component-name"] == "postgresql"
            assert labels["app.kubernetes.io/managed-by"] == "kubeblocks"
            assert not [key for key in labels if key.startswith("mooring.dev/")]


async def test_a_component_passes_its_own_labels_on(cluster: Cluster) -> None:
    await cluster.apply(CLUSTERS, database(labels={"team": "blue"}, annotations={"note": "1"}))

    await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))
    pod = await cluster.call("GET", f"{CORE}/pods/db-postgresql-0")

    assert pod.body["metadata"]["labels"]["team"] == "blue"
    assert pod.body["metadata"]["annotations"] == {"note": "1"}


async def phases(watching: Watching, last: str) -> list[str]:
    """The phases as they follow each other, until this one of the current generation."""
    seen: list[str] = []
    while True:
        body = (await watching.event())["object"]
        phase = body.get("status", {}).get("phase", "")
        if seen[-1:] != [phase]:
            seen.append(phase)
        if in_phase(last)(Answer(200, body, {})):
            return seen


async def watch(cluster: Cluster, since: Answer) -> Watching:
    version = since.version if since.body["kind"] == "Cluster" else "0"
    return Watching(await cluster.open("GET", CLUSTERS, watch="true", resourceVersion=version))


async def test_a_stop_keeps_the_data_and_a_start_brings_it_back(cluster: Cluster) -> None:
    made = await cluster.apply(CLUSTERS, database())
    async with await watch(cluster, made) as watching:
        created = await phases(watching, "Running")
    claim = await cluster.call("GET", f"{CORE}/persistentvolumeclaims/data-db-postgresql-0")
    secret = await cluster.call("GET", f"{CORE}/secrets/db-postgresql-account-postgres")

    stopping = await cluster.apply(CLUSTERS, database(stop=True), force="true")
    async with await watch(cluster, stopping) as watching:
        stopped = await phases(watching, "Stopped")
    pods = await cluster.call("GET", f"{CORE}/pods", **OURS)
    starting = await cluster.apply(CLUSTERS, database(stop=False), force="true")
    async with await watch(cluster, starting) as watching:
        started = await phases(watching, "Running")
    claim_after = await cluster.call("GET", f"{CORE}/persistentvolumeclaims/data-db-postgresql-0")
    secret_after = await cluster.call("GET", f"{CORE}/secrets/db-postgresql-account-postgres")

    assert created == ["", "Creating", "Running"]
    assert stopped == ["Running", "Stopping", "Stopped"]
    assert started == ["Stopped", "Updating", "Running"]
    assert pods.names == []
    assert claim_after.body["metadata"]["uid"] == claim.body["metadata"]["uid"]
    assert secret_after.body["data"] == secret.body["data"]


async def test_no_replicas_take_the_data(cluster: Cluster) -> None:
    await cluster.apply(CLUSTERS, database(replicas=2))
    await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))
    both = await cluster.call("GET", f"{CORE}/persistentvolumeclaims", **OURS)

    await cluster.apply(CLUSTERS, database(replicas=0), force="true")
    await cluster.until(f"{CLUSTERS}/db", in_phase("Stopped"))

    assert both.names == ["data-db-postgresql-0", "data-db-postgresql-1"]
    await cluster.until(f"{CORE}/persistentvolumeclaims", lambda one: one.names == [], **OURS)


async def test_changed_resources_roll_the_pods_and_a_bigger_volume_grows(cluster: Cluster) -> None:
    await cluster.apply(CLUSTERS, database())
    await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))
    bigger = database(resources={"limits": {"cpu": "2"}})
    volume = bigger["spec"]["componentSpecs"][0]["volumeClaimTemplates"][0]
    volume["spec"]["resources"]["requests"]["storage"] = "5Gi"

    await cluster.apply(CLUSTERS, bigger, force="true")
    await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))
    pod = await cluster.call("GET", f"{CORE}/pods/db-postgresql-0")

    assert pod.body["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "2"}
    await cluster.until(
        f"{CORE}/persistentvolumeclaims/data-db-postgresql-0",
        lambda one: one.body["status"]["capacity"] == {"storage": "5Gi"},
    )


async def test_a_deletion_takes_everything_and_then_the_cluster(cluster: Cluster) -> None:
    await cluster.apply(CLUSTERS, database())
    running = await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))

    deleted = await cluster.call("DELETE", f"{CLUSTERS}/db", {"propagationPolicy": "Foreground"})
    async with await watch(cluster, running) as watching:
        while (event := await watching.event())["type"] != "DELETED":
            seen = event["object"]["status"]["phase"]
    left = [
        (await cluster.call("GET", f"{CORE}/{plural}", **OURS)).names
        for plural in ("pods", "persistentvolumeclaims", "services", "secrets")
    ]

    assert "deletionTimestamp" in deleted.body["metadata"]
    assert seen == "Deleting"
    assert left == [[], [], [], []]


async def test_do_not_terminate_keeps_the_database_until_it_is_changed(cluster: Cluster) -> None:
    body = database()
    body["spec"]["terminationPolicy"] = "DoNotTerminate"
    await cluster.apply(CLUSTERS, body)
    await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))

    await cluster.call("DELETE", f"{CLUSTERS}/db")
    kept = await cluster.until(
        f"{CLUSTERS}/db", lambda one: one.body["status"]["phase"] == "Deleting"
    )
    said = await cluster.call("GET", f"{CORE}/events")
    pods = await cluster.call("GET", f"{CORE}/pods", **OURS)
    policy = {"spec": {"terminationPolicy": "Delete"}}
    await cluster.call("PATCH", f"{CLUSTERS}/db", policy, MERGE_PATCH)

    assert kept.body["metadata"]["finalizers"] == ["cluster.kubeblocks.io/finalizer"]
    assert [(one["type"], one["reason"]) for one in said.body["items"]] == [
        ("Warning", "DoNotTerminate")
    ]
    assert pods.names == ["db-postgresql-0"]
    await cluster.until(f"{CLUSTERS}/db", lambda one: one.code == 404)


async def test_an_unknown_version_has_no_phase_and_a_condition_that_says_why(
    cluster: Cluster,
) -> None:
    await cluster.apply(CLUSTERS, database(serviceVersion="99.0.0"))

    found = await cluster.until(f"{CLUSTERS}/db", lambda one: "status" in one.body)

    (condition,) = found.body["status"]["conditions"]
    assert "phase" not in found.body["status"]
    assert condition["type"] == "ProvisioningStarted"
    assert (condition["status"], condition["reason"]) == ("False", "PreCheckFailed")
    assert 'serviceVersion "99.0.0"' in condition["message"]


async def test_a_name_whose_services_are_too_long_is_said_in_a_condition(cluster: Cluster) -> None:
    body = database()
    name = body["metadata"]["name"] = "d" * 45
    await cluster.apply(CLUSTERS, body)

    found = await cluster.until(f"{CLUSTERS}/{name}", lambda one: "status" in one.body)

    (condition,) = found.body["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("ApplyResources", "False")
    assert "must be no more than 63 characters" in condition["message"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"terminationPolicy": "Halt"}, "spec.terminationPolicy"),
        ({"terminationPolicy": None}, "spec.terminationPolicy"),
        ({"clusterDef": "Postgres"}, "spec.clusterDef"),
        ({"topology": "t" * 33}, "spec.topology"),
        ({"componentSpecs": []}, "spec.componentSpecs"),
        ({"componentSpecs": [{"name": "a"}, {"name": "a"}]}, "spec.componentSpecs"),
        (
            {"componentSpecs": [{"name": "a", "componentDef": "a"}, {"name": "b"}]},
            "spec.componentSpecs",
        ),
        ({"componentSpecs": [{"name": "c" * 23}]}, "spec.componentSpecs[0].name"),
        ({"componentSpecs": [{"name": "a", "replicas": -1}]}, "spec.componentSpecs[0].replicas"),
        ({"componentSpecs": [{"name": "a", "replicas": 1.5}]}, "spec.componentSpecs[0].replicas"),
        (
            {"componentSpecs": [{"name": "a", "resources": {"limits": {"cpu": "abc"}}}]},
            "spec.componentSpecs[0].resources.limits.cpu",
        ),
        (
            {"componentSpecs": [{"name": "a", "volumeClaimTemplates": [{}]}]},
            "spec.componentSpecs[0].volumeClaimTemplates[0].name",
        ),
    ],
)
async def test_what_the_crd_forbids_is_refused(cluster: Cluster, change: Json, field: str) -> None:
    body = database()
    body["spec"] |= change

    refused = await cluster.apply(CLUSTERS, body)
    read = await cluster.call("GET", f"{CLUSTERS}/db")

    assert refused.code == 422
    fields = [cause["field"] for cause in refused.body["details"]["causes"]]
    assert [one for one in fields if one != "<nil>"] == [field]
    assert read.code == 404


@pytest.mark.parametrize("field", ["clusterDef", "topology"])
async def test_definition_and_topology_stay_what_they_are(cluster: Cluster, field: str) -> None:
    await cluster.apply(CLUSTERS, database())

    changed = await cluster.call("PATCH", f"{CLUSTERS}/db", {"spec": {field: "x"}}, MERGE_PATCH)

    assert changed.code == 422
    (cause,) = changed.body["details"]["causes"]
    assert cause["field"] == f"spec.{field}"
    assert cause["message"].endswith(f"{field} is immutable")


async def test_one_component_of_the_list_is_nobodys_alone(cluster: Cluster) -> None:
    await cluster.apply(CLUSTERS, database())
    await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))

    other = await cluster.apply(CLUSTERS, database(stop=True), manager="other")

    assert other.code == 409
    causes = other.body["details"]["causes"]
    assert [cause["field"] for cause in causes] == [".spec.componentSpecs"]


async def test_a_cluster_says_its_kind(cluster: Cluster) -> None:
    body = database()
    del body["kind"]

    refused = await cluster.call("POST", CLUSTERS, body)

    assert refused.code == 400
    assert "Object 'Kind' is missing" in refused.body["message"]


async def test_operations_are_listed_and_there_are_none(cluster: Cluster) -> None:
    found = await cluster.call(
        "GET", "/apis/operations.kubeblocks.io/v1alpha1/namespaces/{ns}/opsrequests"
    )

    assert (found.code, found.names) == (200, [])


# -- what goes wrong -------------------------------------------------------------------------------
async def test_a_failed_database_says_so_and_recovers(cluster: Cluster) -> None:
    await cluster.apply(CLUSTERS, database())
    await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))

    async with cluster.faulty({"fault": "DatabaseFailed", "message": "disk is full"}):
        found = await cluster.until(f"{CLUSTERS}/db", in_phase("Failed"))
    await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))

    component = found.body["status"]["components"]["postgresql"]
    assert component["message"] == {"Component/db-postgresql": "disk is full"}
    ready = [one for one in found.body["status"]["conditions"] if one["type"] == "Ready"]
    assert ready[0]["status"] == "False"
    assert ready[0]["message"] == "cluster db is NOT ready, unavailable components: postgresql"


async def test_a_database_that_is_stuck_has_pods_and_stays_creating(cluster: Cluster) -> None:
    async with cluster.faulty({"fault": "DatabaseStuckCreating"}):
        await cluster.apply(CLUSTERS, database())
        await cluster.until(
            "/apis/apps/v1/namespaces/{ns}/statefulsets/db-postgresql",
            lambda one: one.code == 200 and one.body["status"].get("readyReplicas") == 1,
        )
        found = await cluster.until(f"{CLUSTERS}/db", in_phase("Creating"))

    assert found.body["status"]["components"]["postgresql"]["phase"] == "Creating"
    await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))


async def test_without_an_operator_nothing_is_said_and_nothing_goes(cluster: Cluster) -> None:
    await cluster.apply(CLUSTERS, database())
    await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))

    async with cluster.faulty({"fault": "OperatorAbsent"}):
        second = database()
        second["metadata"]["name"] = "second"
        await cluster.apply(CLUSTERS, second)
        await cluster.call("DELETE", f"{CLUSTERS}/db")
        unseen = await cluster.call("GET", f"{CLUSTERS}/second")
        kept = await cluster.call("GET", f"{CLUSTERS}/db")

    assert "status" not in unseen.body
    assert "finalizers" not in unseen.body["metadata"]
    assert kept.body["status"]["phase"] == "Running"
    assert kept.body["metadata"]["finalizers"] == ["cluster.kubeblocks.io/finalizer"]
    await cluster.until(f"{CLUSTERS}/db", lambda one: one.code == 404)
    await cluster.until(f"{CLUSTERS}/second", in_phase("Running"))


async def test_a_stuck_operator_takes_what_it_made_and_keeps_the_cluster(cluster: Cluster) -> None:
    await cluster.apply(CLUSTERS, database())
    await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))

    async with cluster.faulty({"fault": "OperatorStuck"}):
        await cluster.call("DELETE", f"{CLUSTERS}/db", {"propagationPolicy": "Foreground"})
        await cluster.until(f"{CORE}/persistentvolumeclaims", lambda one: one.names == [], **OURS)
        kept = await cluster.until(
            f"{CLUSTERS}/db",
            lambda one: one.body["metadata"]["finalizers"] == ["cluster.kubeblocks.io/finalizer"],
        )

    assert kept.body["status"]["phase"] == "Deleting"
    await cluster.until(f"{CLUSTERS}/db", lambda one: one.code == 404)


async def test_a_group_that_is_not_installed_is_no_page_and_comes_back(cluster: Cluster) -> None:
    await cluster.apply(CLUSTERS, database())

    async with cluster.faulty({"fault": "NotInstalled", "group": "*.kubeblocks.io"}):
        answers = [
            await cluster.call("GET", f"{CLUSTERS}/db"),
            await cluster.apply(CLUSTERS, database()),
            await cluster.call("GET", "/apis/apps.kubeblocks.io"),
        ]
        groups = await cluster.call("GET", "/apis")
    again = await cluster.call("GET", f"{CLUSTERS}/db")

    assert {(one.code, one.body) for one in answers} == {(404, "404 page not found\n")}
    assert not [one for one in groups.body["groups"] if one["name"].endswith("kubeblocks.io")]
    assert again.code == 200


async def test_a_simulator_without_kubeblocks_serves_everything_else(
    tmp_path: Path, connect: Connect
) -> None:
    async with running_simulator(tmp_path, "--kubeblocks", "none") as simulator:
        cluster = await connect(simulator)
        clusters = await cluster.call("GET", CLUSTERS)
        pods = await cluster.call("GET", f"{CORE}/pods")

    assert (clusters.code, clusters.body) == (404, "404 page not found\n")
    assert pods.code == 200


async def test_a_database_goes_on_after_a_kill(tmp_path: Path, connect: Connect) -> None:
    async with running_simulator(tmp_path, database_ready_after=3600) as simulator:
        cluster = await connect(simulator)
        await cluster.apply(CLUSTERS, database())
        await cluster.until(f"{CLUSTERS}/db", in_phase("Creating"))
        secret = await cluster.call("GET", f"{CORE}/secrets/db-postgresql-account-postgres")
        simulator.process.kill()
        await simulator.process.wait()

    async with running_simulator(tmp_path) as simulator:
        cluster = await connect(simulator)
        await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))
        kept = await cluster.call("GET", f"{CORE}/secrets/db-postgresql-account-postgres")

    assert kept.body["data"] == secret.body["data"]
