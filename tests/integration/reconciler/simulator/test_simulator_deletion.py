"""Deletion: preconditions, finalizers, propagation, graceful ends, whole namespaces."""

from tests.integration.reconciler.simulator.conftest import (
    MERGE_PATCH,
    SETS,
    Answer,
    Cluster,
    config_map,
    ready,
    stateful_set,
)
from tests.simulator import RunningSimulator

MAPS = "/api/v1/namespaces/{ns}/configmaps"
PODS = "/api/v1/namespaces/{ns}/pods"
CLAIMS = "/api/v1/namespaces/{ns}/persistentvolumeclaims"


def empty(answer: Answer) -> bool:
    return answer.names == []


def absent(answer: Answer) -> bool:
    return answer.code == 404


async def test_preconditions_must_hold(cluster: Cluster) -> None:
    made = await cluster.call("POST", MAPS, config_map("a"))
    uid = made.body["metadata"]["uid"]

    wrong = await cluster.call("DELETE", f"{MAPS}/a", {"preconditions": {"uid": "other"}})
    old = await cluster.call("DELETE", f"{MAPS}/a", {"preconditions": {"resourceVersion": "1"}})
    right = await cluster.call("DELETE", f"{MAPS}/a", {"preconditions": {"uid": uid}})
    again = await cluster.call("DELETE", f"{MAPS}/a")

    assert [wrong.code, old.code] == [409, 409]
    assert "does not match the UID in record" in wrong.body["message"]
    assert (right.code, right.body["status"]) == (200, "Success")
    assert (again.code, again.body["reason"]) == (404, "NotFound")


async def test_a_finalizer_holds_the_object_until_it_is_taken_off(cluster: Cluster) -> None:
    held = {"finalizers": ["mooring.dev/held"]}
    await cluster.call("POST", MAPS, config_map("a", metadata=held))

    deleted = await cluster.call("DELETE", f"{MAPS}/a")
    there = await cluster.call("GET", f"{MAPS}/a")
    more = await cluster.call(
        "PATCH", f"{MAPS}/a", {"metadata": {"finalizers": ["a.b/c"]}}, MERGE_PATCH
    )
    await cluster.call("PATCH", f"{MAPS}/a", {"metadata": {"finalizers": None}}, MERGE_PATCH)
    gone = await cluster.call("GET", f"{MAPS}/a")

    assert "deletionTimestamp" in deleted.body["metadata"]
    assert there.body["metadata"]["finalizers"] == ["mooring.dev/held"]
    assert more.code == 422
    assert gone.code == 404


async def test_foreground_waits_for_pods_and_claims(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set())
    await cluster.until(f"{SETS}/box", ready)
    pod = await cluster.call("GET", f"{PODS}/box-0")
    hold = {"metadata": {"finalizers": ["mooring.dev/held"]}}
    await cluster.call("PATCH", f"{PODS}/box-0", hold, MERGE_PATCH)

    deleted = await cluster.call("DELETE", f"{SETS}/box", propagationPolicy="Foreground")
    await cluster.until(f"{PODS}/box-0", lambda one: "deletionTimestamp" in one.body["metadata"])
    waiting = await cluster.call("GET", f"{SETS}/box")
    await cluster.call("PATCH", f"{PODS}/box-0", {"metadata": {"finalizers": None}}, MERGE_PATCH)
    await cluster.until(f"{SETS}/box", absent)
    claims = await cluster.call("GET", CLAIMS)

    assert deleted.body["metadata"]["finalizers"] == ["foregroundDeletion"]
    owner = pod.body["metadata"]["ownerReferences"][0]
    assert (owner["controller"], owner["blockOwnerDeletion"]) == (True, True)
    assert waiting.code == 200
    assert claims.names == []


async def test_background_leaves_the_rest_to_collection(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set())
    await cluster.until(f"{SETS}/box", ready)

    deleted = await cluster.call("DELETE", f"{SETS}/box")

    assert deleted.body["status"] == "Success"
    await cluster.until(PODS, empty)
    await cluster.until(CLAIMS, empty)


