"""Databases on a real API server, in the dialect of KubeBlocks that it serves: changed, stopped and
started by us and by somebody else, read back, and gone."""

import base64
from typing import Any

import pytest
from sqlalchemy import text

from app.db import databases
from app.domain.ids import new_id
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API
from app.services import resources as verbs
from app.services.databases import release
from app.services.projects import Makers
from reconciler.cluster.client import Bounds
from reconciler.cluster.trusted import connect
from reconciler.loop import Loop
from reconciler.manifests import kubeblocks_v1alpha1, operations
from reconciler.manifests.database import Database as Made
from reconciler.manifests.database import component, is_told_to_stop
from reconciler.manifests.identity import Owner
from reconciler.manifests.kinds import (
    CLAIM,
    KINDS,
    OLD_CLUSTER,
    OLD_OPS_REQUEST,
    POD,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE_ACCOUNT,
    Kind,
)
from reconciler.manifests.operations import Step
from tests.integration.world import KEYS, becomes
from tests.kubernetes.plane import Json, cannot
from tests.kubernetes.stage import Project, Stage

# No deadline passes: these go well, on an operator of whichever speed.
PATIENT: dict[str, Any] = {"database_starting_deadline": 600, "database_stopping_deadline": 600}
HOLD = "test.mooring.dev/hold"
CONVERGED = text("""
SELECT bool_and(observed_generation = generation AND status = desired_state) AS all_are
FROM resource
""")


def of(project: Project) -> str:
    """What selects all that the operator makes for it."""
    return f"app.kubernetes.io/instance={project.name}"


async def the(stage: Stage, kind: Kind, name: str) -> Json:
    found = await stage.place.get(kind, name)
    assert found is not None
    return found


async def change(stage: Stage, project: Project, loop: Loop, **given: Any) -> None:
    """As updateDatabase does, until it is so."""
    makers = Makers(stage.settings(), KEYS)
    async with stage.database.begin(project.viewer) as session:
        await verbs.update(session, project.viewer, makers.databases, project.resource, given)
    loop.wake()

    async def converged() -> bool:
        async with stage.database.read(API) as connection:
            return bool((await connection.execute(CONVERGED)).scalar_one())

    await becomes(converged)


async def test_one_that_is_stopped_keeps_its_volumes_and_starts_as_it_was_changed(
    stage: Stage,
) -> None:
    kind = stage.place.plane.needs_kubeblocks()

    async with stage.running(**PATIENT) as loop:
        project = await stage.postgres()
        await stage.shows("RUNNING")
        volumes = {c["metadata"]["uid"] for c in await stage.place.list(CLAIM, of(project))}
        await change(stage, project, loop, cpu="1500m", storage="4Gi")
        grown = await the(stage, kind, project.name)
        await stage.want(project, DesiredState.STOPPED, loop)
        await stage.shows("STOPPED")
        pods = await stage.place.list(POD, of(project))
        await change(stage, project, loop, memory="2Gi")
        await stage.shows("STOPPED")
        await stage.want(project, DesiredState.RUNNING, loop)
        await stage.shows("RUNNING")
        kept = await stage.place.list(CLAIM, of(project))
        started = await the(stage, kind, project.name)
        await stage.want(project, DesiredState.DELETED, loop)
        await stage.gone()

    assert component(grown)["resources"]["limits"]["cpu"] == "1500m"
    assert pods == []
    assert volumes == {claim["metadata"]["uid"] for claim in kept} != set()
    assert {c["spec"]["resources"]["requests"]["storage"] for c in kept} == {"4Gi"}
    assert component(started)["resources"]["limits"] == {"cpu": "1500m", "memory": "2Gi"}
    assert await stage.place.list(CLAIM, of(project)) == []


@pytest.mark.parametrize("set_to", ["respect", "heal"])
async def test_one_that_somebody_else_stops_is_reported_or_started_again(
    stage: Stage, set_to: str
) -> None:
    kind = stage.place.plane.needs_kubeblocks()
    of_old = kind == OLD_CLUSTER
    [request] = [k for k in KINDS if k.kind == "OpsRequest" and (k == OLD_OPS_REQUEST) == of_old]

    async with stage.running(**PATIENT, database_stopped_elsewhere=set_to) as loop:
        project = await stage.postgres()
        await stage.shows("RUNNING")
        before = (await the(stage, kind, project.name))["metadata"]["generation"]
        spec = {"clusterName": project.name, "type": "Stop"}
        await stage.place.create(request, f"{project.name}-by-hand", {"spec": spec})
        if set_to == "respect":
            await stage.shows("ERROR", Reason.STOPPED_ELSEWHERE)
            assert is_told_to_stop(await the(stage, kind, project.name))
            await stage.want(project, DesiredState.RUNNING, loop)

        async def up_again() -> bool:
            found = await the(stage, kind, project.name)
            moved = found["metadata"]["generation"] >= before + 2
            return moved and not is_told_to_stop(found) and found["status"]["phase"] == "Running"

        await becomes(up_again)
        await stage.shows("RUNNING")


