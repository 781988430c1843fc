"""What is seen of a database, by the phases of KubeBlocks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.states import Phase
from reconciler.observed.database import seen
from reconciler.observed.view import View


def live(phase: str = "Running", *, observed: int = 3, **status: Any) -> dict[str, Any]:
    component = {"name": "postgresql", "stop": phase in ("Stopping", "Stopped"), "replicas": 1}
    return {
        "kind": "Cluster",
        "metadata": {"name": "shop-abcdefgh", "generation": 3},
        "spec": {"componentSpecs": [component]},
        "status": {"phase": phase, "observedGeneration": observed, **status},
    }


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("Creating", Phase.STARTING),
        ("Running", Phase.RUNNING),
        ("Updating", Phase.STARTING),
        ("Stopping", Phase.STOPPING),
        ("Stopped", Phase.STOPPED),
        ("Deleting", Phase.TERMINATING),
        ("SomethingNew", Phase.STARTING),
    ],
)
def test_each_phase_of_the_operator(phase: str, expected: Phase) -> None:
    assert seen(live(phase), silent=False, reachable=True) == View(expected)


def test_a_phase_of_an_earlier_generation_is_not_believed() -> None:
    assert seen(live(observed=2), silent=False, reachable=True) == View(Phase.STARTING)
    assert seen(live("Stopped", observed=2), silent=False, reachable=True) == View(Phase.STOPPING)


def test_it_does_not_run_before_anybody_knows_how_to_sign_in() -> None:
    found = seen(live(), silent=False, reachable=False)

    assert (found.phase, found.reason) == (Phase.STARTING, "CredentialsMissing")


def test_what_the_operator_refuses_is_in_a_condition_alone() -> None:
    words = "serviceVersion 9.9 is not supported"
    refused = {"type": "ProvisioningStarted", "status": "False", "message": words}
    unready = {"type": "Ready", "status": "False", "message": "not all are ready"}

    found = seen(live("", conditions=[refused, unready]), silent=False, reachable=False)

    assert (found.phase, found.reason, found.message) == (Phase.STARTING, "DatabaseFailed", words)


def test_what_failed_says_so_in_the_operators_words() -> None:
    broken = live("Failed", components={"postgresql": {"message": {"Pod/x": "OOMKilled"}}})
    silent = live("Abnormal")

    words = seen(broken, silent=False, reachable=True)

    assert (words.phase, words.reason) == (Phase.STARTING, "DatabaseFailed")
    assert (words.message, words.object) == ("Pod/x: OOMKilled", "Cluster/shop-abcdefgh")
    assert "Abnormal" in str(seen(silent, silent=False, reachable=True).message)


def test_an_operator_that_never_looks_is_named() -> None:
    unlooked = live("", observed=0)

    assert seen(unlooked, silent=False, reachable=False).reason is None
    late = seen(unlooked, silent=True, reachable=False)
    assert (late.phase, late.reason) == (Phase.STARTING, "OperatorNotRunning")


def test_what_is_not_there_or_goes() -> None:
    going = live()
    going["metadata"]["deletionTimestamp"] = "2026-01-31T00:00:00Z"

    assert seen(None, silent=False, reachable=False) == View(Phase.ABSENT)
    assert seen(going, silent=False, reachable=True).phase == Phase.TERMINATING


def request(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "shop-abcdefgh-stop-3"}, "status": status}


def test_a_request_that_nobody_looks_at_is_the_operators_silence() -> None:
    waits = seen(live(), silent=False, reachable=True, asked=request())
    late = seen(live(), silent=True, reachable=True, asked=request())

    assert waits == View(Phase.STARTING)
    assert (late.phase, late.reason) == (Phase.STARTING, "OperatorNotRunning")


def test_a_request_that_failed_says_why() -> None:
    said = [{"message": "forbidden when Cluster.status.phase=Creating"}]
    failed = request(phase="Failed", conditions=said)

    found = seen(live(), silent=False, reachable=True, asked=failed)

    assert (found.phase, found.reason) == (Phase.RUNNING, "DatabaseFailed")
    assert "forbidden when" in (found.message or "")
    assert seen(live(), silent=False, reachable=True, asked=request(phase="Running")) == View(
        Phase.RUNNING
    )


@given(
    st.dictionaries(
        st.sampled_from(["phase", "components", "conditions", "observedGeneration"]), st.none()
    )
)
def test_missing_fields_never_crash(status: dict[str, Any]) -> None:
    found = {"kind": "Cluster", "metadata": {"name": "x"}, "spec": {}, "status": status}

    assert seen(found, silent=False, reachable=True).phase in Phase


def test_one_that_somebody_wants_to_keep_says_so() -> None:
    kept = live()
    kept["metadata"] |= {"deletionTimestamp": "2026-01-31T00:00:00Z", "finalizers": ["a/b"]}
    kept["spec"]["terminationPolicy"] = "DoNotTerminate"

    found = seen(kept, silent=False, reachable=True)

    assert "finalizers: a/b; terminationPolicy DoNotTerminate" in (found.message or "")
