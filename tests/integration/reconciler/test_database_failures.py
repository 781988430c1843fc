"""Databases that fail are explained and heal: each fault, through the row that users see."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db.databases import DATABASES
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import Viewer
from app.services import projects
from app.services.databases import NewDatabase, release
from app.services.projects import NewProject
from tests.integration.reconciler.stage import Json, Stage, explains
from tests.integration.reconciler.test_loop import want
from tests.integration.world import MAKERS, viewer_of

pytestmark = pytest.mark.faults


async def database_of(stage: Stage) -> tuple[Viewer, UUID]:
    """A new project with one database, and whose it is."""
    viewer = await viewer_of(stage.database)
    only = NewProject("shop", sandboxes=(), databases=(NewDatabase("db"),))
    async with stage.database.begin(viewer) as session:
        return viewer, (await projects.create(session, viewer, MAKERS, only)).id


@dataclass(frozen=True)
class Fault:
    """A rule of the simulator; reason, part of the message and begin of the object it ends in."""

    rule: Json
    reason: Reason
    said: str
    culprit: str = "Cluster/"


FAULTS = [
    Fault(
        {"fault": "DatabaseFailed", "kind": "Cluster", "message": "disk full"},
        Reason.DATABASE_FAILED,
        "disk full",
    ),
    Fault(
        {"fault": "CrashLoopBackOff", "name": "mooring/*-postgresql-0", "every": 0.05},
        Reason.DATABASE_FAILED,
        "CrashLoopBackOff",
    ),
    Fault({"fault": "DatabaseStuckCreating", "kind": "Cluster"}, Reason.STARTING_TOO_LONG, "", ""),
    Fault(
        {"fault": "OperatorAbsent", "kind": "Cluster"}, Reason.OPERATOR_NOT_RUNNING, "KubeBlocks"
    ),
    Fault(
        {"fault": "NotInstalled", "group": "*.kubeblocks.io"},
        Reason.OPERATOR_MISSING,
        "not installed",
        "",
    ),
    Fault({"fault": "Answer", "code": 503}, Reason.CLUSTER_UNAVAILABLE, "unable to handle", ""),
    Fault({"fault": "Answer", "code": 401}, Reason.CREDENTIAL_REJECTED, "Unauthorized", ""),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.reason + fault.rule["fault"])
async def test_a_start_that_fails_is_explained_and_heals_by_itself(
    stage: Stage, fault: Fault
) -> None:
    async with stage.running():
        async with stage.faulty(fault.rule):
            await database_of(stage)
            failed = await stage.shows("ERROR", fault.reason)
        healed = await stage.shows("RUNNING")

    explains(failed, fault.said, fault.culprit)
    assert (healed.message, healed.object, healed.attempts) == (None, None, 0)


async def test_a_database_that_fails_later_says_so_and_comes_back(stage: Stage) -> None:
    rule = {"fault": "DatabaseFailed", "kind": "Cluster", "message": "primary is gone"}

    async with stage.running():
        await database_of(stage)
        await stage.shows("RUNNING")
        async with stage.faulty(rule):
            failed = await stage.shows("ERROR", Reason.DATABASE_FAILED)
        await stage.shows("RUNNING")

    explains(failed, "primary is gone", "Cluster/")


async def test_a_deletion_that_its_operator_does_not_finish_names_the_finalizer(
    stage: Stage,
) -> None:
    async with stage.running():
        viewer, project = await database_of(stage)
        await stage.shows("RUNNING")
        async with stage.faulty({"fault": "OperatorStuck", "kind": "Cluster"}):
            await want(stage.database, viewer, project, DesiredState.DELETED)
            blocked = await stage.shows("ERROR", Reason.DELETE_BLOCKED)
        await stage.gone()

    explains(blocked, "cluster.kubeblocks.io/finalizer", "Cluster/")


@pytest.mark.parametrize("kubeblocks", ["1.0", "0.8"])
async def test_what_holds_a_deletion_is_taken_off_by_an_order_alone(
    stage: Stage, kubeblocks: str
) -> None:
    async with stage.running() as loop:
        viewer, project = await database_of(stage)
        await stage.shows("RUNNING")
        async with stage.faulty({"fault": "OperatorStuck", "kind": "Cluster"}):
            await want(stage.database, viewer, project, DesiredState.DELETED)
            await stage.shows("ERROR", Reason.DELETE_BLOCKED)
            async with stage.database.begin(viewer) as session:
                [row] = await DATABASES.of_projects(session, viewer, [project])
                await release(session, viewer, DATABASES, row.id)
            loop.wake()
            await stage.gone()

    async with stage.database.read(viewer) as connection:
        statement = text("SELECT message FROM change WHERE action = 'database.release'")
        said = (await connection.execute(statement)).scalar_one()
    assert "cluster.kubeblocks.io/finalizer" in said


async def test_a_new_intent_leaves_the_error_at_once(stage: Stage) -> None:
    async with stage.running():
        viewer, project = await database_of(stage)
        await stage.shows("RUNNING")
        async with stage.faulty({"fault": "DatabaseFailed", "kind": "Cluster"}):
            await stage.shows("ERROR", Reason.DATABASE_FAILED)
            await want(stage.database, viewer, project, DesiredState.STOPPED)
            shown = await stage.shown()
        await stage.shows("STOPPED")

    assert shown is not None
    assert shown.status == "STOPPING"


@pytest.mark.parametrize("kubeblocks", ["1.0", "0.9", "0.8"])
async def test_a_stop_that_nobody_carries_out_is_told_and_heals(
    stage: Stage, kubeblocks: str
) -> None:
    async with stage.running():
        viewer, project = await database_of(stage)
        await stage.shows("RUNNING")
        async with stage.faulty({"fault": "OperatorAbsent", "kind": "Cluster"}):
            await want(stage.database, viewer, project, DesiredState.STOPPED)
            failed = await stage.shows("ERROR", Reason.OPERATOR_NOT_RUNNING)
        await stage.shows("STOPPED")

    explains(failed, "does KubeBlocks run", "Cluster/")


@pytest.mark.parametrize("kubeblocks", ["0.9", "0.8"])
@pytest.mark.parametrize("fault", FAULTS[:4], ids=lambda fault: fault.rule["fault"])
async def test_of_an_older_kubeblocks_it_is_explained_too(
    stage: Stage, kubeblocks: str, fault: Fault
) -> None:
    async with stage.running():
        async with stage.faulty(fault.rule):
            await database_of(stage)
            failed = await stage.shows("ERROR", fault.reason)
        await stage.shows("RUNNING")

    explains(failed, fault.said, fault.culprit)
