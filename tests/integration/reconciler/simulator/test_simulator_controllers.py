"""From a StatefulSet to ready pods with volumes, and every way it changes."""

from typing import Any

from tests.integration.reconciler.simulator.conftest import (
    MERGE_PATCH,
    SETS,
    Answer,
    Cluster,
    Json,
    Watching,
    ready,
    stateful_set,
)

PODS = "/api/v1/namespaces/{ns}/pods"
CLAIMS = "/api/v1/namespaces/{ns}/persistentvolumeclaims"
SECRETS = "/api/v1/namespaces/{ns}/secrets"


def is_ready(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def all_ready(answer: Answer) -> bool:
    return bool(answer.body["items"]) and all(is_ready(pod) for pod in answer.body["items"])


async def test_a_set_comes_to_a_ready_pod_with_a_bound_claim(cluster: Cluster) -> None:
    made = await cluster.apply(SETS, stateful_set())

    found = await cluster.until(f"{SETS}/box", ready)
    pod = await cluster.call("GET", f"{PODS}/box-0")
    claim = await cluster.call("GET", f"{CLAIMS}/home-box-0")

    status = found.body["status"]
    assert made.body["status"] == {"replicas": 0, "availableReplicas": 0}
    assert status["currentRevision"] == status["updateRevision"]
    labels = pod.body["metadata"]["labels"]
    assert labels["controller-revision-hash"] == status["updateRevision"]
    assert labels["statefulset.kubernetes.io/pod-name"] == "box-0"
    assert claim.body["status"]["phase"] == "Bound"
    assert claim.body["metadata"]["labels"] == {"mooring.dev/resource": "box"}


async def test_a_pod_is_pending_then_creating_then_ready(cluster: Cluster) -> None:
    response = await cluster.open("GET", PODS, watch="true")
    phases: list[Any] = []

    async with Watching(response) as watching:
        await cluster.apply(SETS, stateful_set())
        while not phases or not phases[-1][2]:
            pod = (await watching.event())["object"]
            states = pod["status"].get("containerStatuses", [{}])[0].get("state", {})
            waiting = states.get("waiting", {}).get("reason")
            phases.append((pod["status"]["phase"], waiting, is_ready(pod)))

    assert phases[0] == ("Pending", None, False)
    assert phases[-1] == ("Running", None, True)


async def test_creating_lasts_as_long_as_it_is_told(cluster: Cluster) -> None:
    await cluster.call("PUT", "/simulator/delays", {"readyAfter": 3600})
    try:
        await cluster.apply(SETS, stateful_set())
        pod = await cluster.until(f"{PODS}/box-0", lambda one: "ContainerCreating" in str(one.body))
    finally:
        await cluster.call("PUT", "/simulator/delays", {"readyAfter": 0})

    assert pod.body["status"]["phase"] == "Pending"
    await cluster.until(f"{SETS}/box", ready)


async def test_delays_are_checked(cluster: Cluster) -> None:
    negative = await cluster.call("PUT", "/simulator/delays", {"readyAfter": -1})
    unknown = await cluster.call("PUT", "/simulator/delays", {"readyafter": 1})
    kept = await cluster.call("GET", "/simulator/delays")

    assert [negative.code, unknown.code] == [400, 400]
    assert kept.body == {"readyAfter": 0.0, "goneAfter": 0.0, "databaseReadyAfter": 0.0}


async def test_scaling_to_nothing_keeps_the_claim(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set())
    await cluster.until(f"{SETS}/box", ready)
    claim = await cluster.call("GET", f"{CLAIMS}/home-box-0")

    await cluster.apply(SETS, stateful_set(replicas=0))
    await cluster.until(PODS, lambda one: one.names == [])
    stopped = await cluster.until(f"{SETS}/box", ready)
    await cluster.apply(SETS, stateful_set())
    await cluster.until(f"{SETS}/box", ready)
    again = await cluster.call("GET", f"{CLAIMS}/home-box-0")

    assert "readyReplicas" not in stopped.body["status"]
    assert again.body["metadata"]["uid"] == claim.body["metadata"]["uid"]


async def test_scaling_down_removes_claims_when_the_policy_says_so(cluster: Cluster) -> None:
    policy = {"whenDeleted": "Retain", "whenScaled": "Delete"}
    body = stateful_set(replicas=2, persistentVolumeClaimRetentionPolicy=policy)
    await cluster.apply(SETS, body)
    await cluster.until(f"{SETS}/box", ready)

    body["spec"]["replicas"] = 1
    await cluster.apply(SETS, body)

    await cluster.until(CLAIMS, lambda one: one.names == ["home-box-0"])
    await cluster.call("DELETE", f"{SETS}/box")
    await cluster.until(PODS, lambda one: one.names == [])
    kept = await cluster.call("GET", CLAIMS)
    assert kept.names == ["home-box-0"]


async def test_a_changed_template_rolls_the_pods_and_an_unchanged_one_does_not(
    cluster: Cluster,
) -> None:
    body = stateful_set(replicas=2)
    await cluster.apply(SETS, body)
    first = await cluster.until(f"{SETS}/box", ready)
    before = await cluster.until(PODS, all_ready)

    await cluster.apply(SETS, body)
    same = await cluster.call("GET", PODS)
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "image:2"
    await cluster.apply(SETS, body)
    second = await cluster.until(f"{SETS}/box", ready)
    after = await cluster.until(PODS, all_ready)

    def uids(answer: Answer) -> set[str]:
        return {pod["metadata"]["uid"] for pod in answer.body["items"]}

    assert uids(same) == uids(before)
    assert not uids(after) & uids(before)
    assert second.body["status"]["currentRevision"] != first.body["status"]["currentRevision"]
    images = {pod["spec"]["containers"][0]["image"] for pod in after.body["items"]}
    assert images == {"image:2"}


async def test_the_old_template_has_the_old_revision(cluster: Cluster) -> None:
    body = stateful_set(replicas=0)
    await cluster.apply(SETS, body)
    first = await cluster.until(f"{SETS}/box", ready)
    changed = stateful_set(replicas=0)
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "image:2"
    await cluster.apply(SETS, changed)
    second = await cluster.until(f"{SETS}/box", ready)

    await cluster.apply(SETS, body)
    third = await cluster.until(f"{SETS}/box", ready)

    revisions = [one.body["status"]["updateRevision"] for one in (first, second, third)]
    assert revisions[0] == revisions[2] != revisions[1]


async def test_ordered_pods_come_one_after_another(cluster: Cluster) -> None:
    response = await cluster.open("GET", PODS, watch="true")
    order: list[str] = []

    async with Watching(response) as watching:
        await cluster.apply(SETS, stateful_set(replicas=3, podManagementPolicy="OrderedReady"))
        while order[-1:] != ["box-2 ready"]:
            event = await watching.event()
            pod = event["object"]
            name = pod["metadata"]["name"]
            if event["type"] == "ADDED":
                order.append(f"{name} made")
            elif is_ready(pod) and f"{name} ready" not in order:
                order.append(f"{name} ready")

    assert order == [f"box-{number} {what}" for number in range(3) for what in ("made", "ready")]


async def test_a_container_waits_for_its_secret(cluster: Cluster) -> None:
    body = stateful_set()
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["envFrom"] = [{"secretRef": {"name": "box-env"}}]
    await cluster.apply(SETS, body)
    waiting = await cluster.until(
        f"{PODS}/box-0", lambda one: "CreateContainerConfigError" in str(one.body)
    )

    await cluster.call("POST", SECRETS, {"metadata": {"name": "box-env"}})

    state = waiting.body["status"]["containerStatuses"][0]["state"]["waiting"]
    assert state["message"] == 'secret "box-env" not found'
    await cluster.until(f"{SETS}/box", ready)


async def test_a_claim_of_an_unknown_class_keeps_the_pod_off_the_node(cluster: Cluster) -> None:
    body = stateful_set()
    body["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = "fast"

    await cluster.apply(SETS, body)
    await cluster.until(f"{SETS}/box", lambda one: one.body["status"]["replicas"] == 1)
    claim = await cluster.call("GET", f"{CLAIMS}/home-box-0")
    pod = await cluster.call("GET", f"{PODS}/box-0")

    assert claim.body["status"]["phase"] == "Pending"
    assert "nodeName" not in pod.body["spec"]


async def test_a_claim_grows_and_does_not_shrink(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set())
    await cluster.until(f"{SETS}/box", ready)

    def sized(size: str) -> Json:
        return {"spec": {"resources": {"requests": {"storage": size}}}}

    path = f"{CLAIMS}/home-box-0"
    grown = await cluster.call("PATCH", path, sized("20Gi"), MERGE_PATCH)
    shrunk = await cluster.call("PATCH", path, sized("1Gi"), MERGE_PATCH)

    assert grown.code == 200
    assert shrunk.code == 422
    await cluster.until(path, lambda one: one.body["status"]["capacity"] == {"storage": "20Gi"})


async def test_a_set_whose_pods_labels_are_too_long_never_has_one(cluster: Cluster) -> None:
    name = "x" * 53

    made = await cluster.apply(SETS, stateful_set(name))
    await cluster.until(f"{SETS}/{name}", lambda one: one.code == 200)
    pods = await cluster.call("GET", PODS)

    assert made.code == 201
    assert pods.names == []
