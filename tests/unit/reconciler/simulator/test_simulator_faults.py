"""Which rule is on what, how its times run out, and how back-off grows."""

import orjson
import pytest
from pydantic import ValidationError

from reconciler.simulator.controllers.podfaults import back_off, step
from reconciler.simulator.faults import Answer, Crash, Faults, NeverReady
from reconciler.simulator.kinds import POD, SECRET, Kind
from reconciler.simulator.stored import Stored


def held(*rules: object) -> Faults:
    faults = Faults()
    faults.set(orjson.dumps(rules))
    return faults


def stored(name: str, kind: Kind = POD, namespace: str = "ns") -> Stored:
    return Stored(kind, namespace, name, 1, {"metadata": {"name": name}})


@pytest.mark.parametrize(
    ("pattern", "kind", "name", "on"),
    [
        ("ns/box-0", POD, "box-0", True),
        ("*/box-*", POD, "box-0", True),
        ("*", POD, "box-0", True),
        ("box-*", POD, "box-0", False),
        ("other/*", POD, "box-0", False),
        ("ns/*", SECRET, "box-0", False),
    ],
)
def test_a_rule_is_on_a_kind_by_namespace_and_name(
    pattern: str, kind: Kind, name: str, on: bool
) -> None:
    faults = held({"fault": "NeverReady", "name": pattern})

    assert (faults.of(NeverReady, stored(name, kind)) is not None) is on


def test_the_first_rule_of_a_class_counts_and_others_do_not_hide_it() -> None:
    faults = held(
        {"fault": "NeverReady"},
        {"fault": "CrashLoopBackOff", "exitCode": 2},
        {"fault": "CrashLoopBackOff", "exitCode": 3},
    )

    found = faults.of(Crash, stored("box-0"))

    assert found is not None
    assert found.exit_code == 2


def test_a_request_is_asked_by_verb_kind_and_name() -> None:
    rule = {"fault": "Answer", "code": 500, "verbs": ["get", "list"], "kind": "Pod", "name": "ns/*"}
    faults = held(rule)

    def asked(verb: str, kind: str, namespace: str) -> bool:
        return faults.asked(Answer, verb, kind, namespace, "x") is not None

    assert asked("get", "Pod", "ns")
    assert asked("list", "Pod", "ns")
    assert not asked("patch", "Pod", "ns")
    assert not asked("get", "Secret", "ns")
    assert not asked("get", "Pod", "other")


def test_times_run_out_for_their_rule_alone() -> None:
    faults = held({"fault": "Answer", "code": 500, "times": 2}, {"fault": "Answer", "code": 503})
    codes = []

    for _ in range(4):
        rule = faults.asked(Answer, "get", "Pod", "ns", "x")
        assert rule is not None
        faults.happened(rule)
        codes.append(rule.code)

    assert codes == [500, 500, 503, 503]
    assert len(faults.rules) == 1


def test_a_list_with_a_wrong_rule_changes_nothing() -> None:
    faults = held({"fault": "NeverReady"})

    with pytest.raises(ValidationError):
        faults.set(b'[{"fault": "NeverReady"}, {"fault": "Earthquake"}]')

    assert len(faults.rules) == 1


def test_rules_are_written_as_they_are_read() -> None:
    faults = held({"fault": "Answer", "code": 429, "retryAfter": 3, "applied": True})

    again = Faults()
    again.set(faults.body())

    assert again.rules == faults.rules


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0, (0, 10.0)), (9.0, (0, 1.0)), (10.0, (1, 20.0)), (30.0, (2, 40.0)), (70.0, (3, 80.0))],
)
def test_each_try_waits_twice_as_long(seconds: float, expected: tuple[int, float]) -> None:
    assert step(seconds, 10.0) == expected


def test_back_off_ends_at_five_minutes() -> None:
    shown = [back_off(count, 10.0) for count in (0, 1, 3, 4, 5, 9, 4000)]

    assert shown == ["10s", "20s", "1m20s", "2m40s", "5m0s", "5m0s", "5m0s"]
    assert step(310.0 + 300 * 7 + 1, 10.0) == (5 + 7, 299.0)
