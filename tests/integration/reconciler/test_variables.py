"""Variables in sandboxes: each edit restarts the pod once, what is as it was restarts nothing."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from app.db import resources as asks
from app.db.session import Database
from app.domain.anthropic import Apply
from app.domain.environment import Given
from app.domain.states import DesiredState
from app.domain.viewer import API, RECONCILER, Viewer
from app.services import anthropic, environment, projects
from app.services.projects import NewProject
from app.settings import Settings
from reconciler.cluster.client import Cluster
from reconciler.loop import Loop
from reconciler.manifests.identity import digest
from reconciler.manifests.kinds import POD, SECRET, STATEFUL_SET
from reconciler.manifests.workload import ENV
from reconciler.resources import Resources
from tests.integration.reconciler.test_databases import shows
from tests.integration.reconciler.test_loop import running
from tests.integration.world import KEYS, MAKERS, becomes, project_of, viewer_of

OURS = "app.kubernetes.io/managed-by=mooring"


@dataclass(frozen=True)
class Seen:
    """A sandbox in the cluster: how often its spec was written, its pods, and their variables."""

    generation: int
    pods: Sequence[str]
    variables: dict[str, str]


async def seen(cluster: Cluster) -> Seen:
    """The one sandbox; its pods run with what its Secret holds now."""
    [workload] = await cluster.list_all(STATEFUL_SET, "mooring", OURS)
    secret = await cluster.get(SECRET, "mooring", f"{workload['metadata']['name']}-env")
    pods = await cluster.list_all(POD, "mooring", OURS)
    assert secret is not None
    for pod in pods:
        assert pod["metadata"]["annotations"][ENV] == digest(secret["data"])
        assert pod["spec"]["containers"][0]["envFrom"] == [
            {"secretRef": {"name": secret["metadata"]["name"]}}
        ]
    return Seen(
        workload["metadata"]["generation"],
        [pod["metadata"]["uid"] for pod in pods],
        {key: base64.b64decode(value).decode() for key, value in secret["data"].items()},
    )


@dataclass(frozen=True)
class Editor:
    """A user who edits the variables of one project, and waits until that has been looked at."""

    database: Database
    viewer: Viewer
    project: UUID
    loop: Loop

    async def put(self, key: str, value: str) -> None:
        async with self.database.begin(self.viewer) as session:
            await environment.put(session, self.viewer, KEYS, self.project, Given(key, value))
        await self.looked_at()

    async def replace(self, *given: Given) -> None:
        async with self.database.begin(self.viewer) as session:
            await environment.replace(
                session, self.viewer, KEYS, self.project, category="general", given=given
            )
        await self.looked_at()

    async def configure(self, apply: Apply, **given: str | None) -> None:
        async with self.database.begin(self.viewer) as session:
            await anthropic.put(session, self.viewer, KEYS, given, apply=apply, http=False)
        await self.looked_at()

    async def want(self, desired: DesiredState) -> None:
        async with self.database.begin(self.viewer) as session:
            await projects.want(session, self.viewer, self.project, desired)
        await self.looked_at()

    async def looked_at(self) -> None:
        """Once more at everything, until it is as it is wanted."""
        async with self.database.read(API) as connection:
            found = await connection.execute(text("SELECT id, claims FROM resource"))
            before = {row.id: row.claims for row in found}
        async with self.database.autocommit(RECONCILER) as connection:
            await asks.ask(connection, list(before))
        self.loop.wake()

        async def settled() -> bool:
            async with self.database.read(API) as connection:
                rows = await connection.execute(
                    text(
                        "SELECT id, claims, status = desired_state AND lease_token IS NULL"
                        " AND observed_generation = generation AND lane = 2 AS done FROM resource"
                    )
                )
                return all(row.done and row.claims > before[row.id] for row in rows)

        await becomes(settled)


async def test_each_edit_of_a_running_sandbox_restarts_it_once_and_deleted_keys_vanish(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)

    async with running(database, resources.reconcile, settings, cluster) as loop:
        await shows(database, app="RUNNING")
        editor = Editor(database, viewer, project, loop)
        states = [await seen(cluster)]
        for given in (
            (Given("LEVEL", "debug"),),
            (Given("LEVEL", "info"), Given("MORE", "ü\n\u20ac")),
            (Given("MORE", "ü\n\u20ac"),),
            (),
        ):
            await editor.replace(*given)
            states.append(await seen(cluster))
        await editor.replace()
        await editor.looked_at()
        last = await seen(cluster)

    assert [state.generation for state in states] == [1, 2, 3, 4, 5]
    assert all(len(state.pods) == 1 for state in states)
    assert len({pod for state in states for pod in state.pods}) == 5
    own = states[0].variables
    assert [dict(s.variables.items() - own.items()) for s in states[1:]] == [
        {"LEVEL": "debug"},
        {"LEVEL": "info", "MORE": "ü\n€"},
        {"MORE": "ü\n€"},
        {},
    ]
    assert states[-1].variables == own
    assert last == states[-1]


async def test_an_edit_of_a_stopped_sandbox_does_not_start_it_and_is_there_when_it_starts(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)

    async with running(database, resources.reconcile, settings, cluster) as loop:
        await shows(database, app="RUNNING")
        editor = Editor(database, viewer, project, loop)
        await editor.want(DesiredState.STOPPED)
        before = await seen(cluster)
        await editor.put("LEVEL", "debug")
        down = await seen(cluster)
        await shows(database, app="STOPPED")
        await editor.want(DesiredState.RUNNING)
        up = await seen(cluster)

    assert before.pods == down.pods == []
    assert down.variables["LEVEL"] == "debug"
    assert len(up.pods) == 1
    assert up.variables == down.variables


async def test_an_edit_while_it_starts_is_there_when_it_is_up(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)

    async with running(database, resources.reconcile, settings, cluster) as loop:
        editor = Editor(database, viewer, project, loop)

        async def begun() -> bool:
            return bool(await cluster.list_all(STATEFUL_SET, "mooring", OURS))

        await becomes(begun)
        await editor.put("LEVEL", "debug")
        up = await seen(cluster)

    assert up.variables["LEVEL"] == "debug"
    assert up.generation == 2
    assert len(up.pods) == 1


async def test_a_variable_wins_over_the_address_of_the_database_and_leaves_it_alone(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    viewer = await viewer_of(database)
    async with database.begin(viewer) as session:
        project = (await projects.create(session, viewer, MAKERS, NewProject("shop"))).id
        given = Given("DATABASE_URL", "postgresql://elsewhere")
        await environment.put(session, viewer, KEYS, project, given)

    async with running(database, resources.reconcile, settings, cluster):
        await shows(database, app="RUNNING", db="RUNNING")
        up = await seen(cluster)

    assert up.variables["DATABASE_URL"] == "postgresql://elsewhere"
    assert up.variables["PGHOST"].endswith(".svc")
    assert up.variables["PORT"] == "3000"


async def test_anthropic_settings_reach_a_sandbox_at_once_or_when_it_is_next_started(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)

    async with running(database, resources.reconcile, settings, cluster) as loop:
        await shows(database, app="RUNNING")
        editor = Editor(database, viewer, project, loop)
        await editor.configure(Apply.AT_ONCE, ANTHROPIC_API_KEY="k1")
        at_once = await seen(cluster)
        await editor.configure(Apply.NEXT_START, ANTHROPIC_BASE_URL="https://gateway.test")
        await editor.looked_at()
        later = await seen(cluster)
        await editor.put("ANTHROPIC_MODEL", "own")
        edited = await seen(cluster)
        await editor.want(DesiredState.STOPPED)
        await editor.want(DesiredState.RUNNING)
        started = await seen(cluster)
        await editor.configure(
            Apply.AT_ONCE, ANTHROPIC_API_KEY=None, ANTHROPIC_BASE_URL=None, ANTHROPIC_MODEL="theirs"
        )
        cleared = await seen(cluster)

    def of_anthropic(state: Seen) -> dict[str, str]:
        return {k: v for k, v in state.variables.items() if k.startswith("ANTHROPIC_")}

    assert of_anthropic(at_once) == {"ANTHROPIC_API_KEY": "k1"}
    assert at_once.generation == 2
    assert later == at_once
    assert of_anthropic(edited) == {"ANTHROPIC_API_KEY": "k1", "ANTHROPIC_MODEL": "own"}
    assert of_anthropic(started) == {
        "ANTHROPIC_AUTH_TOKEN": "k1",
        "ANTHROPIC_BASE_URL": "https://gateway.test",
        "ANTHROPIC_MODEL": "own",
    }
    assert of_anthropic(cleared) == {"ANTHROPIC_MODEL": "own"}
    assert len(cleared.pods) == 1
