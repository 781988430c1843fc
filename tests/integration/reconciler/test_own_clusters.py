"""Users' own clusters: looked at, used, changed, broken; the operator's simulator and theirs."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from aiohttp import web
from sqlalchemy import text

from app.auth.kubeconfigs import parse_kubeconfig
from app.db import inspections, roles
from app.db.inspections import Finding
from app.db.session import Database
from app.domain.addresses import AddressRules
from app.domain.settings import CredentialState
from app.domain.states import DesiredState
from app.domain.viewer import API, RECONCILER, Viewer
from app.services import kubeconfigs, projects, resources
from app.services.databases import NewDatabase
from app.services.projects import NewProject
from app.services.sandboxes import NewSandbox
from app.settings import Settings
from reconciler.cluster.client import Bounds, Cluster
from reconciler.cluster.trusted import connect
from reconciler.clusters import Clusters
from reconciler.credentials import Credentials
from reconciler.loop import Loop
from reconciler.manifests.kinds import POD, SECRET, STATEFUL_SET
from tests.certificates import signed
from tests.integration.reconciler.bad_server import Misbehaviour, misbehaving, never
from tests.integration.reconciler.stage import Stage
from tests.integration.reconciler.test_bad_clusters import (
    drips_body,
    endless_body,
    goes_on_for_ever,
    html,
    reset,
)
from tests.integration.reconciler.test_vetted import serving
from tests.integration.reconciler.working import resources_of
from tests.integration.world import KEYS, MAKERS, becomes, project_of, viewer_of
from tests.kubeconfigs import Tree, changed, good
from tests.postgres import as_role
from tests.simulator import RunningSimulator, running_simulator
from tests.unit.reconciler.sandbox import claim

pytestmark = pytest.mark.security

LOCAL = AddressRules((ip_network("127.0.0.0/8"),))
QUICK: dict[str, Any] = {
    "kubeconfig_allowed_networks": ["127.0.0.0/8"],
    "poll": 0.2,
    "retry_longest": 0.5,
    "cluster_rate": 1000,
    "cluster_burst": 1000,
    "cluster_timeout": 2,
    "lease": 6,
    "lease_margin": 1,
    "pass_timeout": 4,
}
EVERYWHERE = {"fault": "Answer", "code": 401}


@pytest_asyncio.fixture(scope="module")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningSimulator]:
    """The operator's cluster, one for all tests here."""
    async with running_simulator(tmp_path_factory.mktemp("operators")) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def theirs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningSimulator]:
    """A user's cluster, on another address than the operator's; one for all tests here."""
    folder = tmp_path_factory.mktemp("theirs")
    async with running_simulator(folder, "--host", "127.0.0.2") as running:
        yield running


