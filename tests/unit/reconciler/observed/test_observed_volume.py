"""A disk that is to be larger: what runs is not as wanted until its capacity is there."""

from typing import Any

import pytest

from app.domain.reasons import Reason
from app.domain.states import Phase
from reconciler.observed.view import View
from reconciler.observed.volume import asks_for, growing

RUNNING = View(Phase.RUNNING)


def claim(asked: str, capacity: str | None, *conditions: dict[str, str]) -> dict[str, Any]:
    status: dict[str, Any] = {"phase": "Bound", "conditions": list(conditions)}
    if capacity:
        status["capacity"] = {"storage": capacity}
    spec = {"resources": {"requests": {"storage": asked}}}
    return {"metadata": {"name": "home-shop-0"}, "spec": spec, "status": status}


def test_it_is_awaited_with_what_the_cluster_says_of_it() -> None:
    waits = {"type": "FileSystemResizePending", "message": "Waiting for a pod to start."}

    view = growing(RUNNING, claim("20Gi", "10Gi", waits), "20Gi")

    assert (view.phase, view.reason) == (Phase.STARTING, Reason.VOLUME_GROWING)
    assert view.message == "The disk has 10Gi of 20Gi. Waiting for a pod to start."
    assert view.object == "PersistentVolumeClaim/home-shop-0"


@pytest.mark.parametrize("capacity", ["20Gi", "20480Mi", "21Gi", "1Ti"])
def test_it_is_there_however_it_is_spelled_and_if_there_is_more(capacity: str) -> None:
    assert growing(RUNNING, claim("20Gi", capacity), "20Gi") == RUNNING


def test_a_claim_that_says_nothing_is_awaited() -> None:
    assert growing(RUNNING, claim("20Gi", None), "20Gi").phase is Phase.STARTING
    assert growing(RUNNING, {"metadata": {}}, "20Gi").phase is Phase.STARTING
    assert asks_for({"metadata": {}}) == 0


def test_what_does_not_run_has_a_reason_of_its_own() -> None:
    view = View(Phase.STARTING, Reason.IMAGE_PULL_FAILED)

    assert growing(view, claim("20Gi", "10Gi"), "20Gi") is view
