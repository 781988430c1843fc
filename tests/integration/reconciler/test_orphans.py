"""`mooring orphans` on a cluster of the simulator: what it finds, what it removes and leaves."""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from app.db import installation, roles
from app.db.sealed import OPERATOR
from app.db.session import Database
from app.domain.viewer import API, Viewer
from app.services import projects
from app.services.databases import NewDatabase
from app.services.projects import Makers, NewProject
from app.services.sandboxes import NewSandbox
from app.settings import Settings
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.manifests.identity import INSTALLATION, MANAGED_BY, MANAGER, RESOURCE
from reconciler.manifests.kinds import KINDS, NAMESPACE, SERVICE, STATEFUL_SET
from reconciler.manifests.namespace import ACCOUNT
from reconciler.namespaces import Namespaces
from reconciler.orphans.__main__ import arguments, main
from reconciler.orphans.removal import Removal
from reconciler.orphans.rules import Owner
from reconciler.orphans.survey import OURS, Survey
from tests.integration.reconciler.stage import Stage
from tests.integration.reconciler.test_namespaces import namespace_of
from tests.integration.world import KEYS, becomes, project_of, viewer_of
from tests.postgres import as_role

MAKERS = Makers(Settings(), KEYS)
AUDIT = text("SELECT * FROM audit WHERE action = 'orphan.remove'")
FORGET = [
    "DELETE FROM sandbox WHERE account_id = :id",
    "DELETE FROM database WHERE account_id = :id",
    "DELETE FROM resource WHERE account_id = :id",
]