@dataclass
class Own:
    """Everything between a user and two clusters."""

    database: Database
    working: Database
    operator: Cluster
    theirs: RunningSimulator

    def tree(self, **changes: Any) -> Tree:
        tree: Tree = json.loads(self.theirs.kubeconfig.read_text())
        for path, value in changes.items():
            where = {
                "namespace": ("contexts", 0, "context", "namespace"),
                "token": ("users", 0, "user", "token"),
                "server": ("clusters", 0, "cluster", "server"),
            }[path]
            tree = changed(tree, *where, to=value)
        return tree

    async def set(self, viewer: Viewer, tree: Tree | None = None) -> None:
        """As setKubeconfig does."""
        read = parse_kubeconfig(json.dumps(tree or self.tree()), (), LOCAL)
        async with self.database.begin(viewer) as session:
            await kubeconfigs.put(session, viewer, KEYS, read)

    async def forget(self, viewer: Viewer) -> None:
        async with self.database.begin(viewer) as session:
            await kubeconfigs.delete(session, viewer)

    @asynccontextmanager
    async def running(self, **settings: Any) -> AsyncIterator[Clusters]:
        """Both loops of a reconciler, for the block."""
        chosen = Settings(**(QUICK | settings))
        clusters = Clusters(self.operator, self.working, KEYS, chosen)
        resources = resources_of(self.working, self.operator, chosen, clusters)
        loop = Loop(self.working, resources.reconcile, chosen, "test", clusters.most)
        looking = Credentials(self.working, clusters, chosen, "test", loop.wake)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(loop.run())
            other = group.create_task(looking.run())
            try:
                yield clusters
            finally:
                loop.stop()
                other.cancel()
                await task
        await clusters.close()

    async def credential(self) -> Any:
        async with self.database.read(API) as connection:
            return (await connection.execute(text("SELECT * FROM credential"))).first()

    async def looked(self, state: str, reason: str | None = None) -> Any:
        """The one credential, once it is in this state."""
        last: Any = None

        async def same() -> bool:
            nonlocal last
            last = await self.credential()
            return (last.state, last.reason) == (state, reason)

        await self._until(same, lambda: f"not {state} with {reason}, but {last}")
        return last

    async def shows(self, *expected: tuple[str, str | None]) -> list[Any]:
        """All resources in order of creation, once they have these statuses and reasons."""
        last: list[Any] = []

        async def same() -> bool:
            nonlocal last
            async with self.database.read(API) as connection:
                last = list(await connection.execute(text("SELECT * FROM resource ORDER BY id")))
            return [(row.status, row.reason) for row in last] == list(expected)

        seen = lambda: f"not {expected}, but {[(r.status, r.reason, r.message) for r in last]}"  # noqa: E731
        await self._until(same, seen)
        return last

    async def _until(self, holds: Callable[[], Awaitable[bool]], seen: Callable[[], str]) -> None:
        try:
            await becomes(holds)
        except TimeoutError:
            pytest.fail(seen())


@pytest_asyncio.fixture
async def own(
    database: Database, url: str, cluster: Cluster, theirs: RunningSimulator
) -> AsyncIterator[Own]:
    """The reconciler works in its own role."""
    working = Database(as_role(url, roles.RECONCILER), pool=5)
    yield Own(database, working, cluster, theirs)
    await working.close()


async def want(database: Database, viewer: Viewer, project: UUID, desired: DesiredState) -> None:
    async with database.begin(viewer) as session:
        await projects.want(session, viewer, project, desired)


async def test_a_good_one_is_ready_and_says_who_it_is(own: Own) -> None:
    viewer = await viewer_of(own.database)
    await own.set(viewer)

    async with own.running():
        row = await own.looked("READY")

    assert (row.username, row.missing, row.attempts) == ("mooring-simulator", [], 0)
    assert row.observed_generation == row.generation == 1
    assert row.lane == 2
    assert row.lease_token is None


async def test_what_it_may_not_do_is_named(own: Own) -> None:
    viewer = await viewer_of(own.database)
    await own.set(viewer)
    forbidden = {"fault": "Answer", "code": 403, "kind": "StatefulSet", "verbs": ["patch"]}
    stage = Stage(own.database, own.theirs, own.operator)

    async with own.running(), stage.faulty(forbidden):
        row = await own.looked("REFUSED", "PermissionMissing")

    assert row.missing == ["patch statefulsets.apps"]
    assert row.message == "It may not do in namespace mooring: patch statefulsets.apps."
    assert row.username == "mooring-simulator"


async def test_a_wrong_token_is_rejected(own: Own) -> None:
    viewer = await viewer_of(own.database)
    await own.set(viewer, own.tree(token="wrong"))

    async with own.running():
        row = await own.looked("REFUSED", "CredentialRejected")

    assert row.message == "Unauthorized"


async def test_a_namespace_that_is_not_there_is_named(own: Own) -> None:
    viewer = await viewer_of(own.database)
    await own.set(viewer, own.tree(namespace="nowhere"))

    async with own.running():
        row = await own.looked("REFUSED", "NamespaceMissing")

    assert row.message == "There is no namespace nowhere in the cluster."


