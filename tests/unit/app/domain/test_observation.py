"""What of an outcome a row has a place for."""

from datetime import timedelta
from typing import Any

import pytest

from app.domain.observation import (
    MOST_WORDS,
    Addresses,
    Endpoint,
    Outcome,
    Seen,
    bounded,
    lane_after,
    merge,
)
from app.domain.reasons import Reason
from app.domain.states import DesiredState, Inputs, Lane, Phase, ResourceStatus

RUNNING, DELETED = DesiredState.RUNNING, DesiredState.DELETED
LATER = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (None, None),
        ("words", "words"),
        ("a\0b", "ab"),
        ("x" * (MOST_WORDS + 1), "x" * MOST_WORDS),
        ({"a": 1}, "{'a': 1}"),
        (5, "5"),
        ([], "[]"),
    ],
)
def test_whatever_a_cluster_says_is_text_that_a_row_takes(said: Any, kept: str | None) -> None:
    endpoint = Endpoint("host", 5432, "postgres", said, said)
    outcome = Outcome(1, timedelta(1), message=said, object=said, details=endpoint)

    found = bounded(outcome)

    assert (found.message, found.object) == (kept, kept)
    assert found.details == Endpoint("host", 5432, "postgres", kept, kept)


def test_the_rest_is_left_as_it_is() -> None:
    outcome = Outcome(7, timedelta(1), gone=True, attempts=3, details=Addresses("a", None))

    assert bounded(outcome) == outcome


@pytest.mark.parametrize("phase", [None, Phase.STARTING, Phase.RUNNING])
def test_any_outcome_but_a_failure_heals(phase: Phase | None) -> None:
    inputs = Inputs(DesiredState.RUNNING, Phase.STARTING, True, 2, 1, 2, 2)
    failed = Seen(inputs, "CrashLoop", "Pod/app-0", Addresses(None, None))

    healed = merge(failed, Outcome(2, timedelta(1), phase=phase))

    assert failed.status == ResourceStatus.ERROR
    assert healed.status != ResourceStatus.ERROR
    assert healed.reason is None


@pytest.mark.parametrize(
    ("phase", "generation", "said"),
    [
        (None, 2, "StoppedElsewhere"),
        (Phase.STOPPED, 2, "ClusterUnavailable"),
        (None, 3, "ClusterUnavailable"),
    ],
)
def test_that_somebody_stopped_it_stays_known_whatever_keeps_a_pass_from_looking(
    phase: Phase | None, generation: int, said: str
) -> None:
    inputs = Inputs(RUNNING, Phase.STOPPED, True, 2, 1, 2, 2)
    stopped = Seen(inputs, "StoppedElsewhere", "Cluster/db", Addresses(None, None))
    outcome = Outcome(generation, timedelta(1), phase=phase, reason=Reason.CLUSTER_UNAVAILABLE)

    assert merge(stopped, outcome).reason == said


@pytest.mark.parametrize(
    ("desired", "phase", "failed", "after", "lane"),
    [
        (RUNNING, Phase.RUNNING, None, LATER, Lane.CLOCK),
        (RUNNING, Phase.RUNNING, None, timedelta(seconds=2), Lane.ASKED),
        # A wish that is not granted yet is none of the clock's, however long it is put off.
        (RUNNING, Phase.STARTING, None, LATER, Lane.ASKED),
        (RUNNING, Phase.STARTING, 1, LATER, Lane.ASKED),
        (DELETED, Phase.TERMINATING, None, LATER, Lane.DELETION),
        # One that failed is, until somebody asks.
        (RUNNING, Phase.STARTING, 2, LATER, Lane.CLOCK),
        (DELETED, Phase.TERMINATING, 2, LATER, Lane.CLOCK),
        (DELETED, Phase.TERMINATING, 2, timedelta(seconds=2), Lane.DELETION),
    ],
)
def test_the_clock_brings_what_is_as_wanted_or_failed(
    desired: DesiredState, phase: Phase, failed: int | None, after: timedelta, lane: Lane
) -> None:
    inputs = Inputs(desired, phase, True, 2, 2, 2, failed)

    assert lane_after(inputs, after) == lane
