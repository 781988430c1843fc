"""What comes up and goes down again and again, through the rows and the changes that users see."""

from typing import Any

import pytest
from sqlalchemy import text

from app.domain.reasons import Reason
from app.domain.viewer import API
from tests.integration.reconciler.stage import Json, Stage
from tests.integration.reconciler.test_database_failures import database_of
from tests.integration.world import becomes

pytestmark = pytest.mark.faults

FLIPS = 12


async def flips(stage: Stage, rule: Json) -> None:
    """It comes up and goes down, and each is seen by a look."""
    up = text("SELECT up_since IS NOT NULL FROM resource")

    async def sees(holds: bool) -> None:
        async def same() -> bool:
            async with stage.database.read(API) as connection:
                return bool((await connection.execute(up)).scalar_one()) is holds

        await becomes(same)

    await sees(True)
    for _ in range(FLIPS):
        async with stage.faulty(rule):
            await sees(False)
        await sees(True)


async def changes(stage: Stage) -> int:
    """How many lines its history has, which are the events that each subscriber gets."""
    async with stage.database.read(API) as connection:
        found = await connection.execute(text("SELECT count(*) FROM change"))
        return int(found.scalar_one())


@pytest.mark.parametrize("kind", ["sandbox", "database"])
async def test_flips_are_damped_said_and_heal_by_themselves(stage: Stage, kind: str) -> None:
    damped: dict[str, Any] = {"flapping_after": 2, "flapping_window": 30, "flapping_hold": 0.5}
    long: dict[str, Any] = {"starting_deadline": 3600, "database_starting_deadline": 3600}

    async with stage.running(**damped, **long):
        if kind == "sandbox":
            await stage.project()
            rule: Json = {"fault": "CrashLoopBackOff", "exitCode": 3, "every": 0.05}
        else:
            await database_of(stage)
            rule = {"fault": "DatabaseFailed", "kind": "Cluster", "message": "primary is gone"}
        await stage.shows("RUNNING")
        before = await changes(stage)
        await flips(stage, rule)
        flapping = await stage.shows("STARTING", Reason.FLAPPING)
        told = await changes(stage) - before
        await stage.shows("RUNNING")

    assert f"{FLIPS} times in" in (flapping.message or "")
    # For each of the first falls down and up, with the project's own; then Flapping alone.
    assert told <= 2 * 2 * 2 + 4
