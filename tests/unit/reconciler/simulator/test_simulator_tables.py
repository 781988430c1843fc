"""What `kubectl get` shows: ages in words, and cells of objects that say little or much."""

from typing import Any

import pytest

from reconciler.simulator.kinds import KINDS, POD, Kind
from reconciler.simulator.tables import COLUMNS, duration, table

Json = dict[str, Any]
MINUTE, HOUR, DAY, YEAR = 60, 3_600, 86_400, 31_536_000


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0s"),
        (119, "119s"),
        (120, "2m"),
        (9 * MINUTE + 59, "9m59s"),
        (10 * MINUTE + 59, "10m"),
        (3 * HOUR, "3h"),
        (7 * HOUR + 5 * MINUTE, "7h5m"),
        (47 * HOUR, "47h"),
        (7 * DAY + 3 * HOUR, "7d3h"),
        (400 * DAY, "400d"),
        (3 * YEAR + 2 * DAY, "3y2d"),
        (9 * YEAR + 2 * DAY, "9y"),
    ],
)
def test_an_age_has_fewer_units_as_it_grows(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def status_of(status: Json, **metadata: str) -> Any:
    body = {
        "kind": "Pod",
        "metadata": {"name": "box", **metadata},
        "spec": {"containers": [{"name": "a"}]},
        "status": status,
    }
    (row,) = table(POD, body, full=False)["rows"]
    names = [column.name for column in COLUMNS["Pod"]]
    return row["cells"][names.index("Status")]


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ({}, "<unknown>"),
        ({"phase": "Pending"}, "Pending"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        ({"containerStatuses": [{"state": {"waiting": {"reason": "X"}}}]}, "X"),
        ({"initContainerStatuses": [{"state": {"waiting": {"reason": "X"}}}]}, "Init:X"),
        (
            {
                "phase": "Running",
                "initContainerStatuses": [
                    {"state": {"terminated": {"reason": "Completed", "exitCode": 0}}}
                ],
            },
            "Running",
        ),
    ],
)
def test_a_pods_status_is_what_keeps_it_from_running(status: Json, shown: str) -> None:
    assert status_of(status) == shown


def test_a_pod_that_is_deleted_is_terminating() -> None:
    assert status_of({"phase": "Running"}, deletionTimestamp="T") == "Terminating"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_an_object_of_any_kind_that_says_nothing_has_cells(kind: Kind) -> None:
    body: Json = {"metadata": {"name": "x"}, "spec": {"containers": [], "replicas": 1}}

    listed = table(kind, {"kind": f"{kind.kind}List", "metadata": {}, "items": [body]}, full=True)

    (row,) = listed["rows"]
    assert len(row["cells"]) == len(listed["columnDefinitions"])
    assert "x" in row["cells"]
    assert row["object"]["kind"] == kind.kind
