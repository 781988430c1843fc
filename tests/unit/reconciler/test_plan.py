"""What follows from what was seen."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.states import DesiredState, Phase
from app.settings import Settings
from reconciler import plan
from reconciler.cluster.errors import PERMANENT, ClusterError, Meaning, meaning_of
from reconciler.observed.view import View
from tests.unit.reconciler.sandbox import claim

SETTINGS = Settings()


def test_a_settled_row_is_looked_at_again_at_the_re_check() -> None:
    outcome = plan.verdict(claim(), View(Phase.RUNNING), SETTINGS, None)

    assert (outcome.failed, outcome.reason, outcome.attempts) == (False, None, 0)
    assert 240 <= outcome.after.total_seconds() <= 360


def test_a_row_in_transition_is_looked_at_soon_and_keeps_its_reason() -> None:
    outcome = plan.verdict(claim(attempts=3), View(Phase.STARTING, "CrashLoop"), SETTINGS, None)

    assert (outcome.failed, outcome.reason, outcome.attempts) == (False, "CrashLoop", 4)
    assert outcome.after <= timedelta(seconds=5)


def test_past_its_deadline_a_start_has_failed_with_its_root_cause() -> None:
    late = claim(since=timedelta(seconds=SETTINGS.starting_deadline + 1))

    assert plan.verdict(late, View(Phase.STARTING), SETTINGS, None).reason == "StartingTooLong"
    outcome = plan.verdict(late, View(Phase.STARTING, "CrashLoop"), SETTINGS, None)
    assert (outcome.failed, outcome.reason) == (True, "CrashLoop")


@pytest.mark.parametrize(
    "late",
    [
        claim(since=timedelta(hours=1), observed=1),
        claim(since=timedelta(hours=1), phase=Phase.ABSENT),
    ],
)
def test_the_deadline_counts_from_what_this_generation_showed_first(late: Any) -> None:
    assert not plan.verdict(late, View(Phase.STARTING), SETTINGS, None).failed


def test_a_deletion_that_takes_too_long_names_what_is_left() -> None:
    late = claim(desired=DesiredState.DELETED, phase=Phase.TERMINATING, since=timedelta(minutes=11))
    left = plan.blocked([("Secret", {"metadata": {"name": "s", "finalizers": ["x.io/keep"]}})])

    outcome = plan.verdict(late, left, SETTINGS, None)

    assert (outcome.failed, outcome.reason, outcome.object) == (True, "DeleteBlocked", "Secret/s")
    assert "x.io/keep" in (outcome.message or "")


@pytest.mark.parametrize("meaning", Meaning)
def test_only_a_permanent_refusal_is_a_failure_at_once(meaning: Meaning) -> None:
    outcome = plan.refused(claim(), ClusterError(meaning, 0, "as the cluster said"), SETTINGS)

    assert outcome.failed == (meaning in PERMANENT)
    assert outcome.phase is None
    assert (outcome.reason, outcome.message) == (meaning.value, "as the cluster said")


@given(st.integers(min_value=0, max_value=10**6))
def test_the_backoff_is_bounded_whatever_the_attempts(attempts: int) -> None:
    error = ClusterError(Meaning.UNAVAILABLE, 0, "")

    after = plan.refused(claim(attempts=attempts), error, SETTINGS).after

    assert timedelta(0) < after <= timedelta(seconds=60)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (422, {"message": "immutable"}, Meaning.INVALID),
        (500, {"message": ".spec.x: field not declared in schema"}, Meaning.INVALID),
        (500, {"message": "etcd"}, Meaning.UNAVAILABLE),
        (401, {}, Meaning.UNAUTHORIZED),
        (403, {"message": "exceeded quota: q"}, Meaning.QUOTA),
        (403, {"message": 'violates PodSecurity "restricted"'}, Meaning.POD_SECURITY),
        (
            403,
            {"message": "x", "details": {"causes": [{"reason": "NamespaceTerminating"}]}},
            Meaning.NAMESPACE,
        ),
        (403, {"message": "cannot create"}, Meaning.FORBIDDEN),
        (404, {"message": "x", "details": {"kind": "namespaces"}}, Meaning.NAMESPACE_MISSING),
        (404, {"message": "x", "details": {"kind": "pods"}}, Meaning.NOT_FOUND),
        (404, "404 page not found", Meaning.NOT_SERVED),
        (404, {"message": "the server could not find the requested resource"}, Meaning.NOT_SERVED),
        (409, {"message": "x"}, Meaning.CONFLICT),
        (410, {"message": "x"}, Meaning.EXPIRED),
        (429, {"message": "x"}, Meaning.THROTTLED),
        (502, "<html>", Meaning.UNAVAILABLE),
    ],
)
def test_what_an_answer_means(status: int, body: object, expected: Meaning) -> None:
    assert meaning_of(status, body) == expected
