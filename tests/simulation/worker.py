"""One reconciler of a run: what `reconciler.__main__` puts together, as tasks that are stepped.

It is without what belongs to a process alone (signals, health), and its wake-ups come by the run's
wire. A crash leaves everything as it is; its next life knows nothing of the one before.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp

from app.db import roles
from app.db.claims import Claim
from app.db.credentials import COLUMN, TABLE
from app.db.engine import Process
from app.db.inspections import Finding, Inspection
from app.db.session import Database
from app.db.wakeups import WORK
from app.domain.observation import Outcome
from app.domain.states import ResourceKind
from app.settings import Settings
from reconciler.closings import Closings
from reconciler.cluster import vetted
from reconciler.cluster.calls import Call
from reconciler.cluster.client import Bounds, Cluster, Transport
from reconciler.clusters import Clusters
from reconciler.credentials import Credentials
from reconciler.databases import DatabaseReconciler
from reconciler.loop import Loop
from reconciler.manifests.permissions import watched
from reconciler.namespaces import Namespaces
from reconciler.rechecks import Rechecks
from reconciler.resources import Resources
from reconciler.sandboxes import SandboxReconciler
from reconciler.watch import Watch
from tests.integration.world import KEYS
from tests.postgres import as_role
from tests.simulation.scheduler import Scheduler
from tests.simulation.stepping import Actor
from tests.simulation.wire import Wire

_READS = frozenset({"GET"})


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that changes something in the cluster, and the claim whose pass sent it; `checked`:
    that pass had read by then that the row is still its own."""

    worker: str
    claim: Claim | None
    call: Call
    checked: bool


@dataclass(frozen=True, slots=True)
class Place:
    """What all reconcilers of a run share; `theirs`: the way to the cluster that users bring."""

    url: str
    transport: Transport
    theirs: Transport
    scheduler: Scheduler
    wire: Wire
    settings: Settings
    sent: Callable[[Sent], None]


class Worker:
    """One reconciler, which is begun, paused, killed and begun anew."""

    def __init__(self, name: str, place: Place) -> None:
        self._place = place
        self.name = name
        self.actor = Actor(name)
        self.passes: dict[asyncio.Task[Any], Claim] = {}
        self.checked: set[UUID] = set()
        self.looks: dict[asyncio.Task[Any] | None, Inspection] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        self._database: Database | None = None

    @property
    def alive(self) -> bool:
        """Whether it has begun and was not killed."""
        return bool(self._tasks)

    def begin(self) -> None:
        """A new process."""
        place, settings = self._place, self._place.settings
        self.actor = Actor(self.name)
        self.passes, self.checked, self.looks = {}, set(), {}
        database = Database(
            as_role(place.url, roles.RECONCILER),
            pool=6,
            publisher=place.wire,
            process=Process("reconciler", self.name),
        )
        bounds = Bounds(settings.cluster_timeout, settings.cluster_rate, settings.cluster_burst)
        cluster = Cluster(_Noting(self, place.transport), bounds)
        clusters = _TheirClusters(cluster, database, KEYS, settings)
        clusters.open_theirs = lambda: Cluster(_Noting(self, place.theirs), bounds)
        namespaces = Namespaces(cluster, database, settings)
        kinds = {
            ResourceKind.SANDBOX: lambda at: (
                SandboxReconciler(database, at, KEYS, settings).reconcile
            ),
            ResourceKind.DATABASE: lambda at: (
                DatabaseReconciler(database, at, KEYS, settings).reconcile
            ),
        }
        resources = Resources(kinds, clusters, namespaces, database, settings)

        async def reconcile(claim: Claim) -> Outcome | None:
            task = asyncio.current_task()
            assert task is not None
            self.passes[task] = claim
            try:
                return await resources.reconcile(claim)
            finally:
                del self.passes[task]

        looking = _Looking(database, clusters, settings, self.name, lambda: self._heard(WORK))
        looking.looks = self.looks
        loop = Loop(
            database,
            reconcile,
            settings,
            self.name,
            clusters.most,
            held=clusters.held,
            beside=looking,
        )
        closings = Closings(database, namespaces, settings)
        self._database = database
        self._wakes = (loop.wake, looking.wake, closings.wake)
        place.wire.listeners.append(self._heard)
        self._spawn(loop.run())
        self._spawn(looking.run())
        self._spawn(closings.run())
        if settings.watch:
            where = settings.sandbox_namespace or ""
            watch = Watch(database, cluster, where, loop.wake, settings.recheck)
            self._spawn(watch.run(watched(settings)))
            self._spawn(Rechecks(database, cluster.index, settings).run())
        if settings.sandbox_namespace is None:
            self._spawn(namespaces.run())

    async def kill(self) -> None:
        """Nothing goes on, and nobody is told."""
        self._place.wire.listeners.remove(self._heard)
        await self._place.scheduler.kill(self.actor)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        assert self._database is not None
        await self._database.close()

    def failed(self) -> list[BaseException]:
        """What ended tasks of it that have no end."""
        over = [task for task in self._tasks if task.done()]
        return [found for task in over if (found := task.exception()) is not None]

    def sent(self, call: Call) -> None:
        """Note a request of the task that is under way."""
        if call.method in _READS or call.query.get("dryRun") or "selfsubject" in call.path:
            return
        task = asyncio.current_task()
        claim = self.passes.get(task) if task is not None else None
        checked = claim is not None and claim.lease_token in self.checked
        self._place.sent(Sent(self.name, claim, call, checked))

    def _spawn(self, coro: Any) -> None:
        self._tasks.append(self._place.scheduler.spawn(self.actor, coro))

    def _heard(self, channel: str) -> None:
        if channel == WORK:
            for wake in self._wakes:
                wake()


class _Looking(Credentials):
    """Notes which looks are under way."""

    looks: dict[asyncio.Task[Any] | None, Inspection]

    async def inspect(self, looked: Inspection) -> Finding:
        task = asyncio.current_task()
        self.looks[task] = looked
        try:
            return await super().inspect(looked)
        finally:
            del self.looks[task]


class _TheirClusters(Clusters):
    """Every kubeconfig leads to the one cluster that users bring: neither is a name looked up, nor
    is there TLS."""

    open_theirs: Callable[[], Cluster]

    async def fresh(
        self,
        sealed: bytes,
        credential_id: UUID,
        *,
        pages: int = vetted.PAGES,  # noqa: ARG002 - no list here is long
    ) -> Cluster:
        KEYS.open(sealed, TABLE, credential_id, COLUMN)
        return self.open_theirs()


class _Noting:
    """The way to a cluster, which notes what is sent."""

    def __init__(self, worker: Worker, transport: Transport) -> None:
        self._worker = worker
        self._transport = transport

    async def send(self, call: Call, timeout: float) -> aiohttp.ClientResponse:
        self._worker.sent(call)
        return await self._transport.send(call, timeout)

    @property
    def host(self) -> str:
        return self._transport.host

    async def close(self) -> None:
        """It is everybody's."""
