"""Sandboxes on a real API server: what a change makes of them there, once, and what it leaves."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.db import resources as asks
from app.domain.environment import Given
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API, RECONCILER
from app.services import environment, ports
from app.services import resources as verbs
from app.services.projects import Makers
from reconciler.loop import Loop
from reconciler.manifests.kinds import (
    CLAIM,
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
)
from reconciler.manifests.workload import claim_name
from tests.integration.reconciler.stage import explains
from tests.integration.world import KEYS, becomes
from tests.kubernetes.plane import Json, Plane
from tests.kubernetes.stage import Project, Stage
from tests.kubernetes.test_databases import CONVERGED, the

# No deadline passes: these go well, on nodes of whichever speed.
PATIENT: dict[str, Any] = {"starting_deadline": 600, "stopping_deadline": 120}
STORAGE_CLASS = "/apis/storage.k8s.io/v1/storageclasses"


async def settled(stage: Stage, loop: Loop) -> None:
    """Until all is as it is wanted."""
    loop.wake()

    async def converged() -> bool:
        async with stage.database.read(API) as connection:
            return bool((await connection.execute(CONVERGED)).scalar_one())

    await becomes(converged)


async def looked_at(stage: Stage, project: Project, loop: Loop) -> None:
    """One pass more, though nothing is wanted."""
    claims = text("SELECT claims, lease_token IS NULL AS done FROM resource WHERE id = :id")
    binds = {"id": project.resource}
    async with stage.database.autocommit(RECONCILER) as connection:
        before = (await connection.execute(claims, binds)).one().claims
        await asks.ask(connection, [project.resource])
    loop.wake()

    async def passed() -> bool:
        async with stage.database.read(API) as connection:
            now = (await connection.execute(claims, binds)).one()
        return bool(now.done and now.claims > before)

    await becomes(passed)


async def change(stage: Stage, project: Project, loop: Loop, **given: Any) -> None:
    """As updateSandbox does."""
    makers = Makers(stage.settings(), KEYS)
    async with stage.database.begin(project.viewer) as session:
        await verbs.update(session, project.viewer, makers.sandboxes, project.resource, given)
    loop.wake()


async def on_port(
    stage: Stage, project: Project, loop: Loop, verb: Callable[..., Awaitable[Any]], port: int
) -> None:
    """As exposePort and unexposePort do, until it is so."""
    async with stage.database.begin(project.viewer) as session:
        await verb(session, project.viewer, project.resource, port)
    await settled(stage, loop)


async def variables(stage: Stage, project: Project, loop: Loop, *given: Given) -> set[str]:
    """As replaceVariables does, until it is so; the keys of the Secret then."""
    async with stage.database.begin(project.viewer) as session:
        await environment.replace(
            session, project.viewer, KEYS, project.id, category="general", given=given
        )
    await settled(stage, loop)
    return set((await the(stage, SECRET, f"{project.name}-env"))["data"])


async def pod_of(stage: Stage, project: Project) -> Json:
    [pod] = await stage.place.list(POD, f"mooring.dev/resource={project.resource}")
    return pod


async def names(stage: Stage, project: Project, kind: Kind) -> list[str]:
    """Its objects of a kind, without the name that begins theirs."""
    found = await stage.place.list(kind, f"mooring.dev/resource={project.resource}")
    return sorted(one["metadata"]["name"].removeprefix(project.name) for one in found)


async def test_each_change_of_the_environment_rolls_the_pod_once_and_none_of_the_same(
    stage: Stage,
) -> None:
    async with stage.running(**PATIENT) as loop:
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        own = set((await the(stage, SECRET, f"{project.name}-env"))["data"])
        pods = [await pod_of(stage, project)]
        keys = []
        for given in (("LEVEL", "MORE"), ("MORE",), ("MORE",), ()):
            wanted = [Given(key, "x") for key in given]
            keys.append(await variables(stage, project, loop, *wanted) - own)
            pods.append(await pod_of(stage, project))
        workload = await the(stage, STATEFUL_SET, project.name)
        await looked_at(stage, project, loop)
        after = await the(stage, STATEFUL_SET, project.name)

    assert keys == [{"LEVEL", "MORE"}, {"MORE"}, {"MORE"}, set()]
    uids = [pod["metadata"]["uid"] for pod in pods]
    assert len(set(uids)) == 4
    assert uids[2] == uids[3]
    assert workload["metadata"]["generation"] == 4
    assert after["metadata"]["resourceVersion"] == workload["metadata"]["resourceVersion"]


@pytest.mark.parametrize("mode", ["ingress", "gateway"])
async def test_image_and_sizes_roll_the_pod_once_and_ports_come_and_go_beside_it(
    stage: Stage, mode: str
) -> None:
    if mode == "gateway":
        stage.place.plane.needs_gateway()
    kind = INGRESS if mode == "ingress" else HTTP_ROUTE
    routes: dict[str, Any] = {
        "route_mode": mode,
        "gateway_name": "edge",
        "gateway_section": "https",
        "route_tls": "cert-manager",
        "route_issuer": "letsencrypt",
        "sealos_profile": True,
    }

    async with stage.running(**PATIENT, **routes) as loop:
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        first = await pod_of(stage, project)
        await change(stage, project, loop, image="registry.test/app:2", cpu="1", memory="1Gi")
        await settled(stage, loop)
        second = await pod_of(stage, project)
        for port in (8080, 5173):
            await on_port(stage, project, loop, ports.expose, port)
        opened = await names(stage, project, kind)
        service = await the(stage, SERVICE, project.name)
        policy = await the(stage, NETWORK_POLICY, project.name)
        await on_port(stage, project, loop, ports.unexpose, 8080)
        closed = await names(stage, project, kind)
        third = await pod_of(stage, project)
        workload = await the(stage, STATEFUL_SET, project.name)
        await stage.want(project, DesiredState.DELETED, loop)
        await stage.gone()

    uids = [pod["metadata"]["uid"] for pod in (first, second, third)]
    assert uids[0] != uids[1] == uids[2]
    assert second["spec"]["containers"][0]["image"] == "registry.test/app:2"
    assert workload["metadata"]["generation"] == 2
    assert opened == ["-app", "-p5173", "-p8080", "-ttyd"]
    assert closed == ["-app", "-p5173", "-ttyd"]
    assert {port["port"] for port in service["spec"]["ports"]} == {3000, 7681, 8080, 5173}
    [arriving] = policy["spec"]["ingress"]
    assert {port["port"] for port in arriving["ports"]} == {3000, 7681, 8080, 5173}
    assert workload["metadata"]["labels"]["cloud.sealos.io/app-deploy-manager"] == project.name
    assert await names(stage, project, kind) == []


async def test_a_disk_grows_under_what_runs_and_the_workload_keeps_what_it_asked_for(
    stage: Stage,
) -> None:
    async with stage.running(**PATIENT) as loop:
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        before = await pod_of(stage, project)
        await stage.needs_fake_nodes(project)
        await change(stage, project, loop, storage="20Gi")
        await settled(stage, loop)
        after = await pod_of(stage, project)
        disk = await the(stage, CLAIM, claim_name(project.name))
        workload = await the(stage, STATEFUL_SET, project.name)

    assert disk["spec"]["resources"]["requests"]["storage"] == "20Gi"
    assert disk["status"]["capacity"]["storage"] == "20Gi"
    [template] = workload["spec"]["volumeClaimTemplates"]
    assert template["spec"]["resources"]["requests"]["storage"] == "10Gi"
    assert before["metadata"]["uid"] == after["metadata"]["uid"]


async def test_a_disk_that_may_not_grow_says_so_and_the_old_size_heals_it(
    stage: Stage, plane: Plane
) -> None:
    plane.needs_administrator()
    name = f"fixed-{uuid4().hex[:8]}"
    [standard, *_] = (await plane.call("GET", STORAGE_CLASS))["items"]
    provisioner = {"provisioner": standard["provisioner"], "allowVolumeExpansion": False}
    await plane.call("POST", STORAGE_CLASS, {"metadata": {"name": name}, **provisioner})
    try:
        async with stage.running(**PATIENT, storage_class=name) as loop:
            project = await stage.sandbox()
            await stage.shows("RUNNING")
            await change(stage, project, loop, storage="20Gi")
            failed = await stage.shows("ERROR", Reason.VOLUME_NOT_GROWING)
            await change(stage, project, loop, storage="10Gi")
            await stage.shows("RUNNING")
    finally:
        await plane.call("DELETE", f"{STORAGE_CLASS}/{name}")

    explains(failed, "must support resize", f"PersistentVolumeClaim/{claim_name(project.name)}")


async def test_another_storage_class_in_the_settings_leaves_what_is_there_as_it_is(
    stage: Stage,
) -> None:
    async with stage.running(**PATIENT):
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        before = await the(stage, STATEFUL_SET, project.name)
    async with stage.running(**PATIENT, storage_class="another") as loop:
        await change(stage, project, loop, cpu="1")
        await settled(stage, loop)
        await stage.shows("RUNNING")
        after = await the(stage, STATEFUL_SET, project.name)

    assert before["spec"]["volumeClaimTemplates"] == after["spec"]["volumeClaimTemplates"]
    assert after["metadata"]["generation"] == 2


async def test_the_restricted_standard_admits_it(stage: Stage, plane: Plane) -> None:
    plane.needs_administrator()

    async with plane.place(pod_security="restricted") as place:
        strict = Stage(stage.database, place)
        async with strict.running(**PATIENT) as loop:
            project = await strict.sandbox()
            await strict.shows("RUNNING")
            await strict.want(project, DesiredState.DELETED, loop)
            await strict.gone()