async def test_a_password_that_was_changed_is_read_back_without_being_asked_for(
    stage: Stage,
) -> None:
    stage.place.plane.needs_kubeblocks()

    async def known(project: Project) -> str:
        async with stage.database.read(API) as connection:
            found = await databases.access(connection, project.resource)
        assert found is not None
        assert found.password is not None
        assert found.host is not None
        assert found.host.endswith(f".{stage.place.name}.svc")
        return KEYS.open(found.password, "database", found.id, "password")

    async with stage.running(**PATIENT):
        project = await stage.postgres()
        await stage.shows("RUNNING")
        [account] = [
            one for one in await stage.place.list(SECRET, of(project)) if "password" in one["data"]
        ]
        first = await known(project)
        changed = base64.b64encode(b"changed").decode()
        await stage.place.patch(
            SECRET, account["metadata"]["name"], {"data": {"password": changed}}
        )

        async def read_back() -> bool:
            return await known(project) == "changed"

        await becomes(read_back)

    assert first == base64.b64decode(account["data"]["password"]).decode()


async def test_what_stands_beside_an_old_cluster_goes_after_it(stage: Stage) -> None:
    kind = stage.place.plane.needs_kubeblocks()
    beside = (SERVICE_ACCOUNT, ROLE, ROLE_BINDING)

    async with stage.running(**PATIENT) as loop:
        project = await stage.postgres()
        await stage.shows("RUNNING")
        there = [await stage.place.get(one, project.name) for one in beside]
        await stage.want(project, DesiredState.DELETED, loop)
        await stage.gone()
        left = [await stage.place.get(one, project.name) for one in (*beside, kind)]

    assert [one is not None for one in there] == [kind == OLD_CLUSTER] * 3
    assert left == [None] * 4


async def test_what_holds_a_deletion_is_taken_off_by_an_order_alone(stage: Stage) -> None:
    kind = stage.place.plane.needs_kubeblocks()

    async with stage.running() as loop:
        project = await stage.postgres()
        await stage.shows("RUNNING")
        held = (await the(stage, kind, project.name))["metadata"]["finalizers"]
        hold = {"metadata": {"finalizers": [*held, HOLD]}}
        await stage.place.patch(kind, project.name, hold)
        await stage.want(project, DesiredState.DELETED, loop)

        async def only_ours_is_left() -> bool:
            left = (await the(stage, kind, project.name))["metadata"]["finalizers"]
            return bool(left == [HOLD])

        await becomes(only_ours_is_left)
        blocked = await stage.shows("ERROR", Reason.DELETE_BLOCKED)
        async with stage.database.begin(project.viewer) as session:
            await release(session, project.viewer, databases.DATABASES, project.resource)
        loop.wake()
        await stage.gone()

    assert blocked.object == f"Cluster/{project.name}"
    assert await stage.place.get(kind, project.name) is None


async def test_a_request_as_08_needs_it_is_taken_and_is_one_however_often_it_is_made(
    stage: Stage,
) -> None:
    kind = stage.place.plane.needs_kubeblocks()
    if kind != OLD_CLUSTER:
        cannot("of KubeBlocks 1.0 nothing is asked for by an OpsRequest")
    owner = Owner(new_id(), new_id(), 1, stage.place.name, "shop-abcdefgh", "database")
    made = Made(owner, None, None, 1, "1", "1Gi", "3Gi")

    async def has(phase: str) -> bool:
        found = await the(stage, kind, owner.name)
        return bool(found.get("status", {}).get("phase") == phase)

    cluster = await connect(stage.place.kubeconfig, Bounds(10, rate=100, burst=100))
    try:
        for body in kubeblocks_v1alpha1.objects(made, None, stage.settings()):
            await cluster.apply(body)
        await becomes(lambda: has("Running"))
        first = await cluster.apply(operations.request(owner, Step.STOP))
        again = await cluster.apply(operations.request(owner, Step.STOP))
        await becomes(lambda: has("Stopped"))
        await cluster.apply(operations.request(owner, Step.START))
        await becomes(lambda: has("Running"))
    finally:
        await cluster.close()

    assert first["metadata"]["uid"] == again["metadata"]["uid"]
