"""A sandbox that is changed: what follows in the cluster, once, and what is left alone."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest_asyncio
from sqlalchemy import text

from app.db.sandboxes import SANDBOXES
from app.db.session import Database
from app.domain.viewer import API, Viewer
from app.services import ports
from app.services import resources as verbs
from app.settings import Settings
from reconciler.cluster.client import Cluster
from reconciler.manifests.kinds import (
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
)
from tests.integration.reconciler.test_loop import running
from tests.integration.reconciler.working import resources_of
from tests.integration.world import MAKERS, becomes, project_of, viewer_of

OURS = "app.kubernetes.io/managed-by=mooring"


@dataclass(frozen=True)
class Box:
    """One sandbox: its row, and what there is of it in the cluster."""

    database: Database
    cluster: Cluster
    viewer: Viewer
    id: UUID
    name: str

    async def change(self, **given: str) -> None:
        async with self.database.begin(self.viewer) as session:
            await verbs.update(session, self.viewer, MAKERS.sandboxes, self.id, given)

    async def open(self, port: int) -> None:
        async with self.database.begin(self.viewer) as session:
            await ports.expose(session, self.viewer, self.id, port)

    async def close(self, port: int) -> None:
        async with self.database.begin(self.viewer) as session:
            await ports.unexpose(session, self.viewer, self.id, port)

    async def is_as_wanted(self) -> None:
        async def converged() -> bool:
            async with self.database.read(self.viewer) as connection:
                [row] = await SANDBOXES.by_ids(connection, self.viewer, [self.id])
            return row.converged

        await becomes(converged)

    async def names(self, kind: Kind) -> list[str]:
        """The objects of a kind, without the name of the sandbox that begins theirs."""
        found = await self.cluster.list_all(kind, "mooring", OURS)
        return sorted(one["metadata"]["name"].removeprefix(self.name) for one in found)

    async def one(self, kind: Kind) -> Any:
        [found] = await self.cluster.list_all(kind, "mooring", OURS)
        return found

    async def says(self, reason: str, about: str) -> None:
        async def same() -> bool:
            async with self.database.read(API) as connection:
                found = await connection.execute(text("SELECT reason, object FROM resource"))
                return bool(found.one() == (reason, about))

        await becomes(same)


@pytest_asyncio.fixture
async def box(database: Database, cluster: Cluster) -> Box:
    """The sandbox of a new project."""
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    async with database.read(viewer) as connection:
        [row] = await SANDBOXES.of_projects(connection, viewer, [project])
    return Box(database, cluster, viewer, row.id, row.k8s_name)


async def test_image_and_sizes_roll_the_pod_once_and_ports_never(
    box: Box, cluster: Cluster, settings: Settings
) -> None:
    resources = resources_of(box.database, cluster, settings)

    async with running(box.database, resources.reconcile, settings, cluster):
        await box.is_as_wanted()
        first = await box.one(POD)
        await box.change(image="registry.test/app:2", cpu="1", memory="1Gi")
        await box.is_as_wanted()
        second, workload = await box.one(POD), await box.one(STATEFUL_SET)
        await box.open(8080)
        await box.open(5173)
        await box.is_as_wanted()
        opened = await box.names(INGRESS)
        service, policy = await box.one(SERVICE), await box.one(NETWORK_POLICY)
        await box.close(8080)
        await box.is_as_wanted()
        closed = await box.names(INGRESS)
        third, after = await box.one(POD), await box.one(STATEFUL_SET)

    [container] = second["spec"]["containers"]
    assert first["metadata"]["uid"] != second["metadata"]["uid"] == third["metadata"]["uid"]
    assert (container["image"], container["resources"]["limits"]["cpu"]) == (
        "registry.test/app:2",
        "1",
    )
    assert (workload["metadata"]["generation"], after["metadata"]["generation"]) == (2, 2)
    assert opened == ["-app", "-p5173", "-p8080", "-ttyd"]
    assert closed == ["-app", "-p5173", "-ttyd"]
    listens = {
        port["name"]: (port["port"], port["targetPort"]) for port in service["spec"]["ports"]
    }
    assert listens["p8080"] == (8080, 8080)
    assert {p["port"] for p in policy["spec"]["ingress"][0]["ports"]} == {3000, 7681, 5173, 8080}
    assert {p["name"] for p in (await box.one(SERVICE))["spec"]["ports"]} == {
        "app",
        "ttyd",
        "p5173",
    }


async def test_what_another_setting_makes_no_more_is_taken_away(
    box: Box, cluster: Cluster, settings: Settings
) -> None:
    resources = resources_of(box.database, cluster, settings)
    other = settings.model_copy(
        update={"route_mode": "gateway", "network_policy": False, "gateway_name": "edge"}
    )

    async with running(box.database, resources.reconcile, settings, cluster):
        await box.is_as_wanted()
    resources = resources_of(box.database, cluster, other)
    async with running(box.database, resources.reconcile, other, cluster):
        await box.open(8080)
        await box.is_as_wanted()

    assert await box.names(INGRESS) == await box.names(NETWORK_POLICY) == []
    assert await box.names(HTTP_ROUTE) == ["-app", "-p8080", "-ttyd"]


async def test_a_port_that_is_closed_while_somebody_took_the_workload_away_leaves_no_route(
    box: Box, cluster: Cluster, settings: Settings
) -> None:
    resources = resources_of(box.database, cluster, settings)

    async with running(box.database, resources.reconcile, settings, cluster):
        await box.open(8080)
        await box.is_as_wanted()
    opened = await box.names(INGRESS)
    await cluster.delete(STATEFUL_SET, await box.one(STATEFUL_SET))
    await becomes(lambda: nothing_of(box, STATEFUL_SET))
    await box.close(8080)
    async with running(box.database, resources.reconcile, settings, cluster):
        await box.is_as_wanted()

    assert opened == ["-app", "-p8080", "-ttyd"]
    assert await box.names(INGRESS) == ["-app", "-ttyd"]


async def nothing_of(box: Box, kind: Kind) -> bool:
    return not await box.names(kind)


async def test_objects_of_somebody_elses_are_left_alone_and_named_one_after_the_other(
    box: Box, cluster: Cluster, settings: Settings
) -> None:
    quick = settings.model_copy(update={"retry_longest": 0.2})
    resources = resources_of(box.database, cluster, quick)
    suffixes = {STATEFUL_SET: "", SECRET: "-env", SERVICE: "", INGRESS: "-app", NETWORK_POLICY: ""}
    theirs = {
        kind: await cluster.apply(foreign(kind, box.name + suffix))
        for kind, suffix in suffixes.items()
    }

    async with running(box.database, resources.reconcile, quick, cluster):
        for kind, before in theirs.items():
            name = before["metadata"]["name"]
            await box.says("NameClash", f"{kind.kind}/{name}")
            after = await cluster.get(kind, "mooring", name)
            assert after is not None
            assert after["metadata"]["uid"] == before["metadata"]["uid"]
            assert "labels" not in after["metadata"]
            await cluster.delete(kind, before)
        await box.is_as_wanted()


def foreign(kind: Kind, name: str) -> dict[str, Any]:
    """Somebody else's object, as small as its kind allows."""
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "a", "image": "b"}]},
    }
    port = {"port": 80}
    content: dict[Kind, dict[str, Any]] = {
        SECRET: {},
        SERVICE: {"spec": {"ports": [port]}},
        INGRESS: {"spec": {"defaultBackend": {"service": {"name": "x", "port": {"number": 80}}}}},
        NETWORK_POLICY: {"spec": {"podSelector": {}}},
        STATEFUL_SET: {
            "spec": {
                "replicas": 0,
                "serviceName": "x",
                "selector": {"matchLabels": {"a": "b"}},
                "template": template,
            }
        },
    }
    meta = {"name": name, "namespace": "mooring"}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta, **content[kind]}
