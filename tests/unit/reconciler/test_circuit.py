"""When rows are told the last answer of a cluster instead of asking it."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from app.domain.states import Lane, ResourceKind
from reconciler.circuit import Circuit
from reconciler.cluster.errors import ClusterError, Meaning, meaning_of
from tests.unit.reconciler.sandbox import claim

REJECTED = ClusterError(Meaning.UNAUTHORIZED, 401, "Unauthorized")
AWAY = ClusterError(Meaning.UNAVAILABLE, 0, "connection refused")
CLOCK = claim(lane=Lane.CLOCK)
# A look that belongs to no new intent.
LATER = replace(claim(lane=Lane.ASKED), due_at=claim().generation_since + timedelta(seconds=1))


def test_a_rejected_credential_holds_back_what_only_the_clock_brings() -> None:
    circuit = Circuit(probe=3600, clock=time.monotonic)
    assert circuit.refusal(CLOCK) is None

    circuit.failed(REJECTED)

    told = circuit.refusal(CLOCK)
    assert told is not None
    assert told.meaning == REJECTED.meaning
    assert str(told).startswith("Unauthorized The circuit to this cluster is open since ")


def test_one_row_in_a_while_finds_out_whether_it_is_over() -> None:
    circuit = Circuit(probe=0, clock=time.monotonic)
    circuit.refusal(CLOCK)
    circuit.failed(REJECTED)

    assert circuit.refusal(CLOCK) is None


def test_a_cluster_counts_as_away_after_several_failures_in_a_row() -> None:
    circuit = Circuit(probe=3600, clock=time.monotonic)
    circuit.refusal(CLOCK)
    told = []

    states = [circuit.state]
    with capture_logs() as logs:
        for _ in range(6):
            circuit.failed(AWAY)
            told.append(circuit.refusal(CLOCK))
            states.append(circuit.state)
        circuit.worked()
        circuit.worked()

    assert states == ["closed", *["doubtful"] * 4, "open", "open"]
    assert circuit.state == "closed"
    assert [line["event"] for line in logs] == ["a circuit opened", "a circuit closed again"]
    assert {line["cluster"] for line in logs} == {"operator"}
    assert [error and error.meaning for error in told] == [None] * 4 + [AWAY.meaning] * 2


def test_what_others_are_told_names_nobodys_objects() -> None:
    circuit = Circuit(probe=3600, clock=time.monotonic)
    circuit.refusal(CLOCK)
    late = ClusterError(Meaning.UNAVAILABLE, 504, "no answer (patch shop-ab)", object="Pod/shop-ab")

    for _ in range(5):
        circuit.failed(late)

    told = circuit.refusal(CLOCK)
    assert told is not None
    assert (str(told).partition(" The circuit")[0], told.object) == (
        "The API server answers with HTTP 504.",
        None,
    )
    assert told.reading


@pytest.mark.parametrize(
    "error",
    [
        AWAY,
        ClusterError(Meaning.CERTIFICATE, 0, "The certificate does not prove it."),
        ClusterError(Meaning.NONSENSE, 200, "is not JSON"),
        ClusterError(Meaning.THROTTLED, 429, "Too many requests"),
        *(ClusterError(meaning_of(code, ""), code, "") for code in (500, 502, 503, 504)),
    ],
    ids=lambda error: f"{error.meaning} {error.status}",
)
def test_it_opens_on_whatever_stands_in_the_place_of_an_answer(error: ClusterError) -> None:
    circuit = Circuit(probe=3600, clock=time.monotonic)
    for _ in range(5):
        assert circuit.state != "open"
        circuit.failed(error)

    assert circuit.state == "open"


def test_it_says_since_when_it_is_open_and_when_it_asks_again() -> None:
    circuit = Circuit(probe=90, clock=time.monotonic)
    circuit.refusal(CLOCK)
    circuit.failed(REJECTED)

    told = circuit.refusal(
        replace(CLOCK, claimed_at=datetime(2026, 1, 31, 23, 59, 0, 500_000, UTC))
    )

    assert str(told) == (
        "Unauthorized The circuit to this cluster is open since 2026-01-31 23:59:00 UTC:"
        " it is asked again at 2026-02-01 00:00:30 UTC, not for each resource."
    )


def test_what_it_says_and_promises_of_a_pass_that_took_its_time_is_counted_from_its_end() -> None:
    now = 0.0
    circuit = Circuit(probe=30, clock=lambda: now)
    row = replace(CLOCK, claimed_at=datetime(2026, 1, 31, 23, 59, 0, tzinfo=UTC))
    circuit.refusal(row)

    with pytest.raises(ClusterError) as answered, circuit.asking(row):
        now = 12.0
        raise REJECTED

    assert answered.value.held == circuit.held() == timedelta(seconds=18)
    assert "open since 2026-01-31 23:59:12 UTC: it is asked again at 2026-01-31 23:59:30" in str(
        answered.value
    )


def test_whose_turn_is_before_the_next_probe_is_promised_that_and_the_others_the_probe() -> None:
    now = 100.0
    circuit = Circuit(probe=3, clock=lambda: now)
    circuit.failed(REJECTED)
    wishes = [replace(claim(), id=UUID(int=number)) for number in range(1, 6)]

    told = [circuit.refusal(wish) for wish in wishes]
    by_the_clock = circuit.refusal(replace(CLOCK, id=UUID(int=9)))

    assert [error and error.held and error.held.total_seconds() for error in told] == [
        None,
        1,
        2,
        3,
        3,
    ]
    assert by_the_clock is not None
    assert by_the_clock.held == timedelta(seconds=3)
    circuit.worked()
    assert circuit.held() is None


def test_whoever_asks_while_it_is_open_says_so_too() -> None:
    circuit = Circuit(probe=0, clock=time.monotonic)
    circuit.failed(REJECTED)

    with pytest.raises(ClusterError, match=r"HTTP 401 The circuit .* is open since"):
        asks(circuit, ClusterError(Meaning.UNAUTHORIZED, 401, "HTTP 401"))
    with pytest.raises(ClusterError) as answered:
        asks(circuit, ClusterError(Meaning.QUOTA, 403, "exceeded quota"))

    assert str(answered.value) == "exceeded quota"
    assert circuit.state == "closed"


def asks(circuit: Circuit, error: ClusterError) -> None:
    with circuit.asking(CLOCK):
        raise error


def test_a_fault_that_only_databases_meet_holds_back_no_others() -> None:
    circuit = Circuit(probe=3600, clock=time.monotonic)
    circuit.refusal(CLOCK)

    for _ in range(6):
        failed = ClusterError(Meaning.UNAVAILABLE, 500, "conversion webhook failed")
        circuit.failed(failed, ResourceKind.DATABASE)

    assert circuit.refusal(CLOCK) is None


@pytest.mark.parametrize(
    "code",
    [400, 500],
)
def test_a_webhook_that_does_not_answer_is_no_fault_of_the_cluster(code: int) -> None:
    said = {"message": 'Internal error occurred: failed calling webhook "x": connection refused'}
    circuit = Circuit(probe=3600, clock=time.monotonic)

    for _ in range(6):
        circuit.failed(ClusterError(meaning_of(code, said), code, said["message"]))

    assert circuit.state == "closed"


@pytest.mark.parametrize("lane", [Lane.ASKED, Lane.DELETION])
def test_who_was_asked_for_asks_sooner_but_not_all_the_time(lane: Lane) -> None:
    circuit = Circuit(probe=3600, clock=time.monotonic)
    circuit.failed(REJECTED)

    asked, again = circuit.refusal(claim(lane=lane)), circuit.refusal(claim(lane=lane))

    assert asked is None
    assert again is not None
    assert circuit.refusal(CLOCK) is not None


@pytest.mark.parametrize("meaning", [Meaning.INVALID, Meaning.QUOTA, Meaning.NOT_FOUND])
def test_any_answer_that_concerns_one_row_alone_ends_it(meaning: Meaning) -> None:
    circuit = Circuit(probe=3600, clock=time.monotonic)
    circuit.refusal(CLOCK)
    circuit.failed(REJECTED)

    circuit.failed(ClusterError(meaning, 403, "no"))

    assert circuit.refusal(CLOCK) is None


def test_a_strict_one_is_asked_by_nobody_but_the_probe() -> None:
    strict = Circuit(probe=3600, strict=True, clock=time.monotonic)
    assert strict.refusal(claim(lane=Lane.ASKED)) is None
    for _ in range(5):
        strict.failed(AWAY)

    assert strict.doubtful
    assert strict.refusal(LATER) is not None
    strict.worked()
    assert strict.refusal(claim(lane=Lane.ASKED)) is None
    assert not strict.doubtful


def test_of_a_cluster_that_is_away_a_few_ask_at_once() -> None:
    circuit = Circuit(probe=0, clock=time.monotonic)
    circuit.failed(REJECTED)

    with circuit.asking(CLOCK), circuit.asking(CLOCK):
        told = circuit.refusal(claim(lane=Lane.ASKED))
        circuit.failed(REJECTED)

    assert told is not None
    assert told.meaning == REJECTED.meaning


def test_a_wish_that_comes_too_early_is_told_its_turn_and_stays_a_wish() -> None:
    now = 0.0
    circuit = Circuit(probe=30, clock=lambda: now)
    circuit.failed(REJECTED)
    one, other, third = (replace(claim(), id=UUID(int=number)) for number in range(1, 4))
    now = 100.0
    assert circuit.refusal(one) is None

    told = [circuit.refusal(wish) for wish in (other, third)]

    assert [error and error.turn for error in told] == [1, 2]
    now = 102.0
    assert circuit.refusal(replace(third, lane=Lane.CLOCK)) is None


@pytest.mark.parametrize("strict", [True, False])
def test_who_was_told_asks_once_somebody_has_asked_for_it_since(strict: bool) -> None:
    now = 0.0
    circuit = Circuit(probe=30, strict=strict, clock=lambda: now)
    row = claim(lane=Lane.CLOCK)
    with pytest.raises(ClusterError), circuit.asking(row):
        raise REJECTED
    now = 1.0
    circuit.refusal(replace(row, id=UUID(int=9), lane=Lane.ASKED, due_at=row.generation_since))
    now = 2.0

    by_itself = circuit.refusal(replace(row, lane=Lane.ASKED))
    retried = circuit.refusal(replace(row, asked=row.asked + 1))

    assert by_itself is not None
    assert by_itself.turn is None
    assert retried is None