async def test_an_address_that_no_setting_allows_is_refused(own: Own) -> None:
    viewer = await viewer_of(own.database)
    await own.set(viewer)

    async with own.running(kubeconfig_allowed_networks=[]):
        row = await own.looked("REFUSED", "AddressRefused")

    assert row.message == "The host of the kubeconfig's server is a loopback address."


async def test_the_operators_own_cluster_is_refused_until_a_setting_allows_it(
    own: Own, simulator: RunningSimulator
) -> None:
    viewer = await viewer_of(own.database)
    await own.set(viewer, json.loads(simulator.kubeconfig.read_text()))

    async with own.running():
        row = await own.looked("REFUSED", "AddressRefused")
    async with own.database.begin(viewer) as session:
        await kubeconfigs.check(session, viewer)
    async with own.running(kubeconfig_own_cluster=True, kubeconfig_allowed_networks=[]):
        await own.looked("READY")

    assert row.message == "The host of the kubeconfig's server is the operator's own cluster."


async def test_one_that_cannot_be_reached_is_tried_again_until_it_can(own: Own) -> None:
    viewer = await viewer_of(own.database)
    await own.set(viewer)
    stage = Stage(own.database, own.theirs, own.operator)

    async with own.running():
        async with stage.faulty({"fault": "Answer", "code": 503}):
            row = await own.looked("CHECKING", "ClusterUnavailable")
        await own.looked("READY")

    assert row.attempts >= 1


async def test_what_is_made_goes_to_the_users_cluster_and_back(own: Own) -> None:
    viewer = await viewer_of(own.database)
    await own.set(viewer)
    project = await project_of(own.database, viewer)
    chosen = Settings(**QUICK)
    clusters = Clusters(own.operator, own.database, KEYS, chosen)
    row = await own.credential()
    cluster = await clusters.fresh(row.model, row.id)

    async with own.running():
        [running] = await own.shows(("RUNNING", None))
        selector = f"mooring.dev/resource={running.id}"
        made = await cluster.list_all(STATEFUL_SET, "mooring", selector)
        elsewhere = await own.operator.list_all(STATEFUL_SET, "mooring", selector)
        await want(own.database, viewer, project, DesiredState.STOPPED)
        await own.shows(("STOPPED", None))
        await want(own.database, viewer, project, DesiredState.DELETED)
        await own.shows()
        left = await cluster.list_all(POD, "mooring", selector)
    await cluster.close()

    assert len(made) == 1
    assert elsewhere == left == []


async def test_no_cluster_is_told_the_password_of_a_database_in_another(own: Own) -> None:
    viewer = await viewer_of(own.database)
    async with own.database.begin(viewer) as session:
        new = NewProject("shop", sandboxes=(), databases=(NewDatabase("db", version="16.4.0"),))
        project = (await projects.create(session, viewer, MAKERS, new)).id
    await own.set(viewer)
    async with own.database.begin(viewer) as session:
        made = NewSandbox("app")
        row = await resources.create(session, viewer, MAKERS.sandboxes, project, made)
    credential = await own.credential()
    clusters = Clusters(own.operator, own.database, KEYS, Settings(**QUICK))
    cluster = await clusters.fresh(credential.model, credential.id)

    async with own.running():
        await own.shows(("RUNNING", None), ("RUNNING", None))
    secret = await cluster.get(SECRET, "mooring", f"{row.k8s_name}-env")
    await cluster.close()

    assert secret is not None
    assert "TTYD_PASSWORD" in secret["data"]
    assert not {"DATABASE_URL", "PGPASSWORD"} & secret["data"].keys()


