"""Why a database is not as wanted, in the dialect of KubeBlocks that the plane serves."""

from dataclasses import dataclass

import pytest

from app.domain.reasons import Reason
from app.domain.states import DesiredState
from reconciler.manifests.identity import RESOURCE
from reconciler.manifests.kinds import POD, SECRET, Kind
from tests.integration.reconciler.stage import explains
from tests.kubernetes.plane import Json
from tests.kubernetes.stage import FAULT, Project, Stage

FINALIZER = "cluster.kubeblocks.io/finalizer"


def fault(text: str | None) -> Json:
    """An annotation that the fake operator looks at."""
    return {"metadata": {"annotations": {FAULT: text}}}


async def test_one_that_fails_says_so_and_comes_back(stage: Stage) -> None:
    kind = stage.place.plane.needs_kubeblocks()

    async with stage.running():
        project = await stage.postgres()
        await stage.shows("RUNNING")
        await needs_fake_operator(stage, project)
        await stage.place.patch(kind, project.name, fault("Failed:disk full"))
        failed = await stage.shows("ERROR", Reason.DATABASE_FAILED)
        await stage.place.patch(kind, project.name, fault(None))
        await stage.shows("RUNNING")

    explains(failed, "disk full", f"Cluster/{project.name}")


async def test_one_whose_pod_crashes_says_so_and_comes_back(stage: Stage) -> None:
    stage.place.plane.needs_kubeblocks()

    async with stage.running():
        project = await stage.postgres()
        await stage.shows("RUNNING")
        [pod] = await needs_fake_operator(stage, project)
        await stage.place.patch(POD, pod["metadata"]["name"], fault("CrashLoopBackOff:2"))
        failed = await stage.shows("ERROR", Reason.DATABASE_FAILED)
        await stage.place.patch(POD, pod["metadata"]["name"], fault(None))
        await stage.shows("RUNNING")

    explains(failed, "", f"Cluster/{project.name}")


@dataclass(frozen=True)
class Silence:
    """What the operator does with a new Cluster, and what it ends in."""

    fault: str
    reason: Reason
    said: str

    def __str__(self) -> str:
        return self.fault


@pytest.mark.parametrize(
    "silence",
    [
        Silence("Ignored", Reason.OPERATOR_NOT_RUNNING, "has not looked at it"),
        Silence("StuckCreating", Reason.STARTING_TOO_LONG, ""),
    ],
    ids=str,
)
async def test_a_start_that_nobody_carries_on_is_told_until_somebody_does(
    stage: Stage, silence: Silence
) -> None:
    kind = stage.place.plane.needs_kubeblocks()
    await fakes(stage)
    project = await stage.postgres()
    await begun(stage, kind, project, silence.fault)

    async with stage.running():
        failed = await stage.shows("ERROR", silence.reason)
        await stage.place.patch(kind, project.name, fault(None))
        await stage.shows("RUNNING")

    assert silence.said in (failed.message or "")


async def test_a_stop_that_nobody_looks_at_is_told_until_somebody_does(stage: Stage) -> None:
    kind = stage.place.plane.needs_kubeblocks()

    async with stage.running() as loop:
        project = await stage.postgres()
        await stage.shows("RUNNING")
        await needs_fake_operator(stage, project)
        await stage.place.patch(kind, project.name, fault("Ignored"))
        await stage.want(project, DesiredState.STOPPED, loop)
        failed = await stage.shows("ERROR", Reason.OPERATOR_NOT_RUNNING)
        await stage.place.patch(kind, project.name, fault(None))
        await stage.shows("STOPPED")

    explains(failed, "does KubeBlocks run", f"Cluster/{project.name}")


async def test_one_without_its_account_says_so_until_it_is_back(stage: Stage) -> None:
    kind = stage.place.plane.needs_kubeblocks()

    async with stage.running(recheck=0.5):
        project = await stage.postgres()
        await stage.shows("RUNNING")
        await needs_fake_operator(stage, project)
        await stage.place.patch(kind, project.name, fault("Ignored"))
        for secret in await stage.place.list(SECRET, f"app.kubernetes.io/instance={project.name}"):
            await stage.place.delete(SECRET, secret["metadata"]["name"])
        failed = await stage.shows("ERROR", Reason.CREDENTIALS_MISSING)
        await stage.place.patch(kind, project.name, fault(None))
        await stage.shows("RUNNING")

    explains(failed, "Secret", f"Cluster/{project.name}")


async def test_a_deletion_that_its_operator_does_not_finish_names_the_finalizer(
    stage: Stage,
) -> None:
    kind = stage.place.plane.needs_kubeblocks()

    async with stage.running() as loop:
        project = await stage.postgres()
        await stage.shows("RUNNING")
        await needs_fake_operator(stage, project)
        await stage.place.patch(kind, project.name, fault("StuckFinalizer"))
        await stage.want(project, DesiredState.DELETED, loop)
        failed = await stage.shows("ERROR", Reason.DELETE_BLOCKED)
        await stage.place.patch(kind, project.name, fault(None))
        await stage.gone()

    explains(failed, FINALIZER, f"Cluster/{project.name}")


async def test_one_that_somebody_protects_is_blocked_until_he_gives_it_free(stage: Stage) -> None:
    kind = stage.place.plane.needs_kubeblocks()

    async with stage.running(watch=False) as loop:
        project = await stage.postgres()
        await stage.shows("RUNNING")
        kept = {"spec": {"terminationPolicy": "DoNotTerminate"}}
        await stage.place.patch(kind, project.name, kept)
        await stage.want(project, DesiredState.DELETED, loop)
        failed = await stage.shows("ERROR", Reason.DELETE_BLOCKED)
        await stage.place.patch(kind, project.name, {"spec": {"terminationPolicy": "Delete"}})
        await stage.gone()

    explains(failed, FINALIZER, f"Cluster/{project.name}")


async def fakes(stage: Stage) -> None:
    """Skip where the operator is a real one."""
    project = await stage.postgres()
    async with stage.running() as loop:
        await stage.shows("RUNNING")
        await needs_fake_operator(stage, project)
        await stage.want(project, DesiredState.DELETED, loop)
        await stage.gone()


async def needs_fake_operator(stage: Stage, project: Project) -> list[Json]:
    """The database's pods; skip where they are on real nodes, and so the operator is real too."""
    pods = await stage.place.list(POD, f"app.kubernetes.io/instance={project.name}")
    stage.needs_fake(pods)
    return pods


async def begun(stage: Stage, kind: Kind, project: Project, fault: str) -> None:
    """The Cluster as if a pass had begun it, with a fault that is there from the beginning."""
    meta = {"labels": {RESOURCE: str(project.resource)}, "annotations": {FAULT: fault}}
    spec = {"terminationPolicy": "Delete"}
    await stage.place.create(kind, project.name, {"metadata": meta, "spec": spec})
