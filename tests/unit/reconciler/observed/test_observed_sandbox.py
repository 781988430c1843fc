"""What is seen of a sandbox, by the table of the design."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.states import Phase
from reconciler.observed.sandbox import seen
from reconciler.observed.view import View
from tests.unit.reconciler.sandbox import ID


def workload(replicas: int = 1, *, lag: bool = False, going: bool = False) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": "shop-abcdefgh", "generation": 3}
    meta["labels"] = {"mooring.dev/resource": str(ID)}
    if going:
        meta["deletionTimestamp"] = "2026-01-31T00:00:00Z"
    status = {"observedGeneration": 2 if lag else 3, "updateRevision": "new"}
    return {"metadata": meta, "spec": {"replicas": replicas}, "status": status}


def pod(
    revision: str = "new",
    *,
    ready: bool = True,
    waiting: str | None = None,
    scheduled: bool = True,
    going: bool = False,
) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": "p", "labels": {"controller-revision-hash": revision}}
    if going:
        meta["deletionTimestamp"] = "2026-01-31T00:00:00Z"
    conditions = [
        {"type": "PodScheduled", "status": str(scheduled), "message": "0/3 nodes"},
        {"type": "Ready", "status": str(ready)},
    ]
    state = {"waiting": {"reason": waiting, "message": "back-off"}} if waiting else {"running": {}}
    containers = [{"name": "sandbox", "state": state}]
    return {
        "metadata": meta,
        "status": {"conditions": conditions, "containerStatuses": containers},
    }


@pytest.mark.parametrize(
    ("found", "pods", "expected"),
    [
        (None, [], View(Phase.ABSENT)),
        (workload(going=True), [pod()], View(Phase.TERMINATING)),
        (workload(lag=True), [pod()], View(Phase.STARTING)),
        (workload(0, lag=True), [], View(Phase.STOPPING)),
        (workload(0), [pod(going=True)], View(Phase.STOPPING)),
        (workload(0), [], View(Phase.STOPPED)),
        (workload(), [], View(Phase.STARTING)),
        (workload(), [pod()], View(Phase.RUNNING)),
        (workload(), [pod("old")], View(Phase.STARTING)),
        (workload(), [pod(ready=False)], View(Phase.STARTING)),
        (workload(), [pod(going=True)], View(Phase.STARTING)),
        (
            workload(),
            [pod(ready=False, scheduled=False)],
            View(Phase.STARTING, "Unschedulable", "0/3 nodes", "Pod/p"),
        ),
        (
            workload(),
            [pod(ready=False, waiting="ImagePullBackOff")],
            View(Phase.STARTING, "ImagePullFailed", "back-off", "Pod/p"),
        ),
        (workload(), [pod(ready=False, waiting="SomethingNew")], View(Phase.STARTING)),
    ],
)
def test_what_is_seen(found: Any, pods: list[Any], expected: View) -> None:
    assert seen(found, pods) == expected


@given(st.dictionaries(st.sampled_from(["status", "spec"]), st.just({})), st.booleans())
def test_missing_fields_never_crash(parts: dict[str, Any], with_pod: bool) -> None:
    found = {"metadata": {"name": "x"}, "spec": {}} | parts
    pods = [{"metadata": {"name": "p"}}] if with_pod else []

    assert seen(found, pods).phase in Phase
