"""What a fault makes of a pod, told by its status and its events, and how it heals."""

from typing import Any

import pytest

from tests.integration.reconciler.simulator.conftest import (
    SETS,
    Answer,
    Cluster,
    Json,
    Watching,
    ready,
    stateful_set,
)

pytestmark = pytest.mark.faults

PODS = "/api/v1/namespaces/{ns}/pods"
POD = f"{PODS}/box-0"
CLAIMS = "/api/v1/namespaces/{ns}/persistentvolumeclaims"
EVENTS = "/api/v1/namespaces/{ns}/events"


def state(answer: Answer, part: str = "containerStatuses") -> Json:
    if answer.code != 200:
        return {}
    shown: Json = answer.body["status"].get(part, [{}])[0]
    return shown


def waits(reason: str, part: str = "containerStatuses") -> Any:
    def holds(answer: Answer) -> bool:
        waiting = state(answer, part).get("state", {}).get("waiting", {})
        return bool(waiting.get("reason") == reason)

    return holds


def condition(answer: Answer, kind: str) -> Json:
    found: list[Json] = answer.body["status"].get("conditions", [])
    return next((one for one in found if one["type"] == kind), {})


async def told(cluster: Cluster, reason: str, path: str = POD) -> list[Json]:
    """The events about the object, by its uid, with this reason."""
    uid = (await cluster.call("GET", path)).body["metadata"]["uid"]
    field = f"involvedObject.uid={uid},reason={reason}"
    found = await cluster.until(
        EVENTS, lambda answer: answer.body["items"] != [], fieldSelector=field
    )
    items: list[Json] = found.body["items"]
    return items


async def test_an_image_that_cannot_be_pulled(cluster: Cluster) -> None:
    rule = {"fault": "ImagePullBackOff", "every": 0.2}
    async with cluster.faulty(rule):
        await cluster.apply(SETS, stateful_set())
        backing_off = await cluster.until(POD, waits("ImagePullBackOff"))
        events = await told(cluster, "Failed")
        counted = await told(cluster, "BackOff")
    healed = await cluster.until(f"{SETS}/box", ready)

    waiting = state(backing_off)["state"]["waiting"]
    assert waiting["message"].startswith('Back-off pulling image "image:1": ErrImagePull: failed')
    assert backing_off.body["status"]["phase"] == "Pending"
    assert condition(backing_off, "Ready")["reason"] == "ContainersNotReady"
    messages = {event["message"] for event in events}
    assert {"Error: ErrImagePull", "Error: ImagePullBackOff"} <= messages
    assert counted[0]["involvedObject"]["fieldPath"] == "spec.containers{sandbox}"
    assert healed.body["status"]["readyReplicas"] == 1


async def test_the_first_try_of_an_image_is_an_error_of_its_own(cluster: Cluster) -> None:
    rule = {"fault": "ImagePullBackOff", "every": 3600, "message": "no route to registry"}
    async with cluster.faulty(rule):
        await cluster.apply(SETS, stateful_set())
        first = await cluster.until(POD, waits("ErrImagePull"))

    assert state(first)["state"]["waiting"]["message"] == "no route to registry"


async def test_an_image_of_a_registry_without_address_is_never_pulled_until_it_is_another(
    cluster: Cluster,
) -> None:
    body = stateful_set()
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["image"] = "registry.invalid/team/app:7"
    await cluster.apply(SETS, body)
    failed = await cluster.until(POD, waits("ErrImagePull"))

    container["image"] = "image:2"
    await cluster.apply(SETS, body)

    assert "lookup registry.invalid: no such host" in str(state(failed))
    await cluster.until(f"{SETS}/box", ready)


