"""Databases on real parts: Postgres for our rows, the simulator's KubeBlocks over HTTP."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db import databases
from app.db import resources as asks
from app.db.databases import Access, DatabaseSpec
from app.db.session import Database
from app.domain.ids import new_id
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API, RECONCILER, Viewer
from app.services import projects
from app.services import resources as verbs
from app.services.databases import NewDatabase
from app.services.projects import NewProject
from app.settings import Settings
from reconciler.access import account
from reconciler.cluster.client import Cluster
from reconciler.loop import Loop
from reconciler.manifests import kubeblocks_v1
from reconciler.manifests.database import Database as Made
from reconciler.manifests.database import component, is_told_to_stop, services_of
from reconciler.manifests.identity import Owner
from reconciler.manifests.kinds import (
    CLAIM,
    CLUSTER,
    KINDS,
    NETWORK_POLICY,
    OLD_CLUSTER,
    OLD_OPS_REQUEST,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
)
from reconciler.resources import Resources
from reconciler.watch import Watch
from tests.integration.reconciler.stage import Stage
from tests.integration.world import KEYS, MAKERS, becomes, viewer_of

OURS = "app.kubernetes.io/managed-by=mooring"


@asynccontextmanager
async def running(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> AsyncIterator[Loop]:
    """A reconciler for the block."""
    loop = Loop(database, resources.reconcile, settings, "test")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(loop.run())
        watch = Watch(database, cluster, "mooring", loop.wake)
        watching = group.create_task(watch.run((STATEFUL_SET, CLUSTER, OLD_CLUSTER)))
        yield loop
        loop.stop()
        await task
        watching.cancel()


async def make(database: Database, viewer: Viewer, new: NewProject) -> UUID:
    async with database.begin(viewer) as session:
        return (await projects.create(session, viewer, MAKERS, new)).id


async def want(database: Database, viewer: Viewer, project: UUID, desired: DesiredState) -> None:
    async with database.begin(viewer) as session:
        await projects.want(session, viewer, project, desired)


async def shows(database: Database, **expected: str) -> None:
    """Wait until the resources have these statuses, by name."""

    async def same() -> bool:
        async with database.read(API) as connection:
            found = await connection.execute(text("SELECT name, status FROM resource"))
            return {row.name: row.status for row in found} == expected

    await becomes(same)


async def access_to(database: Database, project: UUID) -> Access:
    async with database.read(API) as connection:
        [found] = await databases.of_project(connection, project)
    return found


RELEASES = ("1.0", "0.9", "0.8")


async def live(cluster: Cluster) -> dict[str, Any]:
    """The one Cluster there is, in whichever version."""
    for kind in (CLUSTER, OLD_CLUSTER):
        for body in await cluster.list_all(kind, "mooring", OURS):
            return body
    raise AssertionError("there is no Cluster")


@pytest.mark.parametrize("kubeblocks", RELEASES)
async def test_a_database_runs_keeps_its_data_when_stopped_and_goes(
    database: Database,
    resources: Resources,
    cluster: Cluster,
    settings: Settings,
    kubeblocks: str,
) -> None:
    viewer = await viewer_of(database)
    only = NewProject("shop", sandboxes=(), databases=(NewDatabase("db", version="16.4.0"),))
    project = await make(database, viewer, only)

    async with running(database, resources, cluster, settings) as loop:
        await shows(database, db="RUNNING")
        first = await access_to(database, project)
        of_it = f"app.kubernetes.io/instance={first.k8s_name}"
        volumes = await uids(cluster, CLAIM, of_it)
        await want(database, viewer, project, DesiredState.STOPPED)
        loop.wake()
        await shows(database, db="STOPPED")
        stopped = await live(cluster)
        pods_of_stopped = await uids(cluster, POD, of_it)
        await want(database, viewer, project, DesiredState.RUNNING)
        loop.wake()
        await shows(database, db="RUNNING")
        again = await access_to(database, project)
        running_again = await live(cluster)
        kept = await uids(cluster, CLAIM, of_it)
        await want(database, viewer, project, DesiredState.DELETED)
        loop.wake()
        await shows(database)

    assert first == again
    assert volumes == kept != set()
    assert pods_of_stopped == set()
    assert (first.port, first.username, first.database) == (5432, "postgres", "postgres")
    service = "postgresql-postgresql" if kubeblocks == "1.0" else "postgresql"
    assert first.host == f"{first.k8s_name}-{service}.mooring.svc"
    assert component(stopped)["replicas"] == (0 if kubeblocks == "0.8" else 1)
    assert component(running_again)["replicas"] == 1
    assert not component(running_again).get("stop")
    assert sum([len(await cluster.list_all(kind, "mooring", OURS)) for kind in KINDS]) == 0


async def uids(cluster: Cluster, kind: Kind, selector: str) -> set[str]:
    return {one["metadata"]["uid"] for one in await cluster.list_all(kind, "mooring", selector)}


@pytest.mark.parametrize("kubeblocks", ["1.0", "0.8"])
async def test_a_change_reaches_a_database_that_runs_and_one_that_is_stopped_when_it_starts(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    viewer = await viewer_of(database)
    only = NewProject("shop", sandboxes=(), databases=(NewDatabase("db", version="16.4.0"),))
    project = await make(database, viewer, only)
    key = (await access_to(database, project)).id

    async def change(**given: str | int) -> None:
        async with database.begin(viewer) as session:
            await verbs.update(session, viewer, MAKERS.databases, key, given)
        loop.wake()

    async with running(database, resources, cluster, settings) as loop:
        await shows(database, db="RUNNING")
        await change(version="16.9.0", cpu="2", storage="5Gi")
        await converges(database)
        grown = await live(cluster)
        await want(database, viewer, project, DesiredState.STOPPED)
        loop.wake()
        await shows(database, db="STOPPED")
        await change(memory="2Gi", replicas=2)
        await converges(database)
        stopped = await shown_status(database)
        await want(database, viewer, project, DesiredState.RUNNING)
        loop.wake()
        await converges(database)
        started = await live(cluster)

    assert component(grown)["resources"]["limits"]["cpu"] == "2"
    [volume] = component(grown)["volumeClaimTemplates"]
    assert volume["spec"]["resources"]["requests"]["storage"] == "5Gi"
    assert "16.9.0" in str(grown["spec"])
    assert stopped == "STOPPED"
    assert component(started)["resources"]["limits"] == {"cpu": "2", "memory": "2Gi"}
    assert component(started)["replicas"] == 2


async def converges(database: Database) -> None:
    """Wait until all there is was looked at for its newest generation, and is as wanted."""

    async def same() -> bool:
        async with database.read(API) as connection:
            found = await connection.execute(
                text(
                    "SELECT bool_and(observed_generation = generation"
                    " AND status = desired_state) AS all_are FROM resource"
                )
            )
            return bool(found.scalar_one())

    await becomes(same)


async def shown_status(database: Database) -> str:
    async with database.read(API) as connection:
        found: str = (await connection.execute(text("SELECT status FROM resource"))).scalar_one()
        return found


@pytest.mark.parametrize("kubeblocks", ["1.0", "0.8"])
async def test_one_that_somebody_else_stops_is_started_again_where_it_is_set_so(
    stage: Stage, kubeblocks: str
) -> None:
    viewer = await viewer_of(stage.database)
    await make(stage.database, viewer, NewProject("shop", sandboxes=()))

    healing = stage.running(database_starting_deadline=60, database_stopped_elsewhere="heal")
    async with healing:
        await shows(stage.database, db="RUNNING")
        before = await live(stage.cluster)
        name = before["metadata"]["name"]
        group = "operations" if kubeblocks == "1.0" else "apps"
        path = f"/apis/{group}.kubeblocks.io/v1alpha1/namespaces/mooring/opsrequests"
        body = {
            "apiVersion": f"{group}.kubeblocks.io/v1alpha1",
            "kind": "OpsRequest",
            "metadata": {"name": "by-hand"},
            "spec": {"clusterName": name, "type": "Stop"},
        }
        await stage.call("POST", path, body)

        async def started_again() -> bool:
            found = await live(stage.cluster)
            up = not is_told_to_stop(found) and found["status"]["phase"] == "Running"
            return up and found["metadata"]["generation"] >= before["metadata"]["generation"] + 2

        await becomes(started_again)
        await shows(stage.database, db="RUNNING")


async def test_a_sandbox_has_the_address_of_its_database_at_its_first_boot(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    viewer = await viewer_of(database)
    project = await make(database, viewer, NewProject("shop"))

    async with running(database, resources, cluster, settings):
        await shows(database, app="RUNNING", db="RUNNING")

    known = await access_to(database, project)
    [workload] = await cluster.list_all(STATEFUL_SET, "mooring", OURS)
    secret = await cluster.get(SECRET, "mooring", f"{workload['metadata']['name']}-env")
    [policy] = await cluster.list_all(NETWORK_POLICY, "mooring", OURS)
    assert secret is not None
    assert known.password is not None
    given = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    password = KEYS.open(known.password, "database", known.id, "password")
    assert given["DATABASE_URL"] == (f"postgresql://postgres:{password}@{known.host}:5432/postgres")
    assert given["PGPASSWORD"] == password
    assert workload["status"]["currentRevision"] == workload["status"]["updateRevision"]
    assert workload["metadata"]["generation"] == 1
    assert known.k8s_name in str(policy["spec"]["egress"])


@pytest.mark.faults
@pytest.mark.parametrize("kubeblocks", ["0.8"])
async def test_a_request_that_failed_is_made_anew_and_somebody_elses_is_left_alone(
    stage: Stage, kubeblocks: str
) -> None:
    viewer = await viewer_of(stage.database)
    project = await make(stage.database, viewer, NewProject("shop", sandboxes=()))

    async def put(kind: str, generation: int, labels: dict[str, str]) -> str:
        known = await access_to(stage.database, project)
        name = f"{known.k8s_name}-{kind.lower()}-{generation}"
        spec = {"type": kind, "clusterRef": "nobody"}
        meta = {"name": name, "labels": labels}
        kind_of_it = {"apiVersion": OLD_OPS_REQUEST.api_version, "kind": "OpsRequest"}
        body = {**kind_of_it, "metadata": meta, "spec": spec}
        await stage.call("POST", OLD_OPS_REQUEST.path("mooring"), body)
        return name

    async with stage.running(database_stopping_deadline=60) as loop:
        await shows(stage.database, db="RUNNING")
        ours = {"mooring.dev/resource": str((await access_to(stage.database, project)).id)}
        await put("Stop", 2, ours)
        await want(stage.database, viewer, project, DesiredState.STOPPED)
        loop.wake()
        await shows(stage.database, db="STOPPED")
        name = await put("Start", 3, {})
        await want(stage.database, viewer, project, DesiredState.RUNNING)
        loop.wake()
        failed = await stage.shows("ERROR", Reason.NAME_CLASH)
        left = await stage.cluster.get(OLD_OPS_REQUEST, "mooring", name)
        await stage.call("DELETE", OLD_OPS_REQUEST.path("mooring", name))
        await shows(stage.database, db="RUNNING")

    assert failed.object == f"OpsRequest/{name}"
    assert left is not None


@pytest.mark.parametrize("kubeblocks", ["1.0", "0.9"])
async def test_a_password_that_was_changed_in_the_cluster_restarts_the_sandboxes_once(
    stage: Stage, kubeblocks: str
) -> None:
    viewer = await viewer_of(stage.database)
    project = await make(stage.database, viewer, NewProject("shop"))

    async def given() -> str:
        [workload] = await stage.cluster.list_all(STATEFUL_SET, "mooring", OURS)
        name = f"{workload['metadata']['name']}-env"
        secret = await stage.cluster.get(SECRET, "mooring", name)
        assert secret is not None
        return base64.b64decode(secret["data"]["PGPASSWORD"]).decode()

    async def has_the_new_one() -> bool:
        # The Secret is written before the workload, whose new pod is what restarts.
        [workload] = await stage.cluster.list_all(STATEFUL_SET, "mooring", OURS)
        return await given() == "changed by hand" and workload["metadata"]["generation"] > 1

    async with stage.running(database_starting_deadline=60, starting_deadline=60):
        await shows(stage.database, app="RUNNING", db="RUNNING")
        before = await given()
        known = await access_to(stage.database, project)
        kind = "account-postgres" if kubeblocks == "1.0" else "conn-credential"
        part = "-postgresql" if kubeblocks == "1.0" else ""
        name = f"{known.k8s_name}{part}-{kind}"
        account = await stage.cluster.get(SECRET, "mooring", name)
        assert account is not None
        account["data"]["password"] = base64.b64encode(b"changed by hand").decode()
        await stage.call("PUT", SECRET.path("mooring", name), account)

        await becomes(has_the_new_one)
        await shows(stage.database, app="RUNNING", db="RUNNING")
        [workload] = await stage.cluster.list_all(STATEFUL_SET, "mooring", OURS)

    assert before != "changed by hand"
    assert workload["metadata"]["generation"] == 2


async def test_a_service_of_another_name_is_found_by_its_labels(stage: Stage) -> None:
    owner = Owner(new_id(), new_id(), 1, "mooring", "shop-abcdefgh", "database")
    made = Made(owner, False, None, 1, "1", "1Gi", "3Gi")
    [body] = kubeblocks_v1.objects(made, None, Settings())
    usual = kubeblocks_v1.service(owner.name)
    services = services_of(owner.name)
    spec = DatabaseSpec(owner.id, new_id(), None, "mooring", owner.name, None, 1, "1", "1Gi", "3Gi")
    nothing = Access(owner.id, "db", DesiredState.RUNNING, owner.name, None, None, None, None, None)

    async def reached() -> str | None:
        found = await account(stage.cluster, kubeblocks_v1, spec, nothing, settled=False)
        return found.host if found else None

    async def is_reached() -> bool:
        return await reached() == f"{usual}.mooring.svc"

    await stage.cluster.apply(body)
    await becomes(is_reached)
    async with stage.faulty({"fault": "OperatorAbsent", "kind": "Cluster"}):
        found = await stage.cluster.list_all(SERVICE, "mooring", services)
        [service] = [one for one in found if one["metadata"]["name"] == usual]
        meta = {"name": "another", "labels": service["metadata"]["labels"]}
        other = {"ports": [{"port": 5432}], "selector": service["spec"]["selector"]}
        await stage.call("POST", SERVICE.path("mooring"), {"metadata": meta, "spec": other})
        await stage.call("DELETE", SERVICE.path("mooring", usual))
        by_its_labels = await reached()
        await stage.call("DELETE", SERVICE.path("mooring", "another"))
        without = await reached()

    assert by_its_labels == "another.mooring.svc"
    assert without is None  # the headless one is none to connect to


async def test_a_sandbox_that_waited_long_enough_starts_without_and_restarts_with_its_database(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    viewer = await viewer_of(database)
    project = await make(database, viewer, NewProject("shop"))

    async def reason() -> str | None:
        async with database.read(API) as connection:
            query = text("SELECT reason FROM resource WHERE name = 'app'")
            found: str | None = (await connection.execute(query)).scalar_one()
            return found

    async def runs_without() -> bool:
        return await reason() == "StartedWithoutDatabase"

    async with database.begin(API) as session:
        # Nobody makes it: its operator is away.
        await session.execute(
            text("UPDATE resource SET lane = 2, due_at = 'infinity' WHERE kind = 'DATABASE'")
        )
    async with running(database, resources, cluster, settings) as loop:

        async def waits() -> bool:
            return await reason() == "WaitingForDatabase"

        await becomes(waits)
        async with database.begin(API) as session:
            await session.execute(
                text("UPDATE resource SET since = since - interval '1 hour' WHERE name = 'app'")
            )
        await becomes(runs_without)
        async with database.begin(API) as session:
            await session.execute(
                text("UPDATE resource SET lane = 0, due_at = mooring_now() WHERE kind = 'DATABASE'")
            )
        loop.wake()

        async def has_it() -> bool:
            [workload] = await cluster.list_all(STATEFUL_SET, "mooring", OURS)
            secret = await cluster.get(SECRET, "mooring", f"{workload['metadata']['name']}-env")
            return secret is not None and "DATABASE_URL" in secret["data"]

        await becomes(has_it)
        await shows(database, app="RUNNING", db="RUNNING")

    assert await reason() is None
    assert (await access_to(database, project)).password is not None


async def test_another_look_at_a_settled_database_changes_nothing_of_it(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    viewer = await viewer_of(database)
    project = await make(database, viewer, NewProject("shop", sandboxes=()))

    async with running(database, resources, cluster, settings) as loop:
        await shows(database, db="RUNNING")
        [before] = await cluster.list_all(CLUSTER, "mooring", OURS)
        for _ in range(2):
            looks = await claims(database)
            async with database.begin(API) as session:
                await asks.ask(session, [(await access_to(database, project)).id])
            loop.wake()

            async def looked(since: int = looks) -> bool:
                return await claims(database) > since

            await becomes(looked)
            await shows(database, db="RUNNING")
        [after] = await cluster.list_all(CLUSTER, "mooring", OURS)

    assert after["metadata"]["generation"] == before["metadata"]["generation"]


async def claims(database: Database) -> int:
    async with database.read(API) as connection:
        query = text("SELECT claims FROM resource WHERE locked_until = '-infinity'")
        found: int | None = (await connection.execute(query)).scalar_one_or_none()
    return found or 0


async def test_on_a_stop_the_sandboxes_go_first(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    viewer = await viewer_of(database)
    project = await make(database, viewer, NewProject("shop"))

    async with running(database, resources, cluster, settings) as loop:
        await shows(database, app="RUNNING", db="RUNNING")
        await want(database, viewer, project, DesiredState.STOPPED)
        loop.wake()
        await shows(database, app="STOPPED", db="STOPPED")

    async with database.read(API) as connection:
        found = await connection.execute(
            text("SELECT subject_name, to_status FROM change ORDER BY seq")
        )
        stops = [row.subject_name for row in found if row.to_status == "STOPPED"]
    assert stops[:2] == ["app", "db"]


async def test_a_database_that_went_on_without_its_sandboxes_is_held_back_no_more(
    stage: Stage,
) -> None:
    viewer = await viewer_of(stage.database)
    project = await make(stage.database, viewer, NewProject("shop"))

    async def database_shows(status: str) -> bool:
        async with stage.database.read(API) as connection:
            query = text("SELECT status, reason FROM resource WHERE kind = 'DATABASE'")
            row = (await connection.execute(query)).one()
        return (row.status, row.reason) == (status, None)

    async def looks() -> int:
        async with stage.database.read(API) as connection:
            query = text("SELECT claims FROM resource WHERE name = 'db' AND lease_token IS NULL")
            return (await connection.execute(query)).scalar_one_or_none() or 0

    async with stage.running(siblings_wait=0.2, stopping_deadline=3600) as loop:
        await shows(stage.database, app="RUNNING", db="RUNNING")
        [workload] = await stage.cluster.list_all(STATEFUL_SET, "mooring", OURS)
        pod = f"mooring/{workload['metadata']['name']}-0"
        async with stage.faulty({"fault": "StuckTerminating", "name": pod}):
            await want(stage.database, viewer, project, DesiredState.STOPPED)
            loop.wake()
            await becomes(lambda: database_shows("STOPPED"))
            before = await looks()
            async with stage.database.autocommit(RECONCILER) as connection:
                await asks.ask(connection, [(await access_to(stage.database, project)).id])
            loop.wake()

            async def looked() -> bool:
                return await looks() > before

            await becomes(looked)
            assert await database_shows("STOPPED")
            await shows(stage.database, app="STOPPING", db="STOPPED")


async def test_a_kind_that_was_not_served_is_asked_for_again(stage: Stage) -> None:
    viewer = await viewer_of(stage.database)
    async with stage.faulty({"fault": "NotInstalled", "group": "*.kubeblocks.io"}):
        before = await stage.cluster.list_all(CLUSTER, "mooring", OURS)

    async with stage.running():
        await make(stage.database, viewer, NewProject("shop", sandboxes=()))
        await shows(stage.database, db="RUNNING")

    assert before == []
    assert len(await stage.cluster.list_all(CLUSTER, "mooring", OURS)) == 1
