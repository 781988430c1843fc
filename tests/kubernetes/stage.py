"""A stage for failures on a real API server: a namespace to break, and what users see of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from app.domain.states import DesiredState
from app.domain.viewer import API, Viewer
from app.services import projects
from app.services import resources as verbs
from app.services.databases import NewDatabase
from app.services.projects import Makers, NewProject
from app.services.sandboxes import NewSandbox
from app.settings import Settings
from reconciler.cluster.client import Bounds
from reconciler.cluster.trusted import connect
from reconciler.loop import Loop
from reconciler.manifests.kinds import POD
from tests.integration.reconciler.stage import Shows
from tests.integration.reconciler.test_loop import running, want
from tests.integration.reconciler.working import resources_of
from tests.integration.world import KEYS, PATIENCE, becomes, viewer_of
from tests.kubernetes.plane import Json, Place, cannot

# Quicker than in life: deadlines pass, and retries come, within a test.
QUICK: dict[str, Any] = {
    "poll": 0.2,
    "starting_deadline": 1.0,
    "stopping_deadline": 1.0,
    "terminating_deadline": 1.0,
    "retry_longest": 1.0,
    "pod_unmade": 0.1,
    "pod_creating": 0.1,
    "database_starting_deadline": 1.0,
    "database_stopping_deadline": 1.0,
    "operator_silence": 0.3,
    "cluster_rate": 1000,
    "cluster_burst": 1000,
}
NAMED = text(
    "SELECT r.id, coalesce(s.k8s_name, d.k8s_name) AS k8s_name FROM resource r"
    " LEFT JOIN sandbox s ON s.id = r.id LEFT JOIN database d ON d.id = r.id"
    " WHERE r.project_id = :id ORDER BY r.id"
)
# What the fake nodes and the fake operator of planes for tests look at, on the object itself.
FAULT = "test.mooring.dev/fault"
FAKE_NODE = "fake-node"


@dataclass(frozen=True)
class Project:
    """A new project, and whose it is; the name of its one resource in the cluster."""

    viewer: Viewer
    id: UUID
    name: str
    resource: UUID


@dataclass(frozen=True)
class Stage(Shows):
    """A database, a namespace of a real cluster, and a reconciler between them."""

    place: Place

    def settings(self, **changed: Any) -> Settings:
        """Of the reconciler and of what is made."""
        return Settings(**(QUICK | {"sandbox_namespace": self.place.name} | changed))

    @asynccontextmanager
    async def running(
        self, kubeconfig: Path | None = None, *, watch: bool = True, **changed: Any
    ) -> AsyncIterator[Loop]:
        """Reconciles for the block, with the plane's kubeconfig or another."""
        settings = self.settings(**changed)
        bounds = Bounds(10, rate=settings.cluster_rate, burst=settings.cluster_burst)
        opened = await connect(kubeconfig or self.place.kubeconfig, bounds)
        resources = resources_of(self.database, opened, settings)
        watched = opened if watch else None
        try:
            async with running(
                self.database, resources.reconcile, settings, watched, self.place.name
            ) as loop:
                yield loop
        finally:
            await opened.close()

    async def sandbox(self, **chosen: Any) -> Project:
        """A new project with one sandbox."""
        new = NewProject("shop", sandboxes=(NewSandbox("app", **chosen),), databases=())
        return await self._project(new)

    async def postgres(self) -> Project:
        """A new project with one database."""
        return await self._project(NewProject("shop", sandboxes=(), databases=(NewDatabase("db"),)))

    async def want(self, project: Project, desired: DesiredState, loop: Loop) -> None:
        """As startProject, stopProject and deleteProject do."""
        await want(self.database, project.viewer, project.id, desired)
        loop.wake()

    async def wants_image(self, project: Project, image: str) -> None:
        """Another image, as the row has it after updateSandbox."""
        async with self.database.begin(project.viewer) as session:
            await session.execute(
                text("UPDATE sandbox SET image = :image WHERE id = :id"),
                {"image": image, "id": project.resource},
            )

    async def changes(self, project: Project, loop: Loop, **given: str | int) -> None:
        """As updateSandbox does."""
        makers = Makers(self.settings(), KEYS)
        async with self.database.begin(project.viewer) as session:
            await verbs.update(session, project.viewer, makers.sandboxes, project.resource, given)
        loop.wake()

    async def pods(self, project: Project) -> list[Json]:
        """Those of the one resource."""
        return await self.place.list(POD, f"mooring.dev/resource={project.resource}")

    async def needs_fake_nodes(self, project: Project) -> None:
        """Skip where pods run on real nodes: nobody looks at `FAULT` there."""
        self.needs_fake(await self.pods(project))

    def needs_fake(self, pods: list[Json]) -> None:
        """The same, of these pods."""
        if any(pod["spec"].get("nodeName") != FAKE_NODE for pod in pods):
            cannot("its nodes are real, and nobody can ask them for a fault")

    async def _project(self, new: NewProject) -> Project:
        [made] = await self.made(new)
        return made

    async def made(self, new: NewProject) -> list[Project]:
        """A new project as each of its resources has it, the databases first."""
        viewer = await viewer_of(self.database, f"u-{uuid4().hex[:8]}")
        makers = Makers(self.settings(), KEYS)
        async with self.database.begin(viewer) as session:
            made = await projects.create(session, viewer, makers, new)
        async with self.database.read(API) as connection:
            found = await connection.execute(NAMED, {"id": made.id})
            return [Project(viewer, made.id, row.k8s_name, row.id) for row in found]


async def until(holds: Callable[[], Awaitable[bool]], patience: float = PATIENCE) -> None:
    """Wait for a state of the cluster, for so many seconds."""
    await becomes(holds, patience, every=0.1)