async def test_orphaned_pods_stay_and_are_adopted_again(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set())
    await cluster.until(f"{SETS}/box", ready)
    before = await cluster.call("GET", f"{PODS}/box-0")

    await cluster.call("DELETE", f"{SETS}/box", {"propagationPolicy": "Orphan"})
    await cluster.until(f"{SETS}/box", absent)
    orphan = await cluster.call("GET", f"{PODS}/box-0")
    await cluster.apply(SETS, stateful_set())
    await cluster.until(f"{SETS}/box", ready)
    adopted = await cluster.call("GET", f"{PODS}/box-0")

    assert "ownerReferences" not in orphan.body["metadata"]
    assert adopted.body["metadata"]["uid"] == before.body["metadata"]["uid"]
    assert adopted.body["metadata"]["ownerReferences"][0]["kind"] == "StatefulSet"


async def test_a_pod_ends_gracefully(cluster: Cluster, simulator: RunningSimulator) -> None:
    await cluster.apply(SETS, stateful_set())
    await cluster.until(f"{SETS}/box", ready)
    await cluster.call("PUT", "/simulator/delays", {"goneAfter": 3600})
    try:
        deleted = await cluster.call("DELETE", f"{PODS}/box-0")
        there = await cluster.call("GET", f"{PODS}/box-0")
    finally:
        await cluster.call("PUT", "/simulator/delays", {"goneAfter": 0})
    uid = deleted.body["metadata"]["uid"]
    renewed = await cluster.until(
        f"{PODS}/box-0", lambda one: one.code == 200 and one.body["metadata"]["uid"] != uid
    )

    assert deleted.body["metadata"]["deletionGracePeriodSeconds"] == 30
    assert "deletionTimestamp" in there.body["metadata"]
    assert "deletionTimestamp" not in renewed.body["metadata"]


async def test_a_claim_stays_while_a_pod_uses_it(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set())
    await cluster.until(f"{SETS}/box", ready)

    await cluster.call("DELETE", f"{CLAIMS}/home-box-0")
    held = await cluster.call("GET", f"{CLAIMS}/home-box-0")
    await cluster.apply(SETS, stateful_set(replicas=0))

    assert held.body["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    await cluster.until(CLAIMS, empty)


async def test_an_object_that_has_lost_its_owners_is_collected(cluster: Cluster) -> None:
    owner = await cluster.call("POST", MAPS, config_map("owner"))
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "owner",
        "uid": owner.body["metadata"]["uid"],
    }
    await cluster.call("POST", MAPS, config_map("owned", metadata={"ownerReferences": [reference]}))

    await cluster.call("DELETE", f"{MAPS}/owner")

    await cluster.until(MAPS, empty)


async def test_a_namespace_is_emptied_and_takes_nothing_new(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set())
    held = {"finalizers": ["mooring.dev/held"]}
    await cluster.call("POST", MAPS, config_map("a", metadata=held))

    deleted = await cluster.call("DELETE", "/api/v1/namespaces/{ns}")
    late = await cluster.apply(MAPS, config_map("late"))
    await cluster.until(SETS, empty)
    await cluster.until(PODS, empty)
    there = await cluster.call("GET", "/api/v1/namespaces/{ns}")
    await cluster.call("PATCH", f"{MAPS}/a", {"metadata": {"finalizers": None}}, MERGE_PATCH)

    assert deleted.body["status"]["phase"] == "Terminating"
    assert late.code == 403
    assert late.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    assert there.code == 200
    await cluster.until("/api/v1/namespaces/{ns}", absent)


async def test_a_selection_is_deleted_at_once(cluster: Cluster) -> None:
    for name, value in (("a", "1"), ("b", "2")):
        await cluster.call("POST", MAPS, config_map(name, metadata={"labels": {"x": value}}))

    answer = await cluster.call("DELETE", MAPS, labelSelector="x=1")
    left = await cluster.call("GET", MAPS)

    assert answer.names == ["a"]
    assert left.names == ["b"]
