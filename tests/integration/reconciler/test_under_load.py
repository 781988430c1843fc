"""Each reason of the core is produced and heals while a crowd of others is started and stopped."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.db.session import Database
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API, Viewer
from tests.integration.reconciler.stage import Json, Stage
from tests.integration.reconciler.test_failures import FAULTS, Fault
from tests.integration.reconciler.test_loop import want
from tests.integration.world import becomes, project_of, viewer_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

USERS, PROJECTS = 4, 40
SHOWN = text("SELECT project_id, status, reason FROM resource")
NAMES = text("SELECT project_id, k8s_name FROM resource JOIN sandbox USING (id)")
# What the whole cluster answers, whoever asks.
EVERYWHERE = [
    fault
    for fault in FAULTS
    if fault.rule["fault"] == "Hang"
    or (fault.rule.keys() <= {"fault", "code", "retryAfter"} and fault.rule["fault"] == "Answer")
]
ON_ONE = [fault for fault in FAULTS if fault not in EVERYWHERE]
PATIENT: dict[str, Any] = {"starting_deadline": 4.0, "stopping_deadline": 4.0, "slots": 64}


@pytest_asyncio.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """As many connections as a crowd needs: the pool lets nobody wait for long."""
    opened = Database(url, pool=40)
    yield opened
    await opened.close()


async def test_reasons_of_one_resource_are_told_and_heal_in_a_crowd(stage: Stage) -> None:
    async with crowd(stage):
        viewer = await viewer_of(stage.database, "mallory")
        targets = {
            await project_of(stage.database, viewer, f"t{number}"): fault
            for number, fault in enumerate(ON_ONE)
        }
        names = await named(stage)
        rules = [on(fault.rule, names[project]) for project, fault in targets.items()]
        async with stage.faulty(*rules), stage.running(**PATIENT):
            wanted = {project: ("ERROR", fault.reason) for project, fault in targets.items()}
            await shows(stage, wanted)
            await stage.call("DELETE", "/simulator/faults")
            await shows(stage, dict.fromkeys(targets, ("RUNNING", None)))


@pytest.mark.parametrize("fault", EVERYWHERE, ids=str)
async def test_reasons_of_the_cluster_are_told_and_heal_in_a_crowd(
    stage: Stage, fault: Fault
) -> None:
    async with crowd(stage) as quiet, stage.running(**PATIENT):
        viewer = await viewer_of(stage.database, "mallory")
        async with stage.faulty(fault.rule):
            target = await project_of(stage.database, viewer)
            await shows(stage, {target: ("ERROR", fault.reason)})
        await shows(stage, {target: ("RUNNING", None)})
        await quiet()
        await becomes(lambda: converged(stage))


@asynccontextmanager
async def crowd(stage: Stage) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Others whose users start and stop them all the time; what is yielded ends that."""
    theirs: list[tuple[Viewer, UUID]] = []
    for number in range(USERS):
        viewer = await viewer_of(stage.database, f"user{number}")
        made = [await project_of(stage.database, viewer, f"p{n}") for n in range(PROJECTS)]
        theirs += [(viewer, project) for project in made]
    chosen = random.Random(7)
    over = asyncio.Event()

    async def churn() -> None:
        while not over.is_set():
            viewer, project = chosen.choice(theirs)
            desired = chosen.choice((DesiredState.RUNNING, DesiredState.STOPPED))
            await want(stage.database, viewer, project, desired)
            # As many intents as a busy installation has, not as many as there can be.
            await asyncio.sleep(0.02)

    task = asyncio.create_task(churn())

    async def quiet() -> None:
        over.set()
        await task

    try:
        yield quiet
    finally:
        await quiet()


async def shows(stage: Stage, wanted: Mapping[UUID, tuple[str, Reason | None]]) -> None:
    """Wait until each of these projects' one resource has shown status and reason once."""
    left = dict(wanted)

    async def all_seen() -> bool:
        async with stage.database.read(API) as connection:
            for row in await connection.execute(SHOWN):
                if left.get(row.project_id) == (row.status, row.reason):
                    del left[row.project_id]
        return not left

    try:
        await becomes(all_seen)
    except TimeoutError:
        pytest.fail(f"never seen: {left.values()}")


async def converged(stage: Stage) -> bool:
    bad = text(
        "SELECT count(*) FROM resource WHERE status <> desired_state OR reason IS NOT NULL"
        " OR observed_generation <> generation"
    )
    async with stage.database.read(API) as connection:
        return int((await connection.execute(bad)).scalar_one()) == 0


async def named(stage: Stage) -> dict[UUID, str]:
    async with stage.database.read(API) as connection:
        return {row.project_id: row.k8s_name for row in await connection.execute(NAMES)}


def on(rule: Json, name: str) -> Json:
    """The rule, on the objects of one sandbox alone."""
    claim = "home-" if rule["fault"] == "Unbound" else ""
    return {**rule, "name": f"mooring/{claim}{name}*"}
