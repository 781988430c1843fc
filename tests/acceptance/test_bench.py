"""`make bench` runs to its end and prints every figure; what they are is not looked at."""

from __future__ import annotations

import subprocess
import sys

import pytest

_TIMES = {
    f"{what}, {part}"
    for part in ("p50", "p99")
    for what in (
        "mutation: startProject, stopProject",
        "mutation: createProject",
        "commit to subscriber",
        "mutation sent to subscriber",
        "cluster event to subscriber",
    )
}
_RATES = {
    f"{what}: {server}"
    for what in ("list of 20 projects", "one project")
    for server in ("Mooring", "stock Strawberry", "bare route")
}
_CROWDS = {
    f"{crowd}: {what}"
    for crowd in ("1 subscriber", "5 subscribers", "20 subscribers")
    for what in ("commit to the first", "commit to the median", "commit to the last")
} | {"20 subscribers: API memory for each of them", "20 subscribers: API processor for each event"}
_FLEETS = {"20 sandboxes to RUNNING, 1 reconciler", "20 sandboxes to RUNNING, 2 reconcilers"}
_ENGINE = {
    "claim and record, 1 process: bare / ours",
    "claim and record, 2 processes: each row",
    "claim of 32, lane ASKED: beside most / beside fewest",
    "claim of 32, lane CLOCK: beside most / beside fewest",
    "wake-up to first API call, p50",
    "40 settled sandboxes, idle: all of Mooring",
    "40 settled sandboxes, idle: statements",
    "pass over a settled sandbox: statements",
}


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_a_quick_run_prints_every_figure() -> None:
    command = [sys.executable, "-m", "bench", "--quick"]

    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    rows = {line.split("|")[1].strip() for line in ran.stdout.splitlines() if "|" in line}
    assert rows >= _TIMES | _RATES | _CROWDS | _FLEETS | _ENGINE
