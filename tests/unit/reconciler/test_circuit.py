"""When rows are told the last answer of a cluster instead of asking it."""

import pytest

from app.domain.states import Lane
from reconciler.circuit import Circuit
from reconciler.cluster.errors import ClusterError, Meaning
from tests.unit.reconciler.sandbox import claim

REJECTED = ClusterError(Meaning.UNAUTHORIZED, 401, "Unauthorized")
AWAY = ClusterError(Meaning.UNAVAILABLE, 0, "connection refused")
CLOCK = claim(lane=Lane.CLOCK)


def test_a_rejected_credential_holds_back_what_only_the_clock_brings() -> None:
    circuit = Circuit(probe=3600)
    assert circuit.refusal(CLOCK) is None

    circuit.failed(REJECTED)

    assert circuit.refusal(CLOCK) is REJECTED
    assert circuit.refusal(claim(lane=Lane.ASKED)) is None
    assert circuit.refusal(claim(lane=Lane.DELETION)) is None


def test_one_row_in_a_while_finds_out_whether_it_is_over() -> None:
    circuit = Circuit(probe=0)
    circuit.refusal(CLOCK)
    circuit.failed(REJECTED)

    assert circuit.refusal(CLOCK) is None


def test_a_cluster_counts_as_away_after_several_failures_in_a_row() -> None:
    circuit = Circuit(probe=3600)
    circuit.refusal(CLOCK)
    told = []

    for _ in range(6):
        circuit.failed(AWAY)
        told.append(circuit.refusal(CLOCK))

    assert told == [None, None, None, None, AWAY, AWAY]


@pytest.mark.parametrize("meaning", [Meaning.INVALID, Meaning.QUOTA, Meaning.NOT_FOUND])
def test_any_answer_that_concerns_one_row_alone_ends_it(meaning: Meaning) -> None:
    circuit = Circuit(probe=3600)
    circuit.refusal(CLOCK)
    circuit.failed(REJECTED)

    circuit.failed(ClusterError(meaning, 403, "no"))

    assert circuit.refusal(CLOCK) is None
