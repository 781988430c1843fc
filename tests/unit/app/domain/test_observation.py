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
    merge,
)
from app.domain.states import DesiredState, Inputs, Phase, ResourceStatus


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
