"""The checks of chaos find what they are for; one that finds nothing would prove nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.chaos import checks
from tests.chaos.end import Change, Row, Rows, Thing
from tests.chaos.subscriber import Seen
from tests.chaos.wanted import Wanted, WantedResource

_KEY, _OTHER = UUID(int=1), UUID(int=2)
_SPEC: dict[str, object] = {"image": "debian:12", "cpu": "1", "memory": "1Gi"}
_ACCOUNT = str(UUID(int=9))


def _wanted() -> Wanted:
    """One project; its sandbox was created, stopped, started, and given a variable."""
    wanted = Wanted()
    box = WantedResource("s", "sandbox", "r1", dict(_SPEC))
    project = wanted.project("p", "one", [box])
    wanted.want_all(project, "STOPPED", "stop")
    wanted.want(box, "RUNNING", "start")
    wanted.want(box, "RUNNING", "start")
    wanted.variable(project, "A", "1")
    return wanted


def _answers() -> dict[str, dict[str, Any]]:
    box = {"id": "s", "desiredState": "RUNNING", "generation": 4, "ports": [], **_SPEC}
    project = {"name": "one", "converged": True, "environment": [{"key": "A", "value": "1"}]}
    return {"p": {**project, "sandboxes": [box], "databases": []}}


def _changes() -> list[Change]:
    said = [
        ("project.create", "p", None, "CREATING"),
        ("sandbox.create", "s", None, "CREATING"),
        ("sandbox.stop", "s", "CREATING", "STOPPING"),
        ("project.stop", "p", "CREATING", "STOPPING"),
        ("sandbox.start", "s", "STOPPING", "STARTING"),
        ("project.start", "p", "STOPPING", "STARTING"),
        ("sandbox.environment", "s", "STARTING", "STARTING"),
        ("sandbox.running", "s", "STARTING", "RUNNING"),
        ("project.running", "p", "STARTING", "RUNNING"),
    ]
    return [
        Change(n, f"c{n}", "p", action, subject, before, after, "running" not in action)
        for n, (action, subject, before, after) in enumerate(said, 1)
    ]


def _rows() -> Rows:
    row = Row("s", _KEY, "p", "sandbox", "r1", "RUNNING", "RUNNING", 4, 4, None, False)
    return Rows({"s": row}, {"p": "RUNNING"}, {"ada": _changes()}, {"ada": 9})


def _things() -> list[Thing]:
    return [
        Thing("Namespace", "/mooring-ada", None, {"account": _ACCOUNT}),
        Thing("StatefulSet", "a/one", _KEY, {"running": True, **_SPEC}),
        Thing("Secret", "a/one-env", _KEY, {"A": "1", "TTYD_USER": "mooring"}),
    ]


def _seen() -> list[Seen]:
    return [
        Seen("CHANGED", c.seq, c.seq - 1, c.id, "p", c.after if c.subject == "p" else None, None)
        for c in _changes()
    ]


def test_what_is_as_it_should_be_passes() -> None:
    wanted, rows, things = _wanted(), _rows(), _things()

    found = [
        checks.not_converged(rows),
        checks.not_as_wanted(wanted, _answers()),
        checks.intents_lost_or_doubled(wanted, _changes()),
        checks.history_broken(rows),
        checks.changes_missed("ada", 0, _seen(), _changes(), 200),
        checks.ends_otherwise("ada", _seen(), rows.projects),
        checks.orphans(rows, things, {_ACCOUNT}),
        checks.objects_wrong(wanted, rows, things),
        checks.leaked("api", Counter(a=1), Counter(a=1)),
        checks.connections_leaked(Counter({"mooring_api idle": 2}), {"api-1": 1, "api-2": 1}),
    ]

    assert found == [[]] * len(found)


@pytest.mark.parametrize(
    "change", [{"status": "STARTING"}, {"observed": 3}, {"desired": "STOPPED"}], ids=str
)
def test_a_resource_that_is_not_what_is_wanted_is_found(change: dict[str, Any]) -> None:
    rows = _rows()
    rows.resources["s"] = replace(rows.resources["s"], **change)

    assert len(checks.not_converged(rows)) == 1


@pytest.mark.parametrize(
    "field",
    [
        {"desiredState": "STOPPED"},
        {"generation": 5},
        {"image": "debian:13"},
        {"ports": [{"port": 4000}]},
        {"id": "another"},
    ],
    ids=str,
)
def test_a_lost_intent_of_a_resource_is_found(field: dict[str, Any]) -> None:
    answers = _answers()
    answers["p"]["sandboxes"][0] |= field

    assert checks.not_as_wanted(_wanted(), answers)


@pytest.mark.parametrize(
    "field", [{"name": "two"}, {"converged": False}, {"environment": []}], ids=str
)
def test_a_lost_intent_of_a_project_is_found(field: dict[str, Any]) -> None:
    answers = _answers()
    answers["p"] |= field

    assert len(checks.not_as_wanted(_wanted(), answers)) == 1


def test_a_project_that_is_lost_and_one_too_many_are_found() -> None:
    answers = {"q": _answers()["p"]}

    assert len(checks.not_as_wanted(_wanted(), answers)) == 2


def test_an_intent_that_is_not_in_the_history_and_one_twice_are_found() -> None:
    changes = _changes()
    doubled = replace(changes[4], seq=10, before="STARTING")

    lost = checks.intents_lost_or_doubled(_wanted(), [*changes[:4], *changes[5:]])
    twice = checks.intents_lost_or_doubled(_wanted(), [*changes, doubled])

    assert lost == ["sandbox.start of s: 1 accepted, 0 in the history"]
    assert twice == ["sandbox.start of s: 1 accepted, 2 in the history"]


def test_an_intent_that_nobody_accepted_is_found() -> None:
    stray = Change(10, "c10", "p", "database.create", "d", None, "CREATING", by_user=True)

    assert len(checks.intents_lost_or_doubled(_wanted(), [*_changes(), stray])) == 1


def _without_one(rows: Rows) -> None:
    del rows.changes["ada"][3]


def _another_beginning(rows: Rows) -> None:
    rows.changes["ada"][4] = replace(rows.changes["ada"][4], before="RUNNING")


def _another_end(rows: Rows) -> None:
    rows.projects["p"] = "PARTIAL"


def _row_gone(rows: Rows) -> None:
    rows.resources.clear()


@pytest.mark.parametrize("breaks", [_without_one, _another_beginning, _another_end, _row_gone])
def test_a_broken_history_is_found(breaks: Callable[[Rows], None]) -> None:
    rows = _rows()

    breaks(rows)

    assert checks.history_broken(rows)


def test_a_change_that_a_subscriber_missed_is_found() -> None:
    seen = _seen()

    missed = checks.changes_missed("ada", 0, [*seen[:4], *seen[5:]], _changes(), 200)
    twice = checks.changes_missed("ada", 0, [*seen, seen[-1]], _changes(), 200)
    turned = checks.changes_missed("ada", 0, [seen[1], seen[0], *seen[2:]], _changes(), 200)

    assert missed == ["ada: 9 changes, 8 seen: 1 missed, 0 too often"]
    assert twice == ["ada: 9 changes, 10 seen: 0 missed, 1 too often"]
    assert turned == ["ada: 9 changes, 9 seen: 0 missed, 0 too often, in another order"]


def test_a_resync_stands_for_many_changes_only() -> None:
    seen = _seen()
    jumped = [*seen[:2], Seen("RESYNC", 8, 2, None, None, None, None), seen[8]]

    assert checks.changes_missed("ada", 0, jumped, _changes(), 5) == []
    assert checks.changes_missed("ada", 0, jumped, _changes(), 6) == [
        "ada: a RESYNC only 6 changes behind"
    ]


def test_a_subscriber_left_with_an_old_state_is_found() -> None:
    assert len(checks.ends_otherwise("ada", _seen()[:-1], {"p": "RUNNING"})) == 1
    assert len(checks.ends_otherwise("ada", _seen(), {})) == 1


def test_an_orphan_a_doubled_and_a_strange_namespace_are_found() -> None:
    orphan = Thing("PersistentVolumeClaim", "a/home", _OTHER, {})
    second = Thing("Namespace", "/mooring-ada-2", None, {"account": _ACCOUNT})

    found = checks.orphans(_rows(), [*_things(), orphan, second], set())

    assert len(found) == 3


@pytest.mark.parametrize(
    "things",
    [
        _things()[:1],
        [*_things(), Thing("StatefulSet", "a/two", _KEY, {"running": True, **_SPEC})],
        [*_things()[:1], replace(_things()[1], facts={"running": False, **_SPEC}), _things()[2]],
        [*_things()[:1], replace(_things()[1], facts=_things()[1].facts | {"cpu": "2"})],
        [*_things()[:2], Thing("Secret", "a/one-env", _KEY, {"TTYD_USER": "mooring"})],
        [*_things()[:2], replace(_things()[2], ending=True)],
    ],
    ids=["none", "two", "stopped", "another size", "no variable", "ending"],
)
def test_a_workload_that_is_not_what_was_wanted_is_found(things: list[Thing]) -> None:
    assert checks.objects_wrong(_wanted(), _rows(), things)


def test_what_is_held_more_than_before_is_found() -> None:
    assert checks.leaked("api", Counter(run=1), Counter(run=2, other=1)) == [
        "api: 2 of run, and 1 before",
        "api: 1 of other, and 0 before",
    ]


@pytest.mark.parametrize(
    ("found", "held"),
    [
        ({"mooring_api idle": 3}, {"api-1": 2}),
        ({"mooring_api idle in transaction": 1}, {"api-1": 1}),
        ({"mooring_reconciler idle": 30}, {"reconciler-1": 30}),
    ],
)
def test_a_connection_too_many_is_found(found: dict[str, int], held: dict[str, int]) -> None:
    assert len(checks.connections_leaked(Counter(found), held)) == 1


def test_a_clock_that_is_right_where_it_should_be_off_is_found() -> None:
    line = json.dumps({"timestamp": "2026-01-01T01:00:00Z"})
    noon = datetime(2026, 1, 1, tzinfo=UTC).timestamp()

    assert checks.clock_right("r", [line], noon, 3600) == []
    assert checks.clock_right("r", [line], noon + 3600, 3600) == ["the clock of r is off by 0 s"]


@pytest.mark.parametrize(
    "line",
    [
        "Traceback (most recent call last):",
        json.dumps({"level": "error", "event": "a pass failed", "exception": []}),
        json.dumps(
            {"level": "error", "event": "a pass failed", "exception": [{"exc_type": "KeyError"}]}
        ),
    ],
    ids=["no log line", "without a cause", "of ours"],
)
def test_an_error_of_our_own_in_a_log_is_found(line: str) -> None:
    away = json.dumps({"level": "error", "event": "x", "exception": [{"exc_type": "OSError"}]})
    calm = json.dumps({"level": "warning", "event": "a lease is lost"})

    assert len(checks.logged("api", [calm, away, line, line])) == 1
