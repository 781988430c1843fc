"""What comes up and goes down again and again is damped, and settles by itself."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.observation import Addresses, Seen, merge
from app.domain.reasons import Reason
from app.domain.states import DesiredState, Inputs, Phase
from app.domain.steadiness import Steadiness
from app.settings import Settings
from reconciler import plan
from reconciler.flapping import damped, hold
from reconciler.observed.view import View
from tests.unit.reconciler.sandbox import NOW, claim

SETTINGS = Settings()
UP = View(Phase.RUNNING)
DOWN = View(Phase.STARTING, Reason.CRASH_LOOP, "exit code 3", "Pod/p")


class Row:
    """A row that is looked at again and again, as claim and record do it."""

    def __init__(self) -> None:
        self.now = NOW
        self.claim = claim(phase=Phase.RUNNING)
        inputs = Inputs(DesiredState.RUNNING, Phase.RUNNING, True, 2, 2, 2, None)
        self.seen = Seen(inputs, None, None, Addresses(None, None))
        self.changes: list[datetime] = []

    def look(self, view: View) -> timedelta:
        """One look at `view`; when the next one is due."""
        now = replace(self.claim, claimed_at=self.now)
        outcome = plan.verdict(now, view, SETTINGS, None)
        after = merge(self.seen, outcome)
        if after.visible() != self.seen.visible():
            self.changes.append(self.now)
        same = after.inputs.phase == self.claim.phase
        self.claim = replace(
            now,
            phase=after.inputs.phase,
            phase_since=self.claim.phase_since if same else self.now,
            failed_generation=after.inputs.failed_generation,
            reason=outcome.reason,
            **asdict(outcome.steadiness or Steadiness()),
        )
        self.seen = after
        return outcome.after

    def passes(self, view: View, seconds: float) -> None:
        """So long it is to be seen like this, and looked at when due."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.now = min(end, self.now + self.look(view))

    @property
    def status(self) -> str:
        return self.seen.status


def test_a_few_falls_are_shown_each() -> None:
    row = Row()

    for _ in range(2):
        row.passes(UP, 30)
        row.passes(DOWN, 5)
    row.passes(UP, 1)

    assert row.status == "RUNNING"
    assert len(row.changes) == 4


@pytest.mark.parametrize("down", [2.0, 30.0])
def test_many_falls_are_a_bounded_number_of_changes_and_are_said(down: float) -> None:
    row = Row()

    for _ in range(200):
        row.passes(UP, 10)
        row.passes(DOWN, down)

    assert row.claim.reason == Reason.FLAPPING
    assert row.status == "ERROR"
    # Two for each of the first falls, Flapping itself, and the deadline.
    assert len(row.changes) <= 2 * SETTINGS.flapping_after + 2


def test_it_says_how_often_in_which_time_and_what_took_it_down() -> None:
    since = NOW - timedelta(minutes=7)
    fell = Steadiness(falls=4, falling_since=since, fell_at=NOW - timedelta(seconds=5))

    found = damped(claim(steadiness=fell), DOWN, SETTINGS).view

    assert found.reason is Reason.FLAPPING
    assert "4 times in 7 min" in (found.message or "")
    assert "stays up for 40 s" in (found.message or "")
    assert "exit code 3" in (found.message or "")


def test_while_it_is_up_it_says_where_to_read_what_took_it_down() -> None:
    fell = Steadiness(falls=4, falling_since=NOW, fell_at=NOW, up_since=NOW)

    found = damped(claim(steadiness=fell), UP, SETTINGS).view

    assert found.reason is Reason.FLAPPING
    assert "history" in (found.message or "")


def test_what_stays_up_is_running_again_by_itself() -> None:
    row = Row()
    for _ in range(6):
        row.passes(UP, 10)
        row.passes(DOWN, 5)
    flapping = row.status

    row.passes(UP, SETTINGS.flapping_window)

    assert flapping == "STARTING"
    assert (row.status, row.claim.reason) == ("RUNNING", None)


def test_a_new_generation_begins_anew_and_a_stop_ends_it() -> None:
    fell = Steadiness(falls=9, falling_since=NOW, fell_at=NOW)

    anew = damped(claim(observed=1, steadiness=fell), UP, SETTINGS)
    stopped = damped(
        claim(desired=DesiredState.STOPPED, steadiness=fell), View(Phase.STOPPED), SETTINGS
    )

    assert (anew.view, anew.steadiness) == (UP, Steadiness(up_since=NOW))
    assert (stopped.view.phase, stopped.steadiness) == (Phase.STOPPED, Steadiness())


def test_a_reason_that_somebody_has_to_mend_is_not_hidden() -> None:
    fell = Steadiness(falls=9, falling_since=NOW, fell_at=NOW)
    refused = View(Phase.STARTING, Reason.QUOTA_EXCEEDED, "exceeded quota: q")

    assert damped(claim(steadiness=fell), refused, SETTINGS).view == refused


def test_falls_far_from_each_other_are_not_in_a_row() -> None:
    row = Row()

    for _ in range(10):
        row.passes(UP, SETTINGS.flapping_window + 60)
        row.passes(DOWN, 5)

    assert row.claim.falls == 1


@given(st.lists(st.tuples(st.floats(1, 400), st.floats(1, 400)), min_size=30, max_size=60))
def test_however_it_flips_no_five_minutes_have_many_changes(
    flips: list[tuple[float, float]],
) -> None:
    row = Row()
    for up, down in flips:
        row.passes(UP, up)
        row.passes(DOWN, down)

    longest = timedelta(seconds=hold(99, SETTINGS))
    # The first falls, and Flapping with its deadline; then at most: up, down, said and failed.
    most = 2 * SETTINGS.flapping_after + 4
    for moment in row.changes:
        assert sum(moment <= other <= moment + longest for other in row.changes) <= most


def test_the_wait_grows_with_each_fall_up_to_a_third_of_the_window() -> None:
    waits = [hold(falls, SETTINGS) for falls in (2, 3, 4, 5, 6, 7, 50, 10_000)]

    assert waits == [0, 20, 40, 80, 160, 300, 300, 300]


def test_a_look_that_found_nothing_out_leaves_the_count() -> None:
    assert plan.interrupted(claim(), Reason.INTERNAL, "x", SETTINGS).steadiness is None
