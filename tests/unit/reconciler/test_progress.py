"""What the loop did lately, judged: pure but for the counters."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from app.db.claims import Claim
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.domain.states import Phase
from reconciler import metrics
from reconciler.progress import Progress, Verdict, verdict_of
from tests.unit.reconciler.sandbox import NOW, claim

LONGEST = 600.0
LATER, SOON = timedelta(minutes=5), timedelta(seconds=2)


class Time:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def outcome(
    reason: Reason | None = None, after: timedelta = LATER, *, failed: bool = False
) -> Outcome:
    return Outcome(2, after, Phase.STARTING, failed=failed, reason=reason)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (None, Verdict.SUPERSEDED),
        (outcome(), Verdict.SETTLED),
        (outcome(after=SOON), Verdict.AGAIN),
        (outcome(Reason.WAITING_FOR_DATABASE, SOON), Verdict.AGAIN),
        (outcome(Reason.STARTED_WITHOUT_DATABASE), Verdict.SETTLED),
        (outcome(Reason.STARTING_TOO_LONG, failed=True), Verdict.FAILED),
        (outcome(Reason.QUOTA_EXCEEDED, failed=True), Verdict.REFUSED),
        (outcome(Reason.CLUSTER_UNAVAILABLE, SOON), Verdict.REFUSED),
        (outcome(Reason.PASS_TIMEOUT, SOON), Verdict.TIMEOUT),
        (outcome(Reason.PASS_TIMEOUT, SOON, failed=True), Verdict.TIMEOUT),
        (outcome(Reason.INTERNAL, SOON), Verdict.ERROR),
    ],
)
def test_an_outcome_has_one_verdict(given: Outcome | None, verdict: Verdict) -> None:
    assert verdict_of(given) is verdict


def test_what_stopped_with_its_lease_is_lost() -> None:
    assert verdict_of(outcome(Reason.PASS_TIMEOUT, SOON), lost=True) is Verdict.LOST


def test_an_idle_reconciler_that_can_claim_is_well() -> None:
    time = Time()
    progress = Progress(time)
    time.now = LONGEST + 1

    assert "no claim" in (progress.idle_because(LONGEST) or "")

    progress.claimed([], by_timer=True)

    assert progress.idle_because(LONGEST) is None


def failing(
    progress: Progress, time: Time, row: Claim, reason: Reason, rows: int = 2
) -> str | None:
    """What is wrong after ten minutes of passes over so many rows that each end with `reason`."""
    for number in range(4):
        one = replace(row, id=UUID(int=number % rows))
        progress.passed(one, outcome(reason, SOON), 0.1)
        progress.claimed([], by_timer=True)
        time.now += LONGEST / 2
    progress.claimed([], by_timer=True)
    return progress.idle_because(LONGEST)


def test_a_cluster_that_is_away_makes_it_unready_and_one_answer_ends_that() -> None:
    time = Time()
    progress = Progress(time)

    assert "ClusterUnavailable" in str(failing(progress, time, claim(), Reason.CLUSTER_UNAVAILABLE))

    progress.passed(claim(), outcome(), 0.1)

    assert progress.idle_because(LONGEST) is None


@pytest.mark.parametrize(
    "reason", [Reason.INTERNAL, Reason.PASS_TIMEOUT, Reason.CREDENTIAL_REJECTED]
)
def test_passes_that_get_nothing_done_make_it_unready(reason: Reason) -> None:
    time = Time()

    assert failing(Progress(time), time, claim(), reason) is not None


def test_one_row_that_fails_us_makes_nobody_unready() -> None:
    time = Time()

    assert failing(Progress(time), time, claim(), Reason.INTERNAL, rows=1) is None


def test_one_row_is_enough_where_the_cluster_is_away() -> None:
    time = Time()

    assert failing(Progress(time), time, claim(), Reason.CLUSTER_UNAVAILABLE, rows=1) is not None


def test_a_cluster_that_answers_no_is_there() -> None:
    time = Time()

    assert failing(Progress(time), time, claim(), Reason.QUOTA_EXCEEDED) is None


def test_a_users_cluster_that_is_away_makes_nobody_unready() -> None:
    time = Time()
    theirs = replace(claim(), server="https://theirs.example:6443")

    assert failing(Progress(time), time, theirs, Reason.CLUSTER_UNAVAILABLE) is None


def test_a_loop_that_stands_still_is_stuck() -> None:
    time = Time()
    progress = Progress(time)
    time.now = LONGEST + 1

    assert progress.stuck(LONGEST) is not None

    progress.turned()

    assert progress.stuck(LONGEST) is None


@pytest.mark.parametrize(
    ("late", "since", "by_timer", "busy", "counted"),
    [
        (2.0, 2.0, True, False, 1),
        (0.5, 0.5, True, False, 0),  # a notification may be under way
        (2.0, 2.0, False, False, 0),  # something else woke us
        (2.0, 60.0, True, False, 0),  # due by the clock, since a pass or an event
        (2.0, 2.0, True, True, 0),  # its account had no room for it
    ],
)
def test_a_notification_is_missed_when_the_timer_finds_an_old_intent(
    late: float, since: float, by_timer: bool, busy: bool, counted: int
) -> None:
    row = replace(
        claim(asked=timedelta(seconds=since)), due_at=NOW - timedelta(seconds=late), claimed_at=NOW
    )
    name = "mooring_notifications_missed_total"
    before = metrics.REGISTRY.get_sample_value(name) or 0

    Progress().claimed([row], by_timer=by_timer, busy={row.account_id} if busy else ())

    assert metrics.REGISTRY.get_sample_value(name) == before + counted


def test_what_was_undone_is_counted() -> None:
    name, labels = "mooring_drift_healed_total", {"kind": "sandbox"}
    before = metrics.REGISTRY.get_sample_value(name, labels) or 0

    for found in (outcome(), replace(outcome(), healed="Service/a was removed by somebody.")):
        Progress().passed(claim(), found, 0.1)

    assert metrics.REGISTRY.get_sample_value(name, labels) == before + 1


def test_what_alerts_ask_for_is_there_before_it_happens() -> None:
    """An increase is of two samples: the first event of a series that it begins has none."""
    sample = metrics.REGISTRY.get_sample_value

    for kind in ("sandbox", "database"):
        labels = {"kind": kind, "verdict": "error"}
        assert sample("mooring_pass_duration_seconds_count", labels) is not None
        assert sample("mooring_drift_healed_total", {"kind": kind}) is not None