class Orphans:
    """The command, in this process, with the reconciler's rights on the database."""

    def __init__(self, url: str, stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
        self._url = as_role(url, roles.RECONCILER)
        self._stage = stage
        self._capsys = capsys

    async def says(self, *options: str, **changed: Any) -> tuple[int, str]:
        """The exit code, and what is printed."""
        settings = Settings(
            database_url=self._url,
            kubeconfig=self._stage.simulator.kubeconfig,
            cluster_rate=1000,
            cluster_burst=1000,
            **changed,
        )
        self._capsys.readouterr()
        with capture_logs():
            code = await main(arguments(options), settings)
        return code, self._capsys.readouterr().out

    async def finds(self, *options: str, **changed: Any) -> tuple[int, dict[str, Any]]:
        """The exit code, and the JSON."""
        code, said = await self.says("--json", *options, **changed)
        found: dict[str, Any] = json.loads(said)
        return code, found

    async def age(self) -> None:
        """Wait until the cluster's clock, which has whole seconds, is past all that was made."""

        async def old() -> bool:
            _, found = await self.finds("--grace", "0s")
            return all(one["state"] != "YOUNG" for one in found["objectsWithoutRows"])

        await becomes(old)


@pytest.fixture
def orphans(url: str, stage: Stage, capsys: pytest.CaptureFixture[str]) -> Orphans:
    return Orphans(url, stage, capsys)


async def made(stage: Stage, login: str) -> tuple[Viewer, str]:
    """A user with a sandbox and a database, which run; the namespace."""
    viewer = await viewer_of(stage.database, login)
    new = NewProject("shop", sandboxes=(NewSandbox("app"),), databases=(NewDatabase("db"),))
    async with stage.database.begin(viewer) as session:
        await projects.create(session, viewer, MAKERS, new)
    return viewer, await namespace_of(stage.database, viewer)


async def run(stage: Stage, *logins: str) -> list[tuple[Viewer, str]]:
    users = [await made(stage, login) for login in logins]

    async def running() -> bool:
        async with stage.database.read(API) as connection:
            found = await connection.execute(text("SELECT status FROM resource"))
            return {row.status for row in found} == {"RUNNING"}

    async with stage.running():
        await becomes(running)
    return users


async def forgets(database: Database, viewer: Viewer) -> None:
    """Rows are lost, as by a restore of an older backup."""
    async with database.begin(OPERATOR) as session:
        for statement in FORGET:
            await session.execute(text(statement), {"id": viewer.home})


async def service(
    cluster: Cluster, namespace: str, marked: dict[str, str], owner: str | None = None
) -> None:
    """A Service of a sandbox that no row knows, or of this one."""
    name = f"shop-{uuid4().hex[:8]}"
    labels = {MANAGED_BY: MANAGER, RESOURCE: owner or str(uuid4()), **marked}
    meta = {"name": name, "namespace": namespace, "labels": labels}
    spec = {"ports": [{"port": 80}]}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
    await cluster.apply(body)


async def is_empty(cluster: Cluster, namespace: str) -> bool:
    """Whether no resource has anything there."""
    return not await left(cluster, namespace)


async def left(cluster: Cluster, namespace: str) -> list[str]:
    """What resources have there."""
    return [
        f"{kind.kind}/{body['metadata']['name']}"
        for kind in KINDS
        for body in await cluster.list_all(kind, namespace, OURS)
    ]


async def told_of_a_lost_workload(stage: Stage, orphans: Orphans, namespace: str) -> None:
    """A row whose workload is not there is told of, and never removed."""
    [workload] = await stage.cluster.list_all(STATEFUL_SET, namespace, OURS)
    await stage.cluster.delete(STATEFUL_SET, workload)

    async def gone() -> bool:
        return not await stage.cluster.list_all(STATEFUL_SET, namespace, OURS)

    await becomes(gone)
    code, found = await orphans.finds("--delete", "--grace", "0s")
    said = (await orphans.says())[1]

    assert code == 1
    [row] = found["rowsWithoutObjects"]
    assert (row["kind"], row["status"]) == ("SANDBOX", "RUNNING")
    assert (row["object"], row["missingSince"]) == (workload["metadata"]["name"], None)
    assert found["removed"] == []
    assert "made again with its next look" in said
    async with stage.database.read(API) as connection:
        rows = await connection.execute(text("SELECT count(*) FROM resource"))
        assert rows.scalar_one() == 2


async def every_object_is_marked(cluster: Cluster, mark: str) -> None:
    """But for pods and volumes, and for what pods are made from."""
    marks = {
        kind.kind: {
            body["metadata"]["labels"].get(INSTALLATION)
            for body in await cluster.list_all(kind, "", OURS)
        }
        for kind in KINDS
    }
    spaces = await cluster.list_all(NAMESPACE, "", ACCOUNT)
    workloads = await cluster.list_all(STATEFUL_SET, "", OURS)

    assert {name for name, found in marks.items() if None in found} == {
        "Pod",
        "PersistentVolumeClaim",
    }
    assert set().union(*marks.values()) == {None, mark}
    assert {body["metadata"]["labels"][INSTALLATION] for body in spaces} == {mark}
    for workload in workloads:
        assert INSTALLATION not in workload["spec"]["template"]["metadata"]["labels"]


async def test_what_no_row_knows_is_found_in_two_namespaces_and_removed_when_told(
    stage: Stage, orphans: Orphans
) -> None:
    [(ada, hers), (_, his)] = await run(stage, "ada", "bob")
    clean = await orphans.finds()
    await every_object_is_marked(stage.cluster, clean[1]["installation"])
    await forgets(stage.database, ada)
    await orphans.age()

    code, found = await orphans.finds("--grace", "0s")
    shown = await orphans.says("--grace", "0s")

    assert clean[0] == 0
    assert clean[1]["managed"] == 6  # two namespaces, two sandboxes, two databases
    assert code == 1
    lost = found["objectsWithoutRows"]
    assert {(one["what"], one["namespace"], one["state"]) for one in lost} == {
        ("Sandbox", hers, "REMOVABLE"),
        ("Database", hers, "REMOVABLE"),
    }
    assert {tuple(one["disks"]) for one in lost} == {("10Gi",), ("a database's",)}
    assert "Objects without a row" in shown[1]

    young = await orphans.finds("--delete")
    refused = await orphans.finds("--delete", "--grace", "0s")
    wrong = await orphans.finds("--delete", "--grace", "0s", "--expect", "1")

    assert {one["state"] for one in young[1]["objectsWithoutRows"]} == {"YOUNG"}
    assert (young[0], young[1]["removed"]) == (1, [])
    assert refused[0] == 1
    assert "2 of the 6" in refused[1]["refused"]
    assert "--expect says 1, and 2 would go" in wrong[1]["refused"]
    assert await left(stage.cluster, hers)

    before = await left(stage.cluster, his)
    code, removed = await orphans.finds("--delete", "--grace", "0s", "--expect", "2")
    await becomes(lambda: is_empty(stage.cluster, hers))

    assert (code, len(removed["removed"])) == (0, 2)
    assert await left(stage.cluster, his) == before
    assert (await orphans.finds())[0] == 0
    async with stage.database.read(API) as connection:
        lines = (await connection.execute(AUDIT)).all()
    assert {(line.actor_name, line.subject_type) for line in lines} == {
        ("operator", "Sandbox"),
        ("operator", "Database"),
    }
    assert all(line.detail["namespace"] == hers and line.detail["objects"] for line in lines)
    await told_of_a_lost_workload(stage, orphans, his)


async def test_what_is_of_others_or_of_nobody_knows_whom_is_left_alone(
    stage: Stage, orphans: Orphans
) -> None:
    await stage.call("POST", "/api/v1/namespaces", {"metadata": {"name": "one"}})
    mark, other = (await orphans.finds())[1]["installation"], str(uuid4())
    await service(stage.cluster, "one", {INSTALLATION: mark})
    await service(stage.cluster, "default", {INSTALLATION: mark})
    await service(stage.cluster, "one", {INSTALLATION: other})
    await service(stage.cluster, "one", {})
    before = await left(stage.cluster, "one")

    code, found = await orphans.finds("--delete", "--grace", "0s", "--expect", "0")
    _, one = await orphans.finds(sandbox_namespace="one")
    _, named = await orphans.finds("--installation", other, "--delete", "--grace", "0s")

    assert code == 1
    assert {it["namespace"] for it in found["objectsWithoutRows"]} == {"one", "default"}
    assert found["ofOthers"] == [
        {"installation": None, "count": 1},
        {"installation": other, "count": 1},
    ]
    assert [it["namespace"] for it in one["objectsWithoutRows"]] == ["one"]
    assert len(named["objectsWithoutRows"]) == named["managed"] == 1
    assert await left(stage.cluster, "one") == before

    refused = {"fault": "Answer", "code": 403, "kind": "Secret", "verbs": ["list"]}
    async with stage.faulty(refused):
        code, found = await orphans.finds("--delete")
        said = (await orphans.says())[1]

    assert code == 2
    assert [why.partition(":")[0] for why in found["notLookedAt"]] == ["secrets"]
    assert found["refused"] == "not all objects could be seen"
    assert "Not looked at: secrets" in said


async def test_each_is_looked_at_again_before_it_goes(stage: Stage) -> None:
    database, cluster = stage.database, stage.cluster
    settings = Settings(sandbox_namespace="default")
    removal = Removal(cluster, database, Namespaces(cluster, database, settings))
    async with database.read(API) as connection:
        mark = {INSTALLATION: str(await installation.mark(connection))}
    for _ in range(2):
        await service(cluster, "default", mark)
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    async with database.read(API) as connection:
        row = (await connection.execute(text("SELECT id, k8s_namespace FROM sandbox"))).one()
    grows, changes = (await Survey(cluster, database, settings).made()).orphans
    has_row = replace(grows, owner=Owner(row.id, row.k8s_namespace))
    await service(cluster, "default", mark, str(grows.owner.id))
    [seen] = await cluster.list_all(SERVICE, "default", f"{OURS}={changes.owner.id}")
    port = {**seen["spec"], "ports": [{**seen["spec"]["ports"][0], "port": 81}]}
    await stage.call("PUT", SERVICE.path("default", changes.name), {**seen, "spec": port})

    said = [(await removal.remove(one)).left for one in (has_row, grows)]
    with pytest.raises(ClusterError) as moved:
        await removal._delete(SERVICE, seen)

    assert said == ["it has a row by now", "it has new objects: look again"]
    assert moved.value.meaning is Meaning.CONFLICT
    assert len(await left(cluster, "default")) == 3
    assert (await removal.remove(changes)).deleted == (f"Service/{changes.name}",)
    assert len(await left(cluster, "default")) == 2


@pytest.mark.faults
async def test_a_namespace_stays_while_anything_is_in_it(stage: Stage, orphans: Orphans) -> None:
    mark = (await orphans.finds())[1]["installation"]
    labels = {MANAGED_BY: MANAGER, ACCOUNT: str(uuid4()), INSTALLATION: mark}
    await stage.call("POST", "/api/v1/namespaces", {"metadata": {"name": "lost", "labels": labels}})
    # A Service without a mark is of the installation that its namespace is of.
    await service(stage.cluster, "lost", {})
    meta = {"name": "somebodys", "namespace": "lost"}
    spec = {"ports": [{"port": 80}]}
    theirs = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
    await stage.cluster.apply(theirs)
    await orphans.age()

    _, first = await orphans.finds("--delete", "--grace", "0s", "--expect", "2")
    _, second = await orphans.finds("--delete", "--grace", "0s", "--expect", "1")

    assert [one["left"] for one in first["removed"] if one["left"]] in (
        ["it holds resources: once they are gone"],
        ["it holds what is not Mooring's: Service/somebodys"],
    )
    assert [one["left"] for one in second["removed"]] == [
        "it holds what is not Mooring's: Service/somebodys"
    ]
    assert await stage.cluster.get(NAMESPACE, "", "lost") is not None


@pytest.mark.faults
@pytest.mark.parametrize("kubeblocks", ["1.0", "0.9", "0.8"])
async def test_what_a_lost_database_knew_is_removed_once_its_installation_is_named(
    stage: Stage, orphans: Orphans
) -> None:
    [(ada, hers)] = await run(stage, "ada")
    theirs = (await orphans.finds())[1]["installation"]
    # In place of a second database: this one knows nobody, and has another mark.
    await forgets(stage.database, ada)
    async with stage.database.begin(OPERATOR) as session:
        await session.execute(text("UPDATE installation SET mark = gen_random_uuid()"))
        await session.execute(
            text("UPDATE account SET k8s_namespace = 'other' WHERE id = :id"), {"id": ada.home}
        )
    before = await left(stage.cluster, hers)

    code, found = await orphans.finds("--delete", "--grace", "0s", "--expect", "0")

    assert (code, found["objectsWithoutRows"], found["managed"]) == (0, [], 0)
    assert found["ofOthers"] == [{"installation": theirs, "count": 3}]
    assert await left(stage.cluster, hers) == before

    named = ("--installation", theirs, "--grace", "0s")

    async def removed() -> bool:
        number = (await orphans.finds(*named))[1]["removable"]
        await orphans.finds(*named, "--delete", "--expect", str(number))
        return await stage.cluster.get(NAMESPACE, "", hers) is None

    await becomes(removed)
    assert (await orphans.finds(*named))[1]["objectsWithoutRows"] == []
