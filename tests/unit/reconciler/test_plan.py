"""What follows from what was seen."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db.claims import Claim
from app.domain.reasons import Reason
from app.domain.states import DesiredState, Phase
from app.settings import Settings
from reconciler import plan
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.observed.view import View
from tests.unit.reconciler.sandbox import claim

SETTINGS = Settings()


def test_a_settled_row_is_looked_at_again_at_the_re_check() -> None:
    outcome = plan.verdict(claim(), View(Phase.RUNNING), SETTINGS, None)

    assert (outcome.failed, outcome.reason, outcome.attempts) == (False, None, 0)
    assert 300 <= outcome.after.total_seconds() <= 600


def test_a_row_in_transition_is_looked_at_soon_and_keeps_its_reason() -> None:
    before = claim(attempts=3, reason="CrashLoop")

    outcome = plan.verdict(before, View(Phase.STARTING, Reason.CRASH_LOOP), SETTINGS, None)

    assert (outcome.failed, outcome.reason, outcome.attempts) == (False, "CrashLoop", 4)
    assert outcome.after <= timedelta(seconds=5)


def test_past_its_deadline_a_start_has_failed_with_its_root_cause() -> None:
    late = claim(since=timedelta(seconds=SETTINGS.starting_deadline + 1))

    waiting = View(Phase.STARTING, message="its probe finds nothing", object="Pod/p")

    unexplained = plan.verdict(late, waiting, SETTINGS, None)
    assert (unexplained.reason, unexplained.message, unexplained.object) == (
        Reason.STARTING_TOO_LONG,
        "its probe finds nothing",
        "Pod/p",
    )
    outcome = plan.verdict(late, View(Phase.STARTING, Reason.CRASH_LOOP), SETTINGS, None)
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


QUOTA_FULL = View(Phase.STARTING, Reason.QUOTA_EXCEEDED, "exceeded quota: q", "ResourceQuota/q")
LONG = timedelta(hours=1)


def answered(meaning: Meaning, **more: Any) -> ClusterError:
    return ClusterError(meaning, 0, "as the cluster said", **more)


def test_a_permanent_reason_that_was_seen_is_a_failure_at_once_and_heals() -> None:
    failed = plan.verdict(claim(), QUOTA_FULL, SETTINGS, None)
    healed = plan.verdict(claim(failed=True), View(Phase.STARTING), SETTINGS, None)

    assert (failed.failed, failed.object) == (True, "ResourceQuota/q")
    assert (healed.failed, healed.reason) == (False, None)


def test_what_runs_and_has_failed_all_the_same_is_tried_again_as_failures_are() -> None:
    stuck = View(Phase.RUNNING, Reason.VOLUME_NOT_GROWING, "may not be resized")

    outcome = plan.verdict(claim(phase=Phase.RUNNING), stuck, SETTINGS, None)

    assert outcome.failed
    assert 30 <= outcome.after.total_seconds() <= SETTINGS.retry_longest


@pytest.mark.parametrize(("unchanged", "usual"), [(0, 20), (200, 50), (86_400, 300)])
def test_where_no_watch_tells_a_look_is_the_rarer_the_longer_nothing_changed(
    unchanged: int, usual: int
) -> None:
    still = claim(phase=Phase.RUNNING, changed=timedelta(seconds=unchanged))
    outcome = plan.verdict(still, View(Phase.RUNNING), SETTINGS, None)

    after = plan.unwatched(still, outcome, SETTINGS, moving=False).after.total_seconds()
    moving = plan.unwatched(still, outcome, SETTINGS, moving=True).after.total_seconds()
    healed = replace(outcome, healed="Service/a was removed by somebody and is made again.")
    soon = plan.unwatched(still, healed, SETTINGS, moving=False).after.total_seconds()

    assert 0.8 * usual <= after <= 1.2 * usual
    assert max(moving, soon) <= 1.2 * SETTINGS.recheck_unwatched


def test_a_stop_that_takes_too_long_names_what_is_left() -> None:
    late = claim(desired=DesiredState.STOPPED, phase=Phase.STOPPING, since=LONG)
    left = View(Phase.STOPPING, message="Still there: Pod/p (finalizers: x).", object="Pod/p")

    outcome = plan.verdict(late, left, SETTINGS, None)

    assert (outcome.failed, outcome.reason, outcome.object) == (
        True,
        Reason.STOPPING_TOO_LONG,
        "Pod/p",
    )
    assert outcome.message == "Still there: Pod/p (finalizers: x)."


@pytest.mark.parametrize(("reason", "attempts"), [("CrashLoop", 8), ("OOMKilled", 1), (None, 1)])
def test_attempts_count_since_the_reason_began(reason: str | None, attempts: int) -> None:
    before = claim(reason=reason, attempts=7)
    crashing = View(Phase.STARTING, Reason.CRASH_LOOP)

    assert plan.verdict(before, crashing, SETTINGS, None).attempts == attempts


def test_the_longer_it_has_failed_the_rarer_it_is_looked_at() -> None:
    crashing = View(Phase.STARTING, Reason.CRASH_LOOP)
    soon, later = (
        plan.verdict(claim(since=timedelta(seconds=s), failed=True), crashing, SETTINGS, None)
        for s in (301, 86_400)
    )

    assert timedelta(seconds=20) < soon.after < timedelta(seconds=40)
    assert timedelta(seconds=40) < later.after < timedelta(seconds=80)


@pytest.mark.parametrize("meaning", Meaning)
def test_only_a_permanent_refusal_is_a_failure_at_once(meaning: Meaning) -> None:
    error = answered(meaning, object="Pod/p")

    outcome = plan.refused(claim(), error, SETTINGS)

    assert outcome.failed == error.reason.permanent
    assert outcome.phase is None
    assert isinstance(outcome.reason, Reason)
    assert (outcome.message, outcome.object) == ("as the cluster said", "Pod/p")


@pytest.mark.parametrize(
    ("row", "failed"),
    [
        (claim(phase=Phase.RUNNING), False),
        (claim(phase=Phase.RUNNING, failed=True), True),
        (claim(phase=Phase.STARTING), True),
        (claim(phase=Phase.STOPPED, observed=1), True),
    ],
)
@pytest.mark.parametrize("reading", [True, False])
def test_not_being_let_look_is_no_failure_of_what_is_as_wanted(
    row: Claim, failed: bool, reading: bool
) -> None:
    blind = answered(Meaning.UNAUTHORIZED, reading=reading)

    outcome = plan.refused(row, blind, SETTINGS)

    assert (outcome.failed, outcome.reason) == (failed, Reason.CREDENTIAL_REJECTED)


def test_not_being_let_mend_what_ran_is_a_failure() -> None:
    outcome = plan.refused(claim(phase=Phase.RUNNING), answered(Meaning.QUOTA), SETTINGS)

    assert outcome.failed


@pytest.mark.parametrize("phase", [Phase.NEW, Phase.ABSENT, Phase.STOPPED, Phase.STARTING])
def test_a_cluster_away_for_longer_than_the_deadline_fails_a_start_from_any_phase(
    phase: Phase,
) -> None:
    away = answered(Meaning.UNAVAILABLE)
    settled_long_ago = claim(phase=phase, observed=1, since=LONG)
    asked_long_ago = claim(phase=phase, observed=1, since=LONG, asked=LONG)

    assert not plan.refused(settled_long_ago, away, SETTINGS).failed
    assert plan.refused(asked_long_ago, away, SETTINGS).failed
    assert plan.interrupted(asked_long_ago, Reason.PASS_TIMEOUT, "slow", SETTINGS).failed


def test_a_cluster_away_is_no_failure_of_what_runs() -> None:
    outcome = plan.refused(
        claim(phase=Phase.RUNNING, since=LONG, asked=LONG), answered(Meaning.UNAVAILABLE), SETTINGS
    )

    assert (outcome.failed, outcome.reason) == (False, Reason.CLUSTER_UNAVAILABLE)


def test_a_pass_that_found_nothing_out_leaves_a_failure_a_failure() -> None:
    before = claim(failed=True)

    assert plan.refused(before, answered(Meaning.UNAVAILABLE), SETTINGS).failed
    assert plan.interrupted(before, Reason.INTERNAL, "", SETTINGS).failed


@given(st.integers(min_value=0, max_value=10**6))
def test_the_backoff_is_bounded_whatever_the_attempts(attempts: int) -> None:
    before = claim(attempts=attempts, reason="ClusterUnavailable")

    after = plan.refused(before, answered(Meaning.UNAVAILABLE), SETTINGS).after

    assert timedelta(0) < after <= timedelta(seconds=60)


def test_the_backoff_doubles_with_full_jitter() -> None:
    def longest_and_shortest(attempts: int) -> tuple[float, float]:
        before = claim(attempts=attempts, reason="ClusterUnavailable")
        away = answered(Meaning.UNAVAILABLE)
        waits = [plan.refused(before, away, SETTINGS).after.total_seconds() for _ in range(200)]
        return max(waits), min(waits)

    for attempts in range(1, 5):
        longest, shortest = longest_and_shortest(attempts)
        bound = 2.0 ** (attempts + 1)
        assert bound / 2 < longest <= bound
        assert shortest < bound / 4


def test_a_busy_cluster_is_given_the_time_that_it_asks_for() -> None:
    busy = answered(Meaning.THROTTLED, retry_after=100)

    after = plan.refused(claim(), busy, SETTINGS).after

    assert timedelta(seconds=100) <= after <= timedelta(seconds=150)


def test_the_time_waited_counts_in_a_transition_that_was_seen() -> None:
    waited = timedelta(seconds=30)

    assert plan.look_of(claim(since=waited)).waited == waited
    assert plan.look_of(claim(since=waited, observed=1)).waited == timedelta(0)
    assert plan.look_of(claim(since=waited, phase=Phase.RUNNING)).waited == timedelta(0)


@pytest.mark.parametrize(
    ("live", "replicas", "makes"),
    [
        (None, 1, True),
        (None, 0, False),
        ({"spec": {"replicas": 0}}, 1, True),
        ({"spec": {"replicas": 0}, "status": {"replicas": 1}}, 1, False),
        ({"spec": {"replicas": 1}}, 1, False),
        ({"spec": {"replicas": 0}}, 0, False),
    ],
)
def test_admission_is_asked_where_a_pod_is_to_be_made(
    live: Any, replicas: int, makes: bool
) -> None:
    assert plan.makes_pod(live, {"spec": {"replicas": replicas}}) == makes


def test_a_deletion_is_watched_at_its_first_kind_only_while_it_is_in_time() -> None:
    def leaving(**given: Any) -> bool:
        told = {"desired": DesiredState.DELETED, "phase": Phase.TERMINATING} | given
        return plan.is_leaving(claim(**told), SETTINGS)

    assert leaving()
    assert not leaving(observed=1)
    assert not leaving(phase=Phase.RUNNING)
    assert not leaving(since=timedelta(seconds=SETTINGS.terminating_deadline + 1))


def test_where_another_wish_ends_is_a_transition() -> None:
    soon, late = (
        claim(desired=DesiredState.STOPPED, phase=Phase.RUNNING, since=since)
        for since in (timedelta(seconds=1), LONG)
    )

    begun = plan.verdict(soon, View(Phase.RUNNING), SETTINGS, None)
    never = plan.verdict(late, View(Phase.RUNNING), SETTINGS, None)

    assert not begun.failed
    assert begun.after <= timedelta(seconds=5)
    assert (never.failed, never.reason) == (True, Reason.STOPPING_TOO_LONG)


def test_what_failed_is_applied_anew() -> None:
    assert plan.is_awaited(claim())
    assert not plan.is_awaited(claim(failed=True))


def test_what_went_on_and_failed_holds_back_no_more() -> None:
    waiting = Reason.WAITING_FOR_DATABASE

    assert not plan.waited(claim(reason="QuotaExceeded"), waiting, SETTINGS)
    assert plan.waited(claim(reason="QuotaExceeded", failed=True), waiting, SETTINGS)


def test_whose_turn_to_ask_is_soon_is_looked_at_then() -> None:
    rejected = answered(Meaning.UNAUTHORIZED, turn=1.5)

    assert plan.refused(claim(), rejected, SETTINGS).after == timedelta(seconds=1.5)


def test_what_goes_on_though_no_look_sees_it_is_tried_the_rarer_the_longer() -> None:
    stopped = claim(failed=True, reason=Reason.STOPPED_ELSEWHERE, attempts=7)
    since = claim(failed=True, reason=Reason.STOPPED_ELSEWHERE, attempts=7, generation=3)
    away = answered(Meaning.UNAVAILABLE, held=timedelta(seconds=9))

    blind, newer = plan.refused(stopped, away, SETTINGS), plan.refused(since, away, SETTINGS)

    assert (blind.attempts, newer.attempts) == (8, 1)
    assert blind.held == timedelta(seconds=9)
    assert max(plan.refused(stopped, away, SETTINGS).after for _ in range(50)) > timedelta(
        seconds=4
    )
    assert plan.interrupted(stopped, Reason.PASS_TIMEOUT, "slow", SETTINGS).attempts == 8
