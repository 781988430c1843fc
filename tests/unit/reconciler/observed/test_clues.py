"""What volumes and events add where the pods leave a doubt, and what holds a deletion."""

import pytest

from app.domain.reasons import Reason
from reconciler.observed.clues import Clues, explained
from reconciler.observed.sandbox import seen
from reconciler.observed.view import View, culprit
from tests.unit.reconciler.observed.cluster import (
    SETTINGS,
    Json,
    container,
    event,
    look,
    pod,
    unplaced,
    volume,
    workload,
)


def view(found: Json | None, *pods: Json, waited: float = 0) -> View:
    return seen(found, pods, look(waited), SETTINGS)


QUOTA = (
    "create Pod p in StatefulSet s failed error: pods p is forbidden: exceeded quota: q, used: 1"
)
SECURITY = 'pods "p" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot'


@pytest.mark.parametrize(
    ("events", "reason", "culprit"),
    [
        ([event("FailedCreate", QUOTA)], Reason.QUOTA_EXCEEDED, "ResourceQuota/q"),
        (
            [event("FailedCreate", SECURITY)],
            Reason.POD_SECURITY_VIOLATION,
            "StatefulSet/shop-abcdefgh",
        ),
        ([event("FailedCreate", "no")], Reason.CREATE_FAILED, "StatefulSet/shop-abcdefgh"),
        (
            [event("FailedCreate", QUOTA, ago=9), event("FailedCreate", SECURITY, ago=1)],
            Reason.POD_SECURITY_VIOLATION,
            "StatefulSet/shop-abcdefgh",
        ),
        ([event("FailedCreate", QUOTA, ago=1800)], None, "StatefulSet/shop-abcdefgh"),
        (
            [event("FailedCreate", "could not update claim c: the object has been modified")],
            None,
            "StatefulSet/shop-abcdefgh",
        ),
        ([event("SuccessfulCreate", "ok", kind="Normal")], None, "StatefulSet/shop-abcdefgh"),
        ([{"type": "Warning", "reason": "FailedCreate"}], None, "StatefulSet/shop-abcdefgh"),
    ],
)
def test_why_no_pod_is_made_is_told_by_the_newest_event(
    events: list[Json], reason: Reason | None, culprit: str
) -> None:
    found = explained(view(workload(), waited=10), Clues((), events), look(10))

    assert (found.reason, found.object) == (reason, culprit)


@pytest.mark.parametrize(
    ("said", "volumes", "events", "reason", "message"),
    [
        (
            "0/1 nodes: 1 Insufficient cpu",
            [],
            [],
            Reason.UNSCHEDULABLE,
            "0/1 nodes: 1 Insufficient cpu",
        ),
        (
            "0/1 nodes: 1 Insufficient cpu",
            [volume("Pending")],
            [],
            Reason.UNSCHEDULABLE,
            "0/1 nodes: 1 Insufficient cpu",
        ),
        ("unbound", [volume("Bound")], [], Reason.UNSCHEDULABLE, "unbound"),
        ("unbound", [volume("Pending")], [], Reason.VOLUME_PENDING, "unbound"),
        (
            "unbound",
            [volume("Pending")],
            [event("ProvisioningFailed", "no class")],
            Reason.VOLUME_PENDING,
            "no class",
        ),
        (None, [volume("Pending")], [], Reason.VOLUME_PENDING, "The pod has no node yet."),
        (None, [volume("Bound")], [], None, "The pod has no node yet."),
    ],
)
def test_a_pod_without_a_node_waits_for_nodes_or_for_its_volume(
    said: str | None,
    volumes: list[Json],
    events: list[Json],
    reason: Reason | None,
    message: str,
) -> None:
    found = explained(view(workload(), unplaced(said), waited=10), Clues(volumes, events), look(10))

    assert (found.reason, found.message) == (reason, message)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("FailedMount", Reason.VOLUME_MOUNT_FAILED),
        ("FailedAttachVolume", Reason.VOLUME_MOUNT_FAILED),
        ("FailedCreatePodSandBox", Reason.SANDBOX_CREATE_FAILED),
        ("Unhealthy", None),
    ],
)
def test_why_containers_are_not_made_is_told_by_events_of_the_pod(
    told: str, reason: Reason | None
) -> None:
    creating = pod(container(waiting={"reason": "ContainerCreating"}))

    found = explained(
        view(workload(), creating, waited=61), Clues((), [event(told, "as it said")]), look(61)
    )

    assert found.reason == reason
    assert (found.message == "as it said") == (reason is not None)


SET = ("StatefulSet", workload(going=True, finalizers=("foregroundDeletion",)))
HOME = ("PersistentVolumeClaim", volume("Bound"))
PLAIN = ("Pod", pod(going=True))
STUCK = ("Pod", pod(going=True, finalizers=("x.io/keep",)))


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        ([SET], "StatefulSet/shop-abcdefgh"),
        ([SET, PLAIN], "Pod/p"),
        ([SET, HOME, STUCK], "Pod/p"),
        ([STUCK, SET], "Pod/p"),
    ],
)
def test_the_culprit_of_a_deletion_is_what_the_others_wait_for(
    left: list[tuple[str, Json]], expected: str
) -> None:
    assert culprit(left) == expected