async def test_a_row_keeps_its_cluster_and_says_when_it_is_out_of_reach(own: Own) -> None:
    viewer = await viewer_of(own.database)
    project = await project_of(own.database, viewer, "operators")
    await own.set(viewer)
    theirs = await project_of(own.database, viewer, "theirs")

    async with own.running():
        before = await own.shows(("RUNNING", None), ("RUNNING", None))
        await own.set(viewer, own.tree(namespace="other"))
        after = await own.shows(("RUNNING", None), ("ERROR", "CredentialMismatch"))
        await own.forget(viewer)
        await want(own.database, viewer, theirs, DesiredState.DELETED)
        gone = await own.shows(("RUNNING", None), ("ERROR", "CredentialMismatch"))
        await own.set(viewer)
        await own.shows(("RUNNING", None))
        await want(own.database, viewer, project, DesiredState.DELETED)
        await own.shows()

    server = own.theirs.url
    assert after[1].phase == before[1].phase == "running"
    assert after[1].message == (
        f"It is in namespace mooring of {server}, and the kubeconfig names namespace other of"
        f" {server}. Set a kubeconfig for that server and namespace again, and it goes on."
    )
    assert "there is no kubeconfig any more" in gone[1].message


async def test_a_rejected_credential_is_said_on_all_its_rows_and_in_the_setting(own: Own) -> None:
    viewer = await viewer_of(own.database)
    other = await viewer_of(own.database, "bob")
    await own.set(viewer)
    for name in ("one", "two"):
        await project_of(own.database, viewer, name)
    stage = Stage(own.database, own.theirs, own.operator)

    async with own.running(recheck_unwatched=0.5):
        await own.shows(("RUNNING", None), ("RUNNING", None))
        await own.looked("READY")
        async with stage.faulty(EVERYWHERE):
            await own.looked("REFUSED", "CredentialRejected")
            await own.shows(("RUNNING", "CredentialRejected"), ("RUNNING", "CredentialRejected"))
            await project_of(own.database, other)
            await own.shows(
                ("RUNNING", "CredentialRejected"),
                ("RUNNING", "CredentialRejected"),
                ("RUNNING", None),
            )
        async with own.database.begin(viewer) as session:
            await kubeconfigs.check(session, viewer)
        await own.looked("READY")
        await own.shows(("RUNNING", None), ("RUNNING", None), ("RUNNING", None))


# Whatever hangs then hangs for longer than a test may take.
ENDLESS: dict[str, Any] = {"cluster_timeout": 600, "pass_timeout": 600, "drain": 0.1, "slots": 8}


async def test_a_cluster_that_hangs_on_every_call_takes_nothing_from_another(own: Own) -> None:
    viewer = await viewer_of(own.database)
    other = await viewer_of(own.database, "bob")
    await own.set(viewer)
    stage = Stage(own.database, own.theirs, own.operator)
    for number in range(12):
        await project_of(own.database, viewer, f"p{number}")

    async with stage.faulty({"fault": "Hang"}), own.running(**ENDLESS):
        await becomes(lambda: any_leased(own.database, viewer))
        for number in range(12):
            await project_of(own.database, other, f"o{number}")
        await becomes(lambda: are_running(own.database, other, 12))
        hanging = await leased(own.database, viewer)
        for project in await projects_of(own.database, other):
            await want(own.database, other, project, DesiredState.DELETED)
        await becomes(lambda: are_running(own.database, other, 0))

    assert 0 < hanging <= Settings().kubeconfig_slots


async def test_many_clusters_that_hang_leave_slots_for_the_operators(own: Own) -> None:
    where, other = "127.0.0.5", await viewer_of(own.database, "bob")

    async with misbehaving(never, host=where, pair=signed(where)) as server:
        for number in range(10):
            viewer = await viewer_of(own.database, f"u{number}")
            await own.set(viewer, good(f"https://{where}:{server.port}"))
            await project_of(own.database, viewer)
        async with own.running(**ENDLESS):
            await becomes(lambda: several(lambda: server.asked, 4))
            for number in range(4):
                await project_of(own.database, other, f"o{number}")
            await becomes(lambda: are_running(own.database, other, 4))


