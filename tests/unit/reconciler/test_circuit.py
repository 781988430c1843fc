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

    told = circuit.refusal(CLOCK)
    assert told is not None
    assert (told.meaning, str(told)) == (REJECTED.meaning, "Unauthorized")
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

    assert [error and str(error) for error in told] == [None] * 4 + ["connection refused"] * 2


def test_what_others_are_told_names_nobodys_objects() -> None:
    circuit = Circuit(probe=3600)
    circuit.refusal(CLOCK)
    late = ClusterError(Meaning.UNAVAILABLE, 504, "no answer (patch shop-ab)", object="Pod/shop-ab")

    for _ in range(5):
        circuit.failed(late)

    told = circuit.refusal(CLOCK)
    assert told is not None
    assert (str(told), told.object) == ("The API server answers with HTTP 504.", None)
    assert told.reading


def test_a_fault_that_only_some_objects_meet_holds_back_no_others() -> None:
    circuit = Circuit(probe=3600)
    circuit.refusal(CLOCK)

    for _ in range(6):
        circuit.failed(ClusterError(Meaning.UNAVAILABLE, 500, "failed calling webhook"))

    assert circuit.refusal(CLOCK) is None


@pytest.mark.parametrize("meaning", [Meaning.INVALID, Meaning.QUOTA, Meaning.NOT_FOUND])
def test_any_answer_that_concerns_one_row_alone_ends_it(meaning: Meaning) -> None:
    circuit = Circuit(probe=3600)
    circuit.refusal(CLOCK)
    circuit.failed(REJECTED)

    circuit.failed(ClusterError(meaning, 403, "no"))

    assert circuit.refusal(CLOCK) is None


def test_a_strict_one_is_asked_by_nobody_but_the_probe() -> None:
    strict = Circuit(probe=3600, strict=True)
    assert strict.refusal(claim(lane=Lane.ASKED)) is None
    for _ in range(5):
        strict.failed(AWAY)

    assert strict.doubtful
    assert strict.refusal(claim(lane=Lane.ASKED)) is not None
    strict.worked()
    assert strict.refusal(claim(lane=Lane.ASKED)) is None
    assert not strict.doubtful


def test_of_a_cluster_that_is_away_a_few_ask_at_once() -> None:
    circuit = Circuit(probe=0)
    circuit.failed(REJECTED)

    with circuit.asking(), circuit.asking():
        told = circuit.refusal(claim(lane=Lane.ASKED))
        circuit.failed(REJECTED)

    assert told is not None
    assert told.meaning == REJECTED.meaning
