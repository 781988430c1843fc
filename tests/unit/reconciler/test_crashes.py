"""How long what ended its workers rests."""

from dataclasses import replace

from reconciler import crashes
from tests.unit.reconciler.sandbox import claim
from tests.unit.reconciler.test_plan import SETTINGS


def test_what_ended_its_workers_rests_twice_as_long_each_time_and_no_longer_than_unasked() -> None:
    rests = []
    before = claim()
    for _ in range(8):
        outcome = crashes.outcome(before, SETTINGS)
        assert outcome.held is not None
        assert outcome.held <= outcome.after
        assert f"before {outcome.held.total_seconds():.0f} s" in str(outcome.message)
        rests.append(outcome.held.total_seconds())
        before = replace(before, reason=outcome.reason, attempts=outcome.attempts)

    assert rests[:4] == [60, 120, 240, 480]
    assert min(rests[4:]) >= 0.8 * SETTINGS.crashed_retry