async def leased(database: Database, viewer: Viewer) -> int:
    """How many of his rows have passes under way."""
    statement = "SELECT count(*) FROM resource WHERE account_id = :id AND lease_token IS NOT NULL"
    async with database.read(API) as connection:
        found = await connection.execute(text(statement), {"id": viewer.home})
        return int(found.scalar_one())


async def any_leased(database: Database, viewer: Viewer) -> bool:
    return await leased(database, viewer) > 0


async def are_running(database: Database, viewer: Viewer, count: int) -> bool:
    statement = "SELECT status FROM resource WHERE account_id = :id"
    async with database.read(API) as connection:
        found = await connection.execute(text(statement), {"id": viewer.home})
        return [row.status for row in found] == ["RUNNING"] * count


async def projects_of(database: Database, viewer: Viewer) -> list[UUID]:
    statement = "SELECT id FROM project WHERE account_id = :id"
    async with database.read(API) as connection:
        found = await connection.execute(text(statement), {"id": viewer.home})
        return [row.id for row in found]


async def is_running(database: Database, viewer: Viewer) -> bool:
    statement = "SELECT 1 FROM resource WHERE account_id = :id AND status = 'RUNNING'"
    async with database.read(API) as connection:
        found = await connection.execute(text(statement), {"id": viewer.home})
        return found.first() is not None


async def test_looks_at_servers_that_do_not_answer_leave_those_at_others_their_slots(
    own: Own,
) -> None:
    where, lucky = "127.0.0.6", await viewer_of(own.database, "lucky")
    async with misbehaving(never, host=where, pair=signed(where)) as server:
        for number in range(24):
            await own.set(
                await viewer_of(own.database, f"u{number}"),
                good(f"https://{where}:{server.port}"),
            )
        # All of them were looked at before, and did not answer.
        silent = text("UPDATE credential SET attempts = 1, observed_generation = generation")
        async with own.database.begin(API) as session:
            await session.execute(silent)
        async with own.running(**ENDLESS | {"lease": 900, "lease_margin": 1}):
            await becomes(lambda: several(lambda: server.asked, 8))
            await own.set(lucky)
            await becomes(lambda: is_ready(own.database, lucky))

    assert server.asked == 8


async def is_ready(database: Database, viewer: Viewer) -> bool:
    statement = "SELECT state FROM credential WHERE account_id = :id"
    async with database.read(API) as connection:
        found = await connection.execute(text(statement), {"id": viewer.home})
        return bool(found.scalar_one() == "READY")


async def test_a_look_at_one_that_was_replaced_meanwhile_is_dropped(own: Own) -> None:

    viewer = await viewer_of(own.database)
    await own.set(viewer)
    lease = timedelta(seconds=30)
    async with own.database.autocommit(RECONCILER) as connection:
        [looked] = await inspections.claim(connection, slots=5, again=5, lease=lease, worker="one")
        others = await inspections.claim(connection, slots=5, again=5, lease=lease, worker="two")

    await own.set(viewer, own.tree(namespace="other"))
    finding = Finding(timedelta(minutes=5), CredentialState.READY, username="alice")
    async with own.database.begin(RECONCILER) as session:
        await inspections.record(session, looked, finding)
    row = await own.credential()
    async with own.database.autocommit(RECONCILER) as connection:
        [again] = await inspections.claim(connection, slots=5, again=5, lease=lease, worker="two")
    async with own.database.begin(RECONCILER) as session:
        await inspections.record(session, looked, finding)
    late = await own.credential()

    assert others == []
    assert (row.state, row.username, row.observed_generation) == ("CHECKING", None, 0)
    assert (again.generation, again.k8s_namespace) == (2, "other")
    assert (late.state, late.lease_token) == ("CHECKING", again.lease_token)


