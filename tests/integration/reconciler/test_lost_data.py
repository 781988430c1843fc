"""A removed volume comes back empty, and it is said that the data is gone."""

from typing import Any

import pytest
from sqlalchemy import text

from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API
from reconciler.manifests.database import of_cluster
from reconciler.manifests.kinds import CLAIM, CLUSTER, OLD_CLUSTER, STATEFUL_SET
from tests.integration.reconciler.stage import Stage
from tests.integration.reconciler.test_database_failures import database_of
from tests.integration.reconciler.test_loop import OURS, want
from tests.integration.world import becomes

KEPT: dict[str, Any] = {"starting_deadline": 60, "database_starting_deadline": 60, "recheck": 0.3}


async def told(stage: Stage) -> list[str]:
    """The messages of all lines of history that say that data is gone."""
    said = text("SELECT message FROM change WHERE reason = 'DataLost' ORDER BY seq")
    async with stage.database.read(API) as connection:
        return list((await connection.execute(said)).scalars())


@pytest.mark.parametrize(
    "by", ["claim", pytest.param("workload", marks=pytest.mark.faults)], ids=str
)
async def test_a_sandbox_whose_volume_was_removed_says_so_until_it_is_started_again(
    stage: Stage, by: str
) -> None:
    async with stage.running(**KEPT) as loop:
        viewer, project = await stage.project()
        await stage.shows("RUNNING")
        assert await told(stage) == []
        if by == "claim":
            # In use it stays until its pod has gone.
            await want(stage.database, viewer, project, DesiredState.STOPPED)
            loop.wake()
            await stage.shows("STOPPED")
        for kind in (CLAIM,) if by == "claim" else (STATEFUL_SET,):
            for body in await stage.cluster.list_all(kind, "mooring", OURS):
                await stage.cluster.delete(kind, body)
        if by == "claim":
            await want(stage.database, viewer, project, DesiredState.RUNNING)
            loop.wake()
        lost = await stage.shows("RUNNING", Reason.DATA_LOST)
        await looked(stage, looks=2)
        still = await stage.shows("RUNNING", Reason.DATA_LOST)
        await want(stage.database, viewer, project, DesiredState.STOPPED)
        loop.wake()
        await stage.shows("STOPPED")
        await want(stage.database, viewer, project, DesiredState.RUNNING)
        loop.wake()
        await stage.shows("RUNNING")

    assert "gone" in (lost.message or "")
    assert (lost.object or "").startswith("PersistentVolumeClaim/home-")
    assert still.object == lost.object
    assert len(await told(stage)) == 1


@pytest.mark.faults
async def test_it_says_so_again_after_whatever_else_was_the_matter_with_it(stage: Stage) -> None:
    async with stage.running(**KEPT):
        await stage.project()
        await stage.shows("RUNNING")
        for body in await stage.cluster.list_all(STATEFUL_SET, "mooring", OURS):
            await stage.cluster.delete(STATEFUL_SET, body)
        lost = await stage.shows("RUNNING", Reason.DATA_LOST)
        async with stage.faulty({"fault": "CrashLoopBackOff", "name": "mooring/*"}):
            await stage.shows("STARTING", Reason.CRASH_LOOP)
        again = await stage.shows("RUNNING", Reason.DATA_LOST)
        async with stage.faulty({"fault": "Answer", "code": 503, "kind": "StatefulSet"}):
            await stage.shows("RUNNING", Reason.CLUSTER_UNAVAILABLE)
        still = await stage.shows("RUNNING", Reason.DATA_LOST)

    assert lost.object == again.object == still.object


@pytest.mark.faults
async def test_a_stop_and_a_start_lose_nothing(stage: Stage) -> None:
    async with stage.running(**KEPT) as loop:
        viewer, project = await stage.project()
        await stage.shows("RUNNING")
        for desired in (DesiredState.STOPPED, DesiredState.RUNNING):
            await want(stage.database, viewer, project, desired)
            loop.wake()
            await stage.shows(desired)

    assert await told(stage) == []


@pytest.mark.faults
@pytest.mark.parametrize("kubeblocks", ["1.0", "0.8"])
async def test_a_database_that_was_removed_comes_back_empty_and_says_so(
    stage: Stage, kubeblocks: str
) -> None:
    kind = CLUSTER if kubeblocks == "1.0" else OLD_CLUSTER

    async with stage.running(**KEPT):
        await database_of(stage)
        await stage.shows("RUNNING")
        [body] = await stage.cluster.list_all(kind, "mooring", OURS)
        await stage.cluster.delete(kind, body)
        lost = await stage.shows("RUNNING", Reason.DATA_LOST)
        volumes = await stage.cluster.list_all(CLAIM, "mooring", of_cluster(named(body)))

    assert len(volumes) == 1
    assert (lost.object or "").startswith("PersistentVolumeClaim/data-")
    assert len(await told(stage)) == 1
    assert await healed(stage) == [
        f"Cluster/{named(body)} was removed by somebody and is made again."
    ]


def named(body: dict[str, dict[str, str]]) -> str:
    return body["metadata"]["name"]


async def healed(stage: Stage) -> list[str]:
    said = text("SELECT message FROM change WHERE reason = 'DriftHealed' ORDER BY seq")
    async with stage.database.read(API) as connection:
        return list((await connection.execute(said)).scalars())


async def looked(stage: Stage, looks: int) -> None:
    """Wait for so many more looks."""

    async def claims() -> int:
        async with stage.database.read(API) as connection:
            found = await connection.execute(text("SELECT claims FROM resource"))
            return int(found.scalar_one())

    wanted = await claims() + looks

    async def done() -> bool:
        return await claims() >= wanted

    await becomes(done)
