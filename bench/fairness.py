"""One user's single start beside what others have: nothing, thousands of due rows, a dead cluster.

From its commit to the first request to the cluster that is about it, and to RUNNING, with the
budget of requests that a reconciler has by default. One process does both ends, so that one clock
does; the rest is as `wakeups` has it, and here with watches.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import aiohttp
from sqlalchemy import text

from app.auth.kubeconfigs import parse_kubeconfig
from app.db.session import Database
from app.db.wakeups import Listener, Publisher
from app.domain.addresses import AddressRules
from app.domain.viewer import RECONCILER, Viewer
from app.services import kubeconfigs
from app.settings import Settings
from bench.figures import Figures
from bench.patience import within
from bench.scale import Scale
from bench.store import Store, opened_store
from reconciler.cluster.calls import Call
from reconciler.cluster.client import Bounds, Cluster, Transport
from reconciler.cluster.trusted import connect
from reconciler.clusters import Clusters
from reconciler.loop import Loop
from reconciler.manifests.permissions import watched
from reconciler.watch import Watch
from tests.certificates import signed
from tests.integration.reconciler.bad_server import misbehaving, never
from tests.integration.reconciler.working import resources_of
from tests.integration.world import KEYS, project_of, viewer_of
from tests.kubeconfigs import good
from tests.simulator import running_simulator

AIM = 1000
_PATIENCE = 120
_ALONE, _BESIDE, _DEAD = (
    "single start, alone",
    "single start beside {:,} due rows",
    ("single start beside a cluster that hangs"),
)
_HOST = "127.0.0.3"

_NAMES = text("SELECT k8s_name FROM sandbox WHERE account_id = :account")
_RUNNING = text("""
SELECT s.k8s_name FROM resource r JOIN sandbox s ON s.id = r.id
WHERE r.account_id = :account AND r.status = 'RUNNING'
""")


@dataclass
class _Named:
    """A way to a server that notes when each name was first asked about; of our own objects, the
    path names them, or the body does."""

    transport: Transport
    first: dict[str, float] = field(default_factory=dict)
    awaited: set[str] = field(default_factory=set)

    async def send(self, call: Call, timeout: float) -> aiohttp.ClientResponse:
        """As the other does."""
        now = perf_counter()
        for part in call.path.split("/"):
            self.first.setdefault(part, now)
        return await self.transport.send(call, timeout)

    async def close(self) -> None:
        """As the other does."""
        await self.transport.close()

    @property
    def host(self) -> str:
        """As the other says."""
        return self.transport.host


async def measure(scale: Scale, figures: Figures) -> None:
    """The same starts in three worlds."""
    async with opened_store() as store, _reconciling(store) as (named, database):
        await _starts(named, database, scale, figures, _ALONE)
    async with opened_store() as store:
        await store.sandboxes(scale.backlog, accounts=1)
        async with _reconciling(store) as (named, database):
            what = _BESIDE.format(scale.backlog)
            await _starts(named, database, scale, figures, what)
    async with (
        opened_store() as store,
        misbehaving(never, host=_HOST, pair=signed(_HOST)) as server,
    ):
        await _stranded(store, f"https://{_HOST}:{server.port}", scale)
        async with _reconciling(store) as (named, database):
            await _starts(named, database, scale, figures, _DEAD)


async def _stranded(store: Store, server: str, scale: Scale) -> None:
    """A user with a cluster of his own, and rows in it."""
    rules = AddressRules((ip_network("127.0.0.0/8"),))
    database = Database(store.owner, pool=2)
    try:
        viewer = await viewer_of(database, "stranded")
        async with database.begin(viewer) as session:
            read = parse_kubeconfig(json.dumps(good(server)), (), rules)
            await kubeconfigs.put(session, viewer, KEYS, read)
        for number in range(scale.starts * 10):
            await project_of(database, viewer, f"p{number}")
    finally:
        await database.close()


async def _starts(
    named: _Named, database: Database, scale: Scale, figures: Figures, what: str
) -> None:
    """Each is asked for once the one before it runs."""
    viewer = await viewer_of(database, "single")
    known: set[str] = set()
    asked, ran = [], []
    for number in range(scale.starts):
        await project_of(database, viewer, f"single-{number}")
        committed = perf_counter()
        name = next(iter(await _named(database, viewer) - known))
        known.add(name)
        async with within(_PATIENCE, "a start"):
            while name not in await _running(database, viewer):
                await asyncio.sleep(0.01)
        ran.append(perf_counter() - committed)
        asked.append(named.first[name] - committed)
    figures.add_times(f"{what}: to the first API call", asked, AIM)
    figures.add_times(f"{what}: to RUNNING", ran)


async def _named(database: Database, viewer: Viewer) -> set[str]:
    async with database.read(RECONCILER) as connection:
        found = await connection.execute(_NAMES, {"account": viewer.home})
        return {row.k8s_name for row in found}


async def _running(database: Database, viewer: Viewer) -> set[str]:
    async with database.read(RECONCILER) as connection:
        found = await connection.execute(_RUNNING, {"account": viewer.home})
        return {row.k8s_name for row in found}


@asynccontextmanager
async def _reconciling(store: Store) -> AsyncIterator[tuple[_Named, Database]]:
    """A reconciler in this process, as its own puts it together; its database is the owner's, who
    makes users too."""
    settings = Settings(kubeconfig_allowed_networks=[ip_network("127.0.0.0/8")])
    publisher = Publisher(store.owner)
    database = Database(store.owner, pool=settings.database_pool, publisher=publisher)
    with TemporaryDirectory() as folder:
        async with running_simulator(Path(folder)) as simulator, asyncio.TaskGroup() as group:
            bounds = Bounds(settings.cluster_timeout, settings.cluster_rate, settings.cluster_burst)
            opened = await connect(simulator.kubeconfig, bounds)
            named = _Named(opened._transport)
            cluster = Cluster(named, bounds)
            clusters = Clusters(cluster, database, KEYS, settings)
            resources = resources_of(database, cluster, settings, clusters)
            loop = Loop(database, resources.reconcile, settings, "bench", clusters.most)
            listener = Listener(store.owner, lambda _: loop.wake(), loop.wake)
            watch = Watch(database, cluster, "", loop.wake)
            working = group.create_task(loop.run())
            helpers = [
                group.create_task(one)
                for one in (publisher.run(), listener.run(), watch.run(watched(settings)))
            ]
            yield named, database
            loop.stop()
            await working
            for helper in helpers:
                helper.cancel()
            await clusters.close()
            await cluster.close()
    await database.close()
