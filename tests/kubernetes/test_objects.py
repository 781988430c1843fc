"""Objects that are somebody else's, of a later wish, of another shape, or that do not go."""

import pytest

from app.domain.reasons import Reason
from app.domain.states import DesiredState
from reconciler.manifests.identity import GENERATION
from reconciler.manifests.kinds import (
    CLAIM,
    INGRESS,
    NETWORK_POLICY,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
)
from tests.integration.reconciler.stage import explains
from tests.kubernetes.plane import Json
from tests.kubernetes.stage import Project, Stage, until

HOLD = "test.mooring.dev/hold"
POD: Json = {
    "metadata": {"labels": {"app": "theirs"}},
    "spec": {"containers": [{"name": "main", "image": "theirs"}]},
}
THEIRS: dict[Kind, tuple[str, Json]] = {
    STATEFUL_SET: (
        "",
        {
            "serviceName": "x",
            "replicas": 0,
            "selector": {"matchLabels": {"app": "theirs"}},
            "template": POD,
        },
    ),
    SERVICE: ("", {"ports": [{"name": "web", "port": 80}], "selector": {"app": "theirs"}}),
    SECRET: ("-env", {}),
    INGRESS: ("-app", {"defaultBackend": {"service": {"name": "x", "port": {"number": 80}}}}),
    NETWORK_POLICY: ("", {"podSelector": {}}),
}


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.kind)
async def test_what_has_our_name_and_is_somebodys_is_left_alone(stage: Stage, kind: Kind) -> None:
    suffix, spec = THEIRS[kind]
    project = await stage.sandbox()
    name = project.name + suffix
    theirs = await stage.place.create(kind, name, {"spec": spec} if spec else {})

    async with stage.running() as loop:
        failed = await stage.shows("ERROR", Reason.NAME_CLASH)
        left = await stage.place.get(kind, name)
        await stage.place.delete(kind, name)
        await stage.shows("RUNNING")
        await stage.want(project, DesiredState.DELETED, loop)
        await stage.gone()

    explains(failed, "belongs to somebody else", f"{kind.kind}/{name}")
    assert left is not None
    assert left["metadata"].get("labels") == theirs["metadata"].get("labels")
    assert left.get("spec") == theirs.get("spec")


async def test_objects_of_a_later_generation_are_left_until_the_row_gets_there(
    stage: Stage,
) -> None:
    async with stage.running() as loop:
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        later = {"metadata": {"annotations": {GENERATION: "3"}}}

        async def told() -> bool:
            # Again and again: a pass that had read before it writes over it.
            await stage.place.patch(STATEFUL_SET, project.name, later)
            shown = await stage.shown()
            return shown is not None and "later generation" in (shown.message or "")

        await until(told)
        await stage.shows("RUNNING", Reason.NEWER_GENERATION)
        await stage.want(project, DesiredState.STOPPED, loop)
        await stage.shows("ERROR", Reason.NEWER_GENERATION)
        await stage.want(project, DesiredState.RUNNING, loop)
        await stage.shows("RUNNING")


async def test_a_field_that_cannot_change_is_named_until_its_object_is_gone(stage: Stage) -> None:
    async with stage.running(recheck=0.5):
        project = await stage.sandbox()
        await stage.shows("RUNNING")
    await remade(stage, project)  # while nobody makes it again
    async with stage.running(recheck=0.5):
        failed = await stage.shows("ERROR", Reason.INVALID_SPEC)
        await stage.place.delete(STATEFUL_SET, project.name)
        await stage.shows("RUNNING", Reason.DATA_LOST)

    explains(failed, "Forbidden: updates to statefulset spec", f"StatefulSet/{project.name}")


async def remade(stage: Stage, project: Project) -> None:
    """The workload is another one with the same labels, whose pods are made in another order."""
    old = await stage.place.get(STATEFUL_SET, project.name)
    assert old is not None
    spec = old["spec"] | {"podManagementPolicy": "OrderedReady"}
    meta = {"labels": old["metadata"]["labels"]}
    await stage.place.delete(STATEFUL_SET, project.name, "Orphan")
    await stage.place.until_gone(STATEFUL_SET, project.name)
    await stage.place.create(STATEFUL_SET, project.name, {"metadata": meta, "spec": spec})


@pytest.mark.parametrize("kind", [STATEFUL_SET, CLAIM, SERVICE, SECRET], ids=lambda k: k.kind)
async def test_a_deletion_held_by_a_finalizer_names_it_and_ends_when_it_goes(
    stage: Stage, kind: Kind
) -> None:
    async with stage.running() as loop:
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        [held] = await stage.place.list(kind, f"mooring.dev/resource={project.resource}")
        name = held["metadata"]["name"]
        kept = [*held["metadata"].get("finalizers", []), HOLD]
        await stage.place.patch(kind, name, {"metadata": {"finalizers": kept}})
        await stage.want(project, DesiredState.DELETED, loop)
        failed = await stage.shows("ERROR", Reason.DELETE_BLOCKED)
        await stage.place.patch(kind, name, {"metadata": {"finalizers": []}})
        await stage.gone()

    explains(failed, HOLD, f"{kind.kind}/{name}")
