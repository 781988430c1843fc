"""Within a project, whatever fails: how long one resource can hold up another.

Databases start before sandboxes and stop after them, for no longer than `siblings_wait`; a deletion
waits for nobody. No deadline is near here, so that it is the bound that frees the other, and not
that the first one has failed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from app.db.claims import Claim
from app.domain.observation import Outcome
from app.domain.states import DesiredState
from app.domain.viewer import API
from app.services.projects import NewProject
from app.settings import Settings
from tests.integration.reconciler.stage import Json, Stage
from tests.integration.reconciler.test_crashes import Workers
from tests.integration.reconciler.test_databases import make, want
from tests.integration.reconciler.test_failures import QUOTA
from tests.integration.reconciler.working import resources_of
from tests.integration.world import becomes, viewer_of

FAR: dict[str, Any] = {
    "starting_deadline": 3600,
    "stopping_deadline": 3600,
    "terminating_deadline": 3600,
    "database_starting_deadline": 3600,
    "database_stopping_deadline": 3600,
}


@dataclass(frozen=True)
class Failure:
    """Of the resource `of`, by a rule of the simulator (none: its worker dies at each look).

    `on`: what the rule is on, after the resource's name in the cluster, with wildcards. `late`: it
    comes when both run.
    """

    of: str
    word: str
    rule: Json | None = None
    on: str | None = None
    late: bool = False

    @property
    def other(self) -> str:
        return {"app": "db", "db": "app"}[self.of]

    def __str__(self) -> str:
        return f"{self.of}: {self.word}"


FAILURES = [
    Failure("app", "image pull", {"fault": "ImagePullBackOff", "every": 0.2}, on="-0"),
    Failure(
        "app",
        "quota",
        {
            "fault": "Answer",
            "verbs": ["patch"],
            "code": 403,
            "message": QUOTA,
            "kind": "StatefulSet",
        },
    ),
    Failure("app", "unreachable", {"fault": "Answer", "code": 503}, on="*"),
    Failure("app", "no answer", {"fault": "Hang"}, on="*"),
    Failure("app", "crashed worker"),
    Failure("app", "hung stop", {"fault": "StuckTerminating"}, on="-0", late=True),
    Failure("db", "never up", {"fault": "DatabaseStuckCreating", "kind": "Cluster"}),
    Failure("db", "failed", {"fault": "DatabaseFailed", "kind": "Cluster", "message": "x"}),
    Failure("db", "unreachable", {"fault": "Answer", "code": 503}, on="*"),
    Failure("db", "no answer", {"fault": "Hang"}, on="*"),
    Failure("db", "crashed worker"),
    Failure("db", "hung stop", {"fault": "OperatorStuck", "kind": "Cluster"}, late=True),
]


async def shows(stage: Stage, name: str, status: str | None) -> None:
    """Wait until the resource `name` has this status; None: until it is gone."""
    query = text("SELECT status FROM resource WHERE name = :name")
    seen: list[str | None] = []

    async def same() -> bool:
        async with stage.database.read(API) as connection:
            seen[:] = [(await connection.execute(query, {"name": name})).scalar_one_or_none()]
        return seen == [status]

    try:
        await becomes(same)
    except TimeoutError:
        pytest.fail(f"{name} is not {status} but {seen}")


@asynccontextmanager
async def failing(stage: Stage, failure: Failure) -> AsyncIterator[None]:
    """The failure is there for the block."""
    if failure.rule is None:
        yield
        return
    rule = dict(failure.rule)
    if failure.on is not None:
        table = {"app": "sandbox", "db": "database"}[failure.of]
        async with stage.database.read(API) as connection:
            found = await connection.execute(text(f"SELECT k8s_name FROM {table}"))
        rule["name"] = f"mooring/{found.scalar_one()}{failure.on}"
    async with stage.faulty(rule):
        yield


@asynccontextmanager
async def working(stage: Stage, failure: Failure, siblings_wait: float) -> AsyncIterator[None]:
    """A reconciler for the block, or one after the other."""
    if failure.rule is not None:
        async with stage.running(**FAR, siblings_wait=siblings_wait):
            yield
        return
    quick = {"poll": 0.1, "lease": 1.0, "lease_margin": 0.2, "retry_longest": 1.0}
    settings = Settings(**(FAR | quick), siblings_wait=siblings_wait)
    passing = resources_of(stage.database, stage.cluster, settings)

    async def reconcile(claim: Claim) -> Outcome | None:
        if claim.name == failure.of:
            await workers.die()
        return await passing.reconcile(claim)

    workers = Workers(stage.database, reconcile, settings)
    async with workers.working():
        yield


@pytest.mark.faults
@pytest.mark.parametrize("failure", FAILURES, ids=str)
async def test_a_start_and_a_stop_are_held_up_for_no_longer_than_the_bound(
    stage: Stage, failure: Failure
) -> None:
    viewer = await viewer_of(stage.database)
    project = await make(stage.database, viewer, NewProject("shop"))

    async with working(stage, failure, siblings_wait=0.5):
        if failure.late:
            await shows(stage, failure.of, "RUNNING")
            await shows(stage, failure.other, "RUNNING")
        async with failing(stage, failure):
            await shows(stage, failure.other, "RUNNING")
            await want(stage.database, viewer, project, DesiredState.STOPPED)
            await shows(stage, failure.other, "STOPPED")
            await want(stage.database, viewer, project, DesiredState.RUNNING)
            await shows(stage, failure.other, "RUNNING")


@pytest.mark.faults
@pytest.mark.parametrize("failure", FAILURES, ids=str)
async def test_a_deletion_is_held_up_for_no_time(stage: Stage, failure: Failure) -> None:
    viewer = await viewer_of(stage.database)
    project = await make(stage.database, viewer, NewProject("shop"))

    if failure.late:
        async with working(stage, failure, siblings_wait=3600):
            await shows(stage, failure.of, "RUNNING")
            await shows(stage, failure.other, "RUNNING")
    async with working(stage, failure, siblings_wait=3600), failing(stage, failure):
        await want(stage.database, viewer, project, DesiredState.DELETED)
        await shows(stage, failure.other, None)
