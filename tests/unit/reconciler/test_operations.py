"""What to do with a Cluster that has no `stop`: of each phase and wish one step."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from reconciler.manifests.identity import Owner
from reconciler.manifests.operations import Step, is_over, may_repeat, name, request, step

OWNER = Owner(UUID(int=1), UUID(int=2), 7, "mooring", "shop-abcdefgh", "database")


def live(phase: str, replicas: int = 1) -> dict[str, Any]:
    component = {"name": "postgresql", "replicas": replicas}
    return {"spec": {"componentSpecs": [component]}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("found", "stop", "expected"),
    [
        (None, False, Step.APPLY),
        (live(""), False, Step.APPLY),
        (live("Running"), False, Step.APPLY),
        (live("Failed"), False, Step.APPLY),
        (live("Running", 0), False, Step.WAIT),
        (live("Stopping", 0), False, Step.WAIT),
        (live("Stopped", 0), False, Step.START),
        (live(""), True, Step.WAIT),
        (live("Creating"), True, Step.WAIT),
        (live("Running"), True, Step.STOP),
        (live("Updating"), True, Step.STOP),
        (live("Abnormal"), True, Step.STOP),
        (live("Running", 0), True, Step.WAIT),
        (live("Stopped", 0), True, Step.WAIT),
    ],
)
def test_of_each_phase_and_wish_one_step(
    found: dict[str, Any] | None, stop: bool, expected: Step
) -> None:
    assert step(found, stop=stop) is expected


def test_a_request_has_one_name_for_each_generation_and_says_what_it_is_for() -> None:
    body = request(OWNER, Step.STOP)

    assert body["metadata"]["name"] == name(OWNER, Step.STOP) == "shop-abcdefgh-stop-7"
    assert (body["spec"]["type"], body["spec"]["clusterRef"]) == ("Stop", "shop-abcdefgh")
    assert body["spec"]["ttlSecondsAfterSucceed"] > 0
    assert name(OWNER, Step.START) == "shop-abcdefgh-start-7"


@pytest.mark.parametrize(
    ("phase", "over"),
    [(None, False), ("Pending", False), ("Running", False), ("Succeed", True), ("Failed", True)],
)
def test_a_request_is_over_when_nothing_comes_of_it_any_more(phase: str | None, over: bool) -> None:
    assert is_over({"status": {"phase": phase} if phase else {}}) is over


@pytest.mark.parametrize(
    ("phase", "ago", "waited", "again"),
    [
        ("Succeed", 0, 0, True),
        ("Failed", 1, 0, False),
        ("Aborted", 1, 0, False),
        ("Cancelled", 5, 60, False),
        ("Failed", 5, 0, True),
        ("Failed", 5, 60, False),
        ("Failed", 16, 60, True),
        ("Failed", 299, 86400, False),
        ("Failed", 301, 86400, True),
    ],
)
def test_a_request_that_failed_is_made_anew_the_later_the_longer_it_is_awaited(
    phase: str, ago: float, waited: float, again: bool
) -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    at = (now - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    over = {"metadata": {}, "status": {"phase": phase, "completionTimestamp": at}}

    assert may_repeat(over, now, waited) is again


@pytest.mark.parametrize("said", [None, "yesterday", "2026-11-26"])
def test_a_request_that_does_not_say_when_it_failed_is_made_anew(said: str | None) -> None:
    over = {"metadata": {}, "status": {"phase": "Failed", "completionTimestamp": said}}

    assert may_repeat(over, datetime(2026, 11, 26, tzinfo=UTC), 60)