async def test_a_crash_loop_counts_and_says_how_it_ended(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set())
    await cluster.until(f"{SETS}/box", ready)

    async with cluster.faulty({"fault": "CrashLoopBackOff", "exitCode": 3, "every": 0.05}):
        crashed = await cluster.until(POD, lambda one: state(one).get("restartCount", 0) >= 3)
        events = await told(cluster, "BackOff")
    await cluster.until(f"{SETS}/box", ready)
    healed = await cluster.call("GET", POD)

    uid = crashed.body["metadata"]["uid"]
    shown = state(crashed)
    assert shown["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    message = shown["state"]["waiting"]["message"]
    pod = f"box-0_{cluster.namespace}({uid})"
    assert message.startswith("back-off ")
    assert message.endswith(f" restarting failed container=sandbox pod={pod}")
    ended = shown["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (3, "Error")
    assert crashed.body["status"]["phase"] == "Running"
    expected = f"Back-off restarting failed container sandbox in pod {pod}"
    assert [event["message"] for event in events] == [expected]
    assert healed.body["metadata"]["uid"] == uid
    assert state(healed)["restartCount"] > 3
    assert state(healed)["lastState"]["terminated"]["exitCode"] == 3


async def test_out_of_memory_is_137(cluster: Cluster) -> None:
    async with cluster.faulty({"fault": "OOMKilled"}):
        await cluster.apply(SETS, stateful_set())
        killed = await cluster.until(POD, waits("CrashLoopBackOff"))

    ended = state(killed)["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")


@pytest.mark.parametrize(
    ("fault", "waiting"),
    [("CrashLoopBackOff", "CrashLoopBackOff"), ("ImagePullBackOff", "ErrImagePull")],
)
async def test_an_init_container_keeps_the_others_waiting(
    cluster: Cluster, fault: str, waiting: str
) -> None:
    body = stateful_set()
    body["spec"]["template"]["spec"]["initContainers"] = [{"name": "home", "image": "image:1"}]

    async with cluster.faulty({"fault": fault, "container": "home"}):
        await cluster.apply(SETS, body)
        stuck = await cluster.until(POD, waits(waiting, "initContainerStatuses"))

    assert stuck.body["status"]["phase"] == "Pending"
    assert waits("PodInitializing")(stuck)
    initialized = condition(stuck, "Initialized")
    assert initialized["message"] == "containers with incomplete status: [home]"
    await cluster.until(f"{SETS}/box", ready)


@pytest.mark.parametrize(
    "reason",
    [
        "InvalidImageName",
        "ErrImageNeverPull",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    ],
)
async def test_a_container_that_the_runtime_refuses(cluster: Cluster, reason: str) -> None:
    async with cluster.faulty({"fault": reason, "message": "because"}):
        await cluster.apply(SETS, stateful_set())
        refused = await cluster.until(POD, waits(reason))
        events = await told(cluster, "Failed")

    assert state(refused)["state"]["waiting"]["message"] == "because"
    assert events[0]["type"] == "Warning"
    await cluster.until(f"{SETS}/box", ready)


@pytest.mark.parametrize("reason", ["FailedMount", "FailedCreatePodSandBox"])
async def test_a_pod_that_is_never_made_says_so_in_events_alone(
    cluster: Cluster, reason: str
) -> None:
    async with cluster.faulty({"fault": reason}):
        await cluster.apply(SETS, stateful_set())
        creating = await cluster.until(POD, waits("ContainerCreating"))
        events = await told(cluster, reason)

    assert "message" not in state(creating)["state"]["waiting"]
    assert events[0]["source"] == {"component": "kubelet"}
    await cluster.until(f"{SETS}/box", ready)


async def test_a_pod_that_is_never_ready_runs(cluster: Cluster) -> None:
    async with cluster.faulty({"fault": "NeverReady"}):
        await cluster.apply(SETS, stateful_set())
        running = await cluster.until(POD, lambda one: "running" in state(one).get("state", {}))
        (event,) = await told(cluster, "Unhealthy")

    assert running.body["status"]["phase"] == "Running"
    assert (state(running)["ready"], condition(running, "Ready")["status"]) == (False, "False")
    assert event["message"].startswith("Readiness probe failed: dial tcp 10.244.")
    assert event["message"].endswith(":3000: connect: connection refused")
    await cluster.until(f"{SETS}/box", ready)


async def test_a_pod_that_fits_nowhere_is_told_so(cluster: Cluster) -> None:
    async with cluster.faulty({"fault": "Unschedulable"}):
        await cluster.apply(SETS, stateful_set())
        refused = await cluster.until(POD, lambda one: "conditions" in one.body.get("status", {}))
        (event,) = await told(cluster, "FailedScheduling")

    why = condition(refused, "PodScheduled")
    assert (why["status"], why["reason"]) == ("False", "Unschedulable")
    assert why["message"].startswith("0/1 nodes are available: 1 Insufficient cpu.")
    assert event["message"] == why["message"]
    assert "nodeName" not in refused.body["spec"]
    await cluster.until(f"{SETS}/box", ready)


async def test_a_claim_that_is_not_bound_keeps_its_pod_off_the_node(cluster: Cluster) -> None:
    async with cluster.faulty({"fault": "Unbound", "name": "{ns}/home-*"}):
        await cluster.apply(SETS, stateful_set())
        refused = await cluster.until(POD, lambda one: "conditions" in one.body.get("status", {}))
        claim = await cluster.call("GET", f"{CLAIMS}/home-box-0")
    await cluster.until(f"{SETS}/box", ready)
    async with cluster.faulty({"fault": "Unbound"}):
        bound = await cluster.call("GET", f"{CLAIMS}/home-box-0")

    assert claim.body["status"]["phase"] == "Pending"
    message = condition(refused, "PodScheduled")["message"]
    assert "pod has unbound immediate PersistentVolumeClaims." in message
    assert bound.body["status"]["phase"] == "Bound"


async def test_an_evicted_pod_fails_and_is_made_anew(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set())
    await cluster.until(f"{SETS}/box", ready)
    before = await cluster.call("GET", POD)
    since = before.version
    response = await cluster.open("GET", PODS, watch="true", resourceVersion=since)

    async with (
        cluster.faulty({"fault": "Evicted", "after": 0, "times": 1}),
        Watching(response) as watch,
    ):
        while (event := await watch.event())["object"]["status"]["phase"] != "Failed":
            pass
        rules = await cluster.call("GET", "/simulator/faults")
    again = await cluster.until(
        POD,
        lambda one: (
            one.code == 200 and one.body["metadata"]["uid"] != before.body["metadata"]["uid"]
        ),
    )
    (recreated,) = await told(cluster, "RecreatingFailedPod", f"{SETS}/box")

    status = event["object"]["status"]
    assert status["reason"] == "Evicted"
    assert status["message"].startswith("The node was low on resource: ")
    assert "DisruptionTarget" in [one["type"] for one in status["conditions"]]
    assert rules.body == []
    assert recreated["message"].endswith("is recreating failed Pod box-0")
    assert again.body["status"].get("reason") is None
    await cluster.until(f"{SETS}/box", ready)


async def test_a_pod_that_does_not_go_holds_its_set(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set())
    await cluster.until(f"{SETS}/box", ready)

    async with cluster.faulty({"fault": "StuckTerminating"}):
        await cluster.apply(SETS, stateful_set(replicas=0))
        stuck = await cluster.until(POD, lambda one: "deletionTimestamp" in one.body["metadata"])
        await cluster.call("PATCH", f"{SETS}/box", {}, "application/merge-patch+json")
        still = await cluster.call("GET", POD)

    assert stuck.code == still.code == 200
    await cluster.until(PODS, lambda one: one.names == [])


async def test_a_finalizer_that_nobody_removes(cluster: Cluster) -> None:
    name = "example.com/busy"
    secrets = "/api/v1/namespaces/{ns}/secrets"
    await cluster.call("POST", secrets, {"metadata": {"name": "a"}})
    await cluster.call("POST", secrets, {"metadata": {"name": "b"}})

    def has(answer: Answer) -> bool:
        return bool(answer.body["metadata"].get("finalizers") == [name])

    async with cluster.faulty({"fault": "StuckFinalizer", "kind": "Secret", "finalizer": name}):
        await cluster.until(f"{secrets}/a", has)
        await cluster.until(f"{secrets}/b", has)
        await cluster.call("DELETE", f"{secrets}/a")
        await cluster.call("DELETE", f"{secrets}/b")
        stuck = await cluster.call("GET", f"{secrets}/a")
        nothing = {"metadata": {"finalizers": None}}
        await cluster.call("PATCH", f"{secrets}/a", nothing, "application/merge-patch+json")
        gone = await cluster.call("GET", f"{secrets}/a")
        held = await cluster.call("GET", f"{secrets}/b")

    assert "deletionTimestamp" in stuck.body["metadata"]
    assert (gone.code, held.code) == (404, 200)
    await cluster.until(f"{secrets}/b", lambda one: one.code == 404)


async def test_a_finalizer_goes_from_what_lives_on(cluster: Cluster) -> None:
    secrets = "/api/v1/namespaces/{ns}/secrets"
    body = {"metadata": {"name": "a", "finalizers": ["example.com/own"]}}
    await cluster.call("POST", secrets, body)

    async with cluster.faulty({"fault": "StuckFinalizer", "kind": "Secret"}):
        await cluster.until(
            f"{secrets}/a", lambda one: len(one.body["metadata"]["finalizers"]) == 2
        )

    left = ["example.com/own"]
    await cluster.until(f"{secrets}/a", lambda one: one.body["metadata"]["finalizers"] == left)


async def test_a_fault_is_only_on_what_it_names(cluster: Cluster) -> None:
    async with cluster.faulty({"fault": "NeverReady", "name": "{ns}/bad-*"}):
        await cluster.apply(SETS, stateful_set("bad"))
        await cluster.apply(SETS, stateful_set("good"))
        await cluster.until(f"{SETS}/good", ready)
        bad = await cluster.until(f"{PODS}/bad-0", lambda one: "running" in str(one.body))

    assert condition(bad, "Ready")["status"] == "False"