ALLOWED = {
    "verbs": ["*"],
    "apiGroups": ["", "apps", "networking.k8s.io", "rbac.authorization.k8s.io"],
    "resources": ["*"],
}


@asynccontextmanager
async def standing_in(own: Own, answers: Callable[[str, Any], Any]) -> AsyncIterator[Viewer]:
    """A user's cluster that answers what a test says; a path without an answer is 404."""

    async def handle(request: web.Request) -> web.Response:
        asked = json.loads(await request.read() or b"{}")
        said = answers(request.path, asked)
        if said is None:
            return web.Response(status=404, text="404 page not found")
        return web.json_response(said, status=201 if request.method == "POST" else 200)

    async with serving(handle, host="127.0.0.3", names=("127.0.0.3",)) as server:
        viewer = await viewer_of(own.database)
        await own.set(viewer, good(f"https://127.0.0.3:{server.port}"))
        yield viewer


@pytest.mark.parametrize(
    "rules",
    [{"resourceRules": [], "incomplete": True}, {"resourceRules": [{}] * 2000}],
    ids=["incomplete", "too many to be read"],
)
async def test_where_rules_are_not_all_each_verb_is_asked_about(
    own: Own, rules: dict[str, Any]
) -> None:
    asked: list[tuple[str, str]] = []

    def answers(path: str, body: Any) -> Any:
        if path.endswith("/selfsubjectrulesreviews"):
            return {"status": rules}
        if path.endswith("/selfsubjectaccessreviews"):
            wanted = body["spec"]["resourceAttributes"]
            asked.append((wanted["verb"], wanted["resource"]))
            return {"status": {"allowed": wanted["resource"] != "secrets"}}
        if path in ("/api/v1", "/apis/apps/v1"):
            names = ("pods", "secrets", "services", "statefulsets", "persistentvolumeclaims")
            return {"resources": [{"name": name} for name in names]}
        return {} if path == "/api/v1/namespaces/team-a" else None

    async with standing_in(own, answers), own.running():
        row = await own.looked("REFUSED", "PermissionMissing")

    assert row.missing == [
        f"{verb} secrets" for verb in ("get", "list", "create", "patch", "delete")
    ]
    assert row.username is None
    assert ("patch", "statefulsets") in asked
    assert not any(resource in ("clusters", "ingresses") for _, resource in asked)


@pytest.mark.parametrize("said", [[], 5, {"status": 5}, {"status": {"userInfo": []}}, "x"])
async def test_nonsense_is_no_answer(own: Own, said: Any) -> None:
    async with standing_in(own, lambda _path, _body: said), own.running():
        row = await own.looked("CHECKING", "ClusterAnswerInvalid")

    assert row.message == "The API server's answer cannot be understood."


ODD: list[Any] = [
    {
        "kind": 5,
        "metadata": {"name": {}, "labels": [], "annotations": 7},
        "spec": {"replicas": "x"},
    },
    {"items": [{"metadata": 5}, 7, None, "x"], "metadata": {"resourceVersion": 1}},
    {"items": {"a": 1}, "metadata": {"continue": {"a": []}, "resourceVersion": None}},
    {"kind": "StatefulSet", "metadata": {"annotations": {"mooring.dev/generation": []}}},
    {"metadata": {"labels": {"mooring.dev/resource": []}, "deletionTimestamp": 5, "uid": {}}},
    {"message": {"a": [1]}, "details": [], "spec": [], "status": "x", "metadata": {}},
]


