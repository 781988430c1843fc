"""A sandbox and a database of one project, which wait for one another."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API
from app.services import projects
from app.services.projects import NewProject
from reconciler.loop import Loop
from reconciler.manifests.kinds import POD, SECRET
from tests.kubernetes.stage import Project, Stage, until
from tests.kubernetes.test_database_reasons import begun, fakes, fault

HOLD = "test.mooring.dev/hold"
Shown = tuple[str, Reason | None]


@dataclass
class Siblings:
    """One database and one sandbox, in this order everywhere."""

    stage: Stage
    database: Project
    sandbox: Project

    async def show(self, *wanted: Shown) -> None:
        """Wait until both have these statuses and reasons."""
        last: list[Shown] = []

        async def same() -> bool:
            nonlocal last
            async with self.stage.database.read(API) as connection:
                rows = await connection.execute(
                    text("SELECT status, reason FROM resource ORDER BY id")
                )
                last = [(row.status, row.reason) for row in rows]
            return last == list(wanted)

        try:
            await until(same)
        except TimeoutError:
            pytest.fail(f"not {wanted}, but {last}")

    async def are_looked_at(self, loop: Loop) -> None:
        """As retryProject does."""
        async with self.stage.database.begin(self.sandbox.viewer) as session:
            await projects.retry(session, self.sandbox.viewer, self.sandbox.id)
        loop.wake()

    async def environment(self) -> set[str]:
        """The variables of the sandbox."""
        secret = await self.stage.place.get(SECRET, f"{self.sandbox.name}-env")
        return set(secret["data"]) if secret else set()


async def siblings(stage: Stage) -> Siblings:
    """A new project with both."""
    database, sandbox = await stage.made(NewProject("shop"))
    return Siblings(stage, database, sandbox)


async def test_a_sandbox_waits_for_its_database_then_starts_without_and_with_it_again(
    stage: Stage,
) -> None:
    kind = stage.place.plane.needs_kubeblocks()
    await fakes(stage)
    both = await siblings(stage)
    await begun(stage, kind, both.database, "Ignored")
    slow: dict[str, Any] = {
        "starting_deadline": 3600,
        "database_starting_deadline": 3600,
        "operator_silence": 3600,
    }

    async with stage.running(siblings_wait=3600, **slow):
        await both.show(("STARTING", None), ("CREATING", Reason.WAITING_FOR_DATABASE))
    async with stage.running(siblings_wait=0.1, **slow) as loop:
        await both.are_looked_at(loop)
        await both.show(("STARTING", None), ("RUNNING", Reason.STARTED_WITHOUT_DATABASE))
        without = await both.environment()
        await stage.place.patch(kind, both.database.name, fault(None))
        await both.show(("RUNNING", None), ("RUNNING", None))
        given = await both.environment()

    assert "DATABASE_URL" not in without
    assert given - without >= {"DATABASE_URL", "PGHOST", "PGPASSWORD"}


async def test_a_database_stops_after_its_sandboxes(stage: Stage) -> None:
    stage.place.plane.needs_kubeblocks()
    both = await siblings(stage)
    patient: dict[str, Any] = {"stopping_deadline": 3600, "database_stopping_deadline": 3600}

    async with stage.running(**patient) as loop:
        await both.show(("RUNNING", None), ("RUNNING", None))
        [pod] = await stage.pods(both.sandbox)
        name = pod["metadata"]["name"]
        await stage.place.patch(POD, name, {"metadata": {"finalizers": [HOLD]}})
        await stage.want(both.sandbox, DesiredState.STOPPED, loop)
        await both.show(("STOPPING", Reason.WAITING_FOR_SANDBOXES), ("STOPPING", None))
        await stage.place.patch(POD, name, {"metadata": {"finalizers": []}})
        await both.show(("STOPPED", None), ("STOPPED", None))
