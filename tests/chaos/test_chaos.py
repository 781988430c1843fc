"""The short form of `make chaos`: each process killed once, all connections cut once."""

from __future__ import annotations

import pytest

from tests.chaos.run import Plan, run, told
from tests.chaos.stack import APIS, RECONCILERS

_KILLED = (*APIS, *RECONCILERS, "simulator", "postgres")


@pytest.mark.faults
@pytest.mark.timeout(400)
async def test_all_that_was_asked_for_comes_true_once_though_everything_is_killed() -> None:
    names = ("cut postgres", *(f"kill {name}" for name in _KILLED))
    said: list[str] = []

    report = await run(Plan(8, 10, "short", pace=1.0, away=3.0, names=names), said.append)

    assert report.wrong == [], "\n".join([*said, told(report)])
    assert {one.name for one in report.happened} == set(names)