async def test_odd_answers_stop_nobody_else(own: Own) -> None:
    other = await viewer_of(own.database, "bob")
    met = 0

    def answers(path: str, body: Any) -> Any:
        nonlocal met
        met += 1
        return ODD[met % len(ODD)]

    async with standing_in(own, answers) as viewer:
        for number in range(4):
            await project_of(own.database, viewer, f"p{number}")
        async with own.running():
            await becomes(lambda: several(lambda: met, 30))
            await project_of(own.database, other)
            await becomes(lambda: is_running(own.database, other))
            async with own.database.read(API) as connection:
                found = list(
                    await connection.execute(
                        text("SELECT reason FROM resource WHERE account_id = :id"),
                        {"id": viewer.home},
                    )
                )

    assert len(found) == 4
    assert all(row.reason is not None for row in found)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (never, "ClusterUnavailable"),
        (reset, "ClusterUnavailable"),
        (drips_body, "ClusterUnavailable"),
        (goes_on_for_ever, "ClusterUnavailable"),
        (html, "ClusterAnswerInvalid"),
        (endless_body, "ClusterAnswerInvalid"),
    ],
)
async def test_a_users_cluster_that_misbehaves_delays_only_its_own_rows(
    own: Own, how: Misbehaviour, reason: str
) -> None:
    viewer, other = await viewer_of(own.database), await viewer_of(own.database, "bob")
    where = "127.0.0.3"

    async with misbehaving(how, host=where, pair=signed(where)) as server:
        await own.set(viewer, good(f"https://{where}:{server.port}"))
        for number in range(6):
            await project_of(own.database, viewer, f"p{number}")
        async with own.running(slots=8, cluster_timeout=1.0):
            await becomes(lambda: several(lambda: server.asked, 2))
            async with asyncio.timeout(30):
                await project_of(own.database, other)
                await becomes(lambda: is_running(own.database, other))
            await becomes(lambda: all_say(own.database, viewer, reason))


async def test_the_operators_cluster_that_hangs_does_not_delay_those_of_users(
    own: Own, tmp_path: Path
) -> None:
    viewer = await viewer_of(own.database, "own")
    await own.set(viewer)

    async with misbehaving(never, host="127.0.0.4", pair=signed("127.0.0.4")) as server:
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(json.dumps(good(f"https://127.0.0.4:{server.port}")))
        hung = await connect(kubeconfig, Bounds(600, rate=1000, burst=1000))
        for number in range(24):
            one = await viewer_of(own.database, f"u{number}")
            await project_of(own.database, one)
        async with replace(own, operator=hung).running(**ENDLESS):
            await becomes(lambda: several(lambda: server.asked, 5))
            for number in range(3):
                await project_of(own.database, viewer, f"p{number}")
            await becomes(lambda: are_running(own.database, viewer, 3))
        await hung.close()


async def all_say(database: Database, viewer: Viewer, reason: str) -> bool:
    statement = "SELECT reason FROM resource WHERE account_id = :id"
    async with database.read(API) as connection:
        found = await connection.execute(text(statement), {"id": viewer.home})
        return {row.reason for row in found} == {reason}


async def several(count: Callable[[], int], least: int) -> bool:
    return count() >= least


async def test_a_client_is_kept_for_a_credential_and_made_anew_for_another(own: Own) -> None:
    viewer = await viewer_of(own.database)
    await own.set(viewer)
    clusters = Clusters(own.operator, own.working, KEYS, Settings(**QUICK))
    mine = replace(claim(), account_id=viewer.home)
    theirs = replace(mine, server=own.theirs.url, namespace="mooring")

    async def used() -> Cluster:
        async with clusters.of(theirs) as cluster:
            await cluster.list_all(POD, "mooring", "")
            return cluster

    first, second = await used(), await used()
    async with clusters.of(theirs) as busy:
        await own.set(viewer)
        third = await used()
        # Whoever is at it may end.
        await busy.list_all(POD, "mooring", "")
    with pytest.raises(RuntimeError, match="closed"):
        await busy.list_all(POD, "mooring", "")
    await clusters.works(viewer.home)
    fourth = await used()
    async with clusters.of(mine) as operators:
        pass
    await clusters.close()

    assert first is second is busy
    assert len({first, third, fourth}) == 3
    assert operators is own.operator
