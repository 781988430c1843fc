"""What is seen of a sandbox, by the table of the design."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.reasons import Reason
from app.domain.states import Phase
from reconciler.observed.clues import Clues, explained
from reconciler.observed.sandbox import seen
from reconciler.observed.view import Doubt, View
from tests.unit.reconciler.observed.cluster import (
    SETTINGS,
    Json,
    condition,
    container,
    look,
    pod,
    unplaced,
    workload,
)

RUNS: Json = {"running": {"startedAt": "2026-01-30T23:59:58Z"}}
ENDED: Json = {"exitCode": 1, "reason": "Error"}
KILLED: Json = {"exitCode": 137, "reason": "OOMKilled"}
BACK_OFF: Json = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting"}}


def view(found: Json | None, *pods: Json, waited: float = 0) -> View:
    return seen(found, pods, look(waited), SETTINGS)


@pytest.mark.parametrize(
    ("found", "pods", "expected"),
    [
        (None, [], Phase.ABSENT),
        (None, [pod(going=True)], Phase.TERMINATING),
        (workload(going=True), [pod(ready=True)], Phase.TERMINATING),
        (workload(lag=True), [pod(ready=True)], Phase.STARTING),
        (workload(0, lag=True), [], Phase.STOPPING),
        (workload(0), [pod(going=True)], Phase.STOPPING),
        (workload(0), [], Phase.STOPPED),
        (workload(), [], Phase.STARTING),
        (workload(), [pod(ready=True)], Phase.RUNNING),
        (workload(), [pod(ready=True, revision="old")], Phase.STARTING),
        (workload(), [pod()], Phase.STARTING),
        (workload(), [pod(ready=True, going=True)], Phase.STARTING),
    ],
)
def test_the_phase(found: Any, pods: list[Json], expected: Phase) -> None:
    shown = view(found, *pods)

    assert (shown.phase, shown.reason, shown.doubt) == (expected, None, None)


@pytest.mark.parametrize(
    ("waiting", "reason"),
    [
        ("ErrImagePull", Reason.IMAGE_PULL_FAILED),
        ("ImagePullBackOff", Reason.IMAGE_PULL_FAILED),
        ("InvalidImageName", Reason.IMAGE_PULL_FAILED),
        ("ErrImageNeverPull", Reason.IMAGE_PULL_FAILED),
        ("CreateContainerConfigError", Reason.CONTAINER_CONFIG_ERROR),
        ("CreateContainerError", Reason.CONTAINER_CONFIG_ERROR),
        ("RunContainerError", Reason.CONTAINER_CONFIG_ERROR),
    ],
)
def test_a_container_that_is_not_made_says_so_in_the_words_of_the_node(
    waiting: str, reason: Reason
) -> None:
    state: Json = {"waiting": {"reason": waiting, "message": 'secret "x" not found'}}

    shown = view(workload(), pod(container(**state)))
    of_init = view(workload(), pod(init=(container("home", **state),)))

    assert shown == View(Phase.STARTING, reason, 'secret "x" not found', "Pod/p")
    assert of_init.message == 'The init container "home": secret "x" not found'
    assert of_init.reason == reason


@pytest.mark.parametrize(
    "shown",
    [
        container(restarts=3, last=ENDED, **BACK_OFF),
        container(restarts=3, last=ENDED, **RUNS),
        container(restarts=2, terminated=ENDED),
        container(restarts=3, last=ENDED, waiting={"reason": "ContainerCreating"}),
    ],
)
def test_between_two_crashes_the_reason_stays(shown: Json) -> None:
    found = view(workload(), pod(shown))

    assert found.reason == Reason.CRASH_LOOP
    assert found.message is not None
    assert found.message.startswith(
        'The container "sandbox" has ended 3 times, last with exit code 1 (Error).'
    )


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (KILLED, Reason.OOM_KILLED),
        ({"exitCode": 0, "reason": "Completed"}, Reason.CRASH_LOOP),
        ({"exitCode": 128, "reason": "StartError"}, Reason.CONTAINER_CONFIG_ERROR),
    ],
)
def test_how_a_container_ended_gives_the_reason(last: Json, reason: Reason) -> None:
    found = view(workload(), pod(container(restarts=1, last=last, **BACK_OFF)))

    assert found.reason == reason
    assert f"exit code {last['exitCode']} ({last['reason']})" in (found.message or "")
    assert "back-off 10s" in (found.message or "")


def test_an_init_container_is_named_as_such() -> None:
    crashing = container("home", restarts=1, last=KILLED, **BACK_OFF)
    waiting = container(waiting={"reason": "PodInitializing"})

    found = view(workload(), pod(waiting, init=(crashing,)))

    assert found.reason == Reason.OOM_KILLED
    assert (found.message or "").startswith('The init container "home" has ended once')


@pytest.mark.parametrize(
    "well",
    [
        pod(container(**RUNS), init=(container("home", ready=True, terminated={"exitCode": 0}),)),
        pod(container(last=ENDED, restarts=4, running={"startedAt": "2026-01-30T23:00:00Z"})),
        pod(container(last=ENDED, restarts=4, running={}, ready=True)),
    ],
)
def test_what_ended_well_or_long_ago_is_no_crash(well: Json) -> None:
    assert view(workload(), well).reason is None


@pytest.mark.parametrize(
    "gone",
    [
        pod(container(terminated=KILLED), phase="Failed", reason="Evicted", message="low on disk"),
        pod(
            container(**RUNS),
            conditions=(condition("DisruptionTarget", True, message="low on disk"),),
        ),
    ],
)
def test_an_evicted_pod_is_not_taken_for_a_crash(gone: Json) -> None:
    assert view(workload(), gone) == View(Phase.STARTING, Reason.EVICTED, "low on disk", "Pod/p")


def test_a_pod_that_never_gets_ready_says_what_its_probe_waits_for() -> None:
    found = view(workload(), pod(container(**RUNS)))

    assert found.reason is None
    assert found.object == "Pod/p"
    assert found.message == (
        'The container "sandbox" runs, but its readiness probe finds nothing at port 7681 (ttyd).'
    )


def test_what_holds_a_pod_that_should_be_gone_is_named() -> None:
    stuck = pod(going=True, finalizers=("x.io/keep",))

    stopping = view(workload(0), stuck)
    starting = view(workload(), stuck)

    assert stopping.object == starting.object == "Pod/p"
    assert stopping.message == starting.message == "Still there: Pod/p (finalizers: x.io/keep)."


def test_a_workload_that_is_deleted_by_hand_names_its_finalizers() -> None:
    found = view(workload(going=True, finalizers=("x.io/keep",)))

    assert (found.phase, found.object) == (Phase.TERMINATING, "StatefulSet/shop-abcdefgh")
    assert "x.io/keep" in (found.message or "")


def test_the_words_of_an_unknown_reason_are_kept() -> None:
    state: Json = {"waiting": {"reason": "SomethingNew", "message": "odd"}}

    assert view(workload(), pod(container(**state))).message == "SomethingNew: odd"


@pytest.mark.parametrize(
    ("pods", "waited", "doubt", "about"),
    [
        ([], 4, None, ""),
        ([], 5, Doubt.UNMADE, "uid-of-set"),
        ([unplaced(None)], 4, None, ""),
        ([unplaced(None)], 5, Doubt.UNSCHEDULED, "uid-of-pod"),
        ([unplaced("0/3 nodes are available")], 0, Doubt.UNSCHEDULED, "uid-of-pod"),
        ([pod(container(waiting={"reason": "ContainerCreating"}))], 59, None, ""),
        (
            [pod(container(waiting={"reason": "ContainerCreating"}))],
            60,
            Doubt.CREATING,
            "uid-of-pod",
        ),
        ([pod(container(**RUNS))], 3600, None, ""),
        ([pod(container(**BACK_OFF))], 3600, None, ""),
    ],
)
def test_the_api_is_asked_for_more_only_when_the_pods_leave_a_doubt(
    pods: list[Json], waited: float, doubt: Doubt | None, about: str
) -> None:
    found = view(workload(), *pods, waited=waited)

    assert found.doubt == doubt
    if doubt:
        assert found.about == about


def test_a_running_sandbox_costs_no_further_request() -> None:
    assert view(workload(), pod(ready=True), waited=3600).doubt is None


NAMES = [
    "metadata",
    "spec",
    "status",
    "conditions",
    "type",
    "reason",
    "message",
    "containerStatuses",
    "initContainerStatuses",
    "state",
    "lastState",
    "waiting",
    "running",
    "terminated",
    "startedAt",
    "exitCode",
    "restartCount",
    "ready",
    "name",
    "replicas",
    "generation",
    "observedGeneration",
    "deletionTimestamp",
    "containers",
    "readinessProbe",
    "tcpSocket",
    "port",
    "ports",
    "lastTimestamp",
    "series",
    "finalizers",
    "labels",
    "controller-revision-hash",
    "updateRevision",
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(
        [
            "",
            "True",
            "False",
            "Ready",
            "PodScheduled",
            "CrashLoopBackOff",
            "Failed",
            "2026-01-31T00:00:00Z",
            "x",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
BODIES = st.fixed_dictionaries({}, optional={"metadata": VALUES, "spec": VALUES, "status": VALUES})


@settings(max_examples=300)
@given(st.none() | BODIES, st.lists(BODIES, max_size=2), st.lists(BODIES | VALUES, max_size=2))
def test_whatever_objects_look_like_they_are_seen(
    found: Any, pods: list[Any], events: list[Any]
) -> None:
    shown = view(found, *pods, waited=100)
    told = [body for body in events if isinstance(body, dict)]

    for end in (shown, explained(shown, Clues(told, told), look(100))):
        assert end.phase in Phase
        assert end.reason is None or isinstance(end.reason, Reason)
