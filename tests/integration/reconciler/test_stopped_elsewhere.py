"""A database that somebody stops in the cluster is reported, or started again: as is set."""

from typing import Any

import pytest
from sqlalchemy import text

from app.db.databases import DATABASES
from app.db.session import Database
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API, Viewer
from app.services import projects
from app.services import resources as verbs
from reconciler.manifests.database import component, is_told_to_stop
from reconciler.manifests.kinds import CLUSTER, OLD_CLUSTER, OLD_OPS_REQUEST, Kind, Object
from tests.integration.reconciler.stage import Stage, explains
from tests.integration.reconciler.test_database_failures import database_of
from tests.integration.reconciler.test_loop import OURS, want
from tests.integration.reconciler.test_lost_data import looked
from tests.integration.world import becomes

DIALECTS = pytest.mark.parametrize(
    "kubeblocks", ["1.0", *(pytest.param(one, marks=pytest.mark.faults) for one in ("0.9", "0.8"))]
)
KEPT: dict[str, Any] = {
    "database_starting_deadline": 60,
    "database_stopping_deadline": 60,
    "recheck": 0.3,
}


def kind_of(kubeblocks: str) -> Kind:
    return CLUSTER if kubeblocks == "1.0" else OLD_CLUSTER


async def live(stage: Stage, kubeblocks: str) -> Object:
    [body] = await stage.cluster.list_all(kind_of(kubeblocks), "mooring", OURS)
    return body


async def stopped_by_somebody(stage: Stage, kubeblocks: str) -> None:
    """As `kbcli cluster stop` does, or Sealos where a bill is unpaid."""
    body = await live(stage, kubeblocks)
    if kubeblocks == "1.0":
        spec = {"componentSpecs": [component(body) | {"stop": True}]}
        await stage.cluster.patch(CLUSTER, body, {"spec": spec})
        return
    name = body["metadata"]["name"]
    request = {
        "apiVersion": OLD_OPS_REQUEST.api_version,
        "kind": "OpsRequest",
        "metadata": {"name": f"stop-{name}", "namespace": "mooring"},
        "spec": {"clusterRef": name, "type": "Stop"},
    }
    await stage.call("POST", OLD_OPS_REQUEST.path("mooring"), request)


async def started_by_somebody(stage: Stage) -> None:
    body = await live(stage, "1.0")
    spec = {"componentSpecs": [component(body) | {"stop": False}]}
    await stage.cluster.patch(CLUSTER, body, {"spec": spec})


@DIALECTS
@pytest.mark.parametrize(
    "by", ["start", *(pytest.param(one, marks=pytest.mark.faults) for one in ("retry", "project"))]
)
async def test_it_is_reported_and_left_alone_until_its_user_starts_it(
    stage: Stage, kubeblocks: str, by: str
) -> None:
    async with stage.running(**KEPT) as loop:
        viewer, project = await database_of(stage)
        await stage.shows("RUNNING")
        await stopped_by_somebody(stage, kubeblocks)
        found = await stage.shows("ERROR", Reason.STOPPED_ELSEWHERE)
        left = await live(stage, kubeblocks)
        if by == "start":
            await want(stage.database, viewer, project, DesiredState.RUNNING)
        async with stage.database.begin(viewer) as session:
            [row] = await DATABASES.of_projects(session, viewer, [project])
            if by == "retry":
                row = await verbs.retry(session, viewer, DATABASES, row.id)
            elif by == "project":
                await projects.retry(session, viewer, project)
        loop.wake()
        await stage.shows("RUNNING")
        again = await live(stage, kubeblocks)

    explains(found, "not Mooring", "Cluster/")
    assert is_told_to_stop(left)
    assert not is_told_to_stop(again)
    assert await lines(stage.database, viewer, "DriftHealed") == 0


@pytest.mark.faults
async def test_a_cluster_that_does_not_answer_for_a_while_is_no_reason_to_start_it(
    stage: Stage,
) -> None:
    async with stage.running(**KEPT):
        await database_of(stage)
        await stage.shows("RUNNING")
        await stopped_by_somebody(stage, "1.0")
        before = await stage.shows("ERROR", Reason.STOPPED_ELSEWHERE)
        async with stage.faulty({"fault": "Answer", "code": 503, "kind": "Cluster"}):
            await looked(stage, looks=2)
            unseen = await stage.shows("ERROR", Reason.STOPPED_ELSEWHERE)
        await looked(stage, looks=2)
        after = await stage.shows("ERROR", Reason.STOPPED_ELSEWHERE)
        left = await live(stage, "1.0")

    assert is_told_to_stop(left)
    assert before.since == unseen.since == after.since
    assert unseen.message is not None
    assert after.message is not None
    assert unseen.message.partition(" Since then no look")[0].startswith("Somebody has stopped it")
    assert "ClusterUnavailable: " in unseen.message
    assert unseen.attempts > before.attempts
    assert "ClusterUnavailable" not in after.message


@pytest.mark.faults
async def test_one_that_comes_between_a_look_and_its_write_is_not_undone(stage: Stage) -> None:
    async def is_writing() -> bool:
        return not await stage.call("GET", "/simulator/faults")

    async with stage.running(**KEPT):
        await database_of(stage)
        await stage.shows("RUNNING")
        once = {"fault": "Hang", "verbs": ["patch"], "kind": "Cluster", "times": 1}
        async with stage.faulty(once):
            await becomes(is_writing)
            await stopped_by_somebody(stage, "1.0")
        await stage.shows("ERROR", Reason.STOPPED_ELSEWHERE)


@pytest.mark.faults
async def test_it_heals_by_itself_when_it_is_started_again(stage: Stage) -> None:
    async with stage.running(**KEPT):
        await database_of(stage)
        await stage.shows("RUNNING")
        await stopped_by_somebody(stage, "1.0")
        await stage.shows("ERROR", Reason.STOPPED_ELSEWHERE)
        await started_by_somebody(stage)
        await stage.shows("RUNNING")


@pytest.mark.faults
@DIALECTS
async def test_where_it_is_set_so_it_is_started_again_and_history_says_so(
    stage: Stage, kubeblocks: str
) -> None:
    async with stage.running(**KEPT, database_stopped_elsewhere="heal"):
        viewer, _ = await database_of(stage)
        await stage.shows("RUNNING")
        await stopped_by_somebody(stage, kubeblocks)

        async def said() -> bool:
            return await lines(stage.database, viewer, "DriftHealed") > 0

        await becomes(said)
        await stage.shows("RUNNING")

    assert await lines(stage.database, viewer, "DriftHealed") == 1
    assert await lines(stage.database, viewer, "StoppedElsewhere") == 0


@pytest.mark.faults
async def test_a_stop_of_its_user_is_not_somebody_elses(stage: Stage) -> None:
    async with stage.running(**KEPT) as loop:
        viewer, project = await database_of(stage)
        for desired in (DesiredState.STOPPED, DesiredState.RUNNING):
            await want(stage.database, viewer, project, desired)
            loop.wake()
            await stage.shows(desired)

    assert await lines(stage.database, viewer, "StoppedElsewhere") == 0


async def lines(database: Database, viewer: Viewer, reason: str) -> int:
    """How many lines of history have this reason."""
    said = text("SELECT count(*) FROM change WHERE reason = :reason")
    async with database.read(API) as connection:
        return int((await connection.execute(said, {"reason": reason})).scalar_one())
