"""What is an orphan, whose it is, and when so many may go."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.db.inventory import Bringing
from reconciler.manifests.identity import INSTALLATION, RESOURCE
from reconciler.manifests.kinds import CLAIM, CLUSTER, POD, SERVICE, STATEFUL_SET, Kind
from reconciler.orphans.own import Away, as_text
from reconciler.orphans.removal import Removed
from reconciler.orphans.report import Report
from reconciler.orphans.rules import (
    Orphan,
    Owner,
    Piece,
    State,
    mark_of,
    orphan_of,
    owner_of,
    piece_of,
    refusal,
)
from reconciler.orphans.survey import Found

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ID = UUID(int=7)
OWNER = Owner(ID, "ada")


def piece(kind: Kind = SERVICE, hours: float = 2, *, going: bool = False, **more: Any) -> Piece:
    made = NOW - timedelta(hours=hours)
    body: dict[str, Any] = {
        "metadata": {
            "name": "shop",
            "namespace": "ada",
            "uid": "u",
            "creationTimestamp": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "labels": {RESOURCE: str(ID), **more.get("labels", {})},
        },
        "spec": more.get("spec", {}),
    }
    if going:
        body["metadata"]["deletionTimestamp"] = "2026-01-31T11:00:00Z"
    return piece_of(kind, body)


def orphan(*pieces: Piece) -> Orphan:
    return orphan_of(OWNER, pieces)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ([piece(hours=2)], State.REMOVABLE),
        ([piece(hours=1)], State.REMOVABLE),
        ([piece(hours=0.99)], State.YOUNG),
        ([piece(hours=9), piece(STATEFUL_SET, hours=0.5)], State.YOUNG),
        ([piece(hours=9), piece(POD, hours=0.1)], State.REMOVABLE),
        ([piece(POD, hours=0.1)], State.YOUNG),
        ([piece(hours=9, going=True)], State.GOING),
        ([piece(hours=9, going=True), piece(CLAIM, hours=9)], State.REMOVABLE),
        # The cluster's clock goes on in whole seconds.
        ([piece(hours=-0.001)], State.YOUNG),
    ],
)
def test_it_may_go_when_the_youngest_of_it_that_lasts_is_past_the_grace_period(
    found: list[Piece], state: State
) -> None:
    assert orphan(*found).state(NOW, HOUR) is state


def test_without_the_clusters_clock_nothing_is_old() -> None:
    assert orphan(piece(hours=1000)).state(None, timedelta()) is State.YOUNG


@pytest.mark.parametrize("said", [None, "", "yesterday", 7])
def test_nor_is_what_does_not_say_when_it_was_made(said: object) -> None:
    meta = {"name": "shop", "uid": "u", "creationTimestamp": said}

    assert orphan(piece_of(SERVICE, {"metadata": meta})).state(NOW, timedelta()) is State.YOUNG


def test_it_is_named_by_its_labels_and_says_what_data_it_holds() -> None:
    labels = {"app.kubernetes.io/name": "sandbox", "app.kubernetes.io/instance": "shop-abcdefgh"}
    asked = {"resources": {"requests": {"storage": "10Gi"}}}

    sandbox = orphan(piece(CLAIM, spec=asked), piece(STATEFUL_SET, labels=labels))
    bare = orphan(piece(CLAIM))
    database = orphan(piece(CLUSTER, labels={"app.kubernetes.io/name": "database"}))

    assert (sandbox.what, sandbox.name, sandbox.disks) == ("Sandbox", "shop-abcdefgh", ["10Gi"])
    assert (bare.what, bare.name, bare.disks) == ("Resource", "shop", ["a volume"])
    assert (database.what, database.disks) == ("Database", ["a database's"])
    assert orphan(piece()).disks == []


def test_an_owner_is_an_id_in_a_namespace() -> None:
    def labelled(label: str) -> dict[str, Any]:
        return {"metadata": {"name": "x", "namespace": "ada", "labels": {RESOURCE: label}}}

    assert owner_of(labelled(str(ID))) == OWNER
    assert owner_of(labelled("somebody")) is None
    assert owner_of({"metadata": {"name": "x"}}) is None


def test_whose_it_is_the_mark_says_and_without_one_the_namespace() -> None:
    ours, other = piece(labels={INSTALLATION: "a"}), piece(labels={INSTALLATION: "b"})

    assert mark_of([piece(), ours], "b") == "a"
    assert mark_of([piece()], "b") == "b"
    assert mark_of([piece()], None) is None
    # Nobody can tell.
    assert mark_of([ours, other], "a") is None


@pytest.mark.parametrize(
    ("going", "managed", "expected", "allowed"),
    [
        (0, 0, None, True),
        (1, 5, None, True),
        (2, 10, None, True),
        (3, 14, None, False),
        (1, 4, None, False),
        (1, 1, None, False),
        (5, 5, 5, True),
        (1, 4, 1, True),
        (1, 100, 2, False),
        (0, 100, 1, False),
        (3, 100, 0, False),
    ],
)
def test_more_than_a_fifth_goes_only_if_its_number_is_told(
    going: int, managed: int, expected: int | None, allowed: bool
) -> None:
    assert (refusal(going, managed, expected) is None) == allowed


def test_no_name_of_a_users_cluster_moves_the_operators_terminal() -> None:
    named = piece(STATEFUL_SET, labels={"app.kubernetes.io/instance": "\x1b[2Jshop\nall is well"})
    found = Found("mark", orphans=[orphan(named)], blind=["\x1b[1A"])
    whose = Bringing(ID, "ada", "https://ada.example", "ada")

    said = as_text([Report(found, HOUR, whose), Away(whose, "no\r\x07")])

    assert not set("\x1b\r\x07") & set(said)
    assert "?[2Jshop?all is well" in said


def test_what_was_removed_before_it_stopped_is_not_denied() -> None:
    gone = Removed(orphan(piece()), ("Service/shop",))
    report = Report(Found("mark"), HOUR, removed=[gone], refused="it took too long")

    assert "Nothing more is removed: it took too long." in report.text()
    assert "Nothing is removed" not in report.text()
