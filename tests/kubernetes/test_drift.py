"""What somebody else does to a settled sandbox, on a real API server: it comes back and is told."""

from typing import Any

import pytest
from sqlalchemy import text

from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API
from reconciler.manifests.kinds import CLAIM, INGRESS, SECRET, SERVICE, STATEFUL_SET, Kind
from tests.integration.world import becomes
from tests.kubernetes.plane import Json
from tests.kubernetes.stage import Stage

HEALED = text("SELECT message FROM change WHERE reason = 'DriftHealed' ORDER BY seq")
LOOKS = text(
    "SELECT claims AS begun, claims - (lease_token IS NOT NULL)::int AS ended FROM resource"
)


async def healed(stage: Stage) -> list[str]:
    """What history says was undone."""
    async with stage.database.read(API) as connection:
        return list((await connection.execute(HEALED)).scalars())


async def looked(stage: Stage, more: int) -> None:
    """Wait for so many more looks, from their beginning to their end."""

    async def looks() -> Any:
        async with stage.database.read(API) as connection:
            return (await connection.execute(LOOKS)).one()

    begun = (await looks()).begun

    async def done() -> bool:
        return bool((await looks()).ended >= begun + more)

    await becomes(done)


# A Secret has no suffix that another object has; the other names are the resource's own.
NAMES = {SERVICE: "", SECRET: "-env", INGRESS: "-ttyd", STATEFUL_SET: ""}


@pytest.mark.parametrize("watch", [True, False])
@pytest.mark.parametrize("kind", NAMES, ids=lambda kind: kind.kind)
async def test_what_is_removed_comes_back_and_is_told_once(
    stage: Stage, kind: Kind, watch: bool
) -> None:
    async with stage.running(watch=watch, recheck=0.5, starting_deadline=600) as loop:
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        await looked(stage, more=2)
        name = project.name + NAMES[kind]

        await stage.place.delete(kind, name)
        said = f"{kind.kind}/{name} was removed by somebody and is made again."

        async def told() -> bool:
            return await healed(stage) == [said]

        await becomes(told)
        await stage.place.get(kind, name)
        await looked(stage, more=3)
        assert await healed(stage) == [said]
        await stage.want(project, DesiredState.DELETED, loop)
        await stage.gone()


CHANGES: list[tuple[Kind, Json]] = [
    (SERVICE, {"spec": {"publishNotReadyAddresses": False}}),
    (STATEFUL_SET, {"spec": {"replicas": 0}}),
    (SECRET, {"data": {"PORT": "MQ=="}}),
]


@pytest.mark.parametrize("watch", [True, False])
@pytest.mark.parametrize(("kind", "change"), CHANGES, ids=lambda one: getattr(one, "kind", ""))
async def test_what_is_changed_is_put_back_and_what_others_add_is_theirs(
    stage: Stage, kind: Kind, change: Json, watch: bool
) -> None:
    async with stage.running(watch=watch, recheck=0.5, starting_deadline=600) as loop:
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        await looked(stage, more=2)
        name = project.name + NAMES[kind]

        note = {"metadata": {"annotations": {"somebody.example/note": "x"}}}
        await stage.place.patch(kind, name, note)
        await looked(stage, more=3)
        assert await healed(stage) == []
        await stage.place.patch(kind, name, change)
        said = f"{kind.kind}/{name} was changed by somebody and is put back."

        async def told() -> bool:
            return await healed(stage) == [said]

        await becomes(told)
        await stage.shows("RUNNING")
        await looked(stage, more=3)
        assert await healed(stage) == [said]
        await stage.want(project, DesiredState.DELETED, loop)
        await stage.gone()


async def test_a_volume_that_was_removed_comes_back_and_its_data_is_said_to_be_gone(
    stage: Stage,
) -> None:
    async with stage.running(starting_deadline=600, stopping_deadline=600) as loop:
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        await stage.want(project, DesiredState.STOPPED, loop)
        await stage.shows("STOPPED")
        await stage.place.delete(CLAIM, f"home-{project.name}-0")
        await stage.want(project, DesiredState.RUNNING, loop)
        await stage.shows("RUNNING", Reason.DATA_LOST)
        await stage.want(project, DesiredState.DELETED, loop)
        await stage.gone()
