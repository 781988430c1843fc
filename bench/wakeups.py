"""From the commit of whoever asks for a look to the reconciler's first request to the cluster.

In between: publisher, NOTIFY, listener, claim, and what a pass reads before it looks. One process
does both ends, so that one clock does; the request is noted as the client sends it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import UUID

import aiohttp
from sqlalchemy import text

from app.db import resources
from app.db.session import Database
from app.db.wakeups import Listener, Publisher
from app.domain.viewer import RECONCILER
from app.settings import Settings
from bench.figures import Figures
from bench.patience import within
from bench.scale import Scale
from bench.store import Store, opened_store
from reconciler.cluster.calls import Call
from reconciler.cluster.client import Bounds, Cluster, Transport
from reconciler.cluster.trusted import connect
from reconciler.loop import Loop
from tests.integration.reconciler.working import resources_of
from tests.simulator import running_simulator

AIM = 15
_PATIENCE = 30
_FREELY = 1e6

_DONE = text("""
SELECT id FROM resource WHERE status = 'RUNNING' AND lease_token IS NULL AND due_at > mooring_now()
""")


class Noting:
    """A way to a server that notes when the first request since `clear` was sent."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._first = asyncio.Event()
        self.at = 0.0

    def clear(self) -> None:
        """The next one is the first."""
        self._first.clear()

    async def first(self) -> float:
        """When it was."""
        async with within(_PATIENCE, "a request that follows a wish"):
            await self._first.wait()
        return self.at

    async def send(self, call: Call, timeout: float) -> aiohttp.ClientResponse:
        """As the other does."""
        if not self._first.is_set():
            self.at = perf_counter()
            self._first.set()
        return await self._transport.send(call, timeout)

    async def close(self) -> None:
        """As the other does."""
        await self._transport.close()

    @property
    def host(self) -> str:
        """As the other says."""
        return self._transport.host


async def measure(scale: Scale, figures: Figures) -> None:
    """One running sandbox, each look once the last one was recorded."""
    took = []
    async with opened_store() as store:
        await store.sandboxes(1, accounts=1)
        async with _reconciling(store) as (noting, database):
            for _ in range(scale.wakeups):
                asked = await _done(database)
                noting.clear()
                async with database.begin(RECONCILER) as session:
                    await resources.ask(session, [asked])
                    session.asked = True
                committed = perf_counter()
                took.append(await noting.first() - committed)
    figures.add_times("wake-up to first API call", took, AIM)


async def _done(database: Database) -> UUID:
    """The one resource, once nobody is at it and it is not due."""
    async with within(_PATIENCE, "a request that follows a wish"):
        while True:
            async with database.read(RECONCILER) as connection:
                found: UUID | None = (await connection.execute(_DONE)).scalar_one_or_none()
            if found is not None:
                return found
            await asyncio.sleep(0.01)


@asynccontextmanager
async def _reconciling(store: Store) -> AsyncIterator[tuple[Noting, Database]]:
    """A reconciler in this process, as its own puts it together, but for its watches."""
    settings = Settings(cluster_rate=_FREELY, cluster_burst=int(_FREELY))
    publisher = Publisher(store.reconciler)
    database = Database(store.reconciler, pool=settings.database_pool, publisher=publisher)
    with TemporaryDirectory() as folder:
        async with running_simulator(Path(folder)) as simulator, asyncio.TaskGroup() as group:
            bounds = Bounds(settings.cluster_timeout, _FREELY, int(_FREELY))
            cluster = await connect(simulator.kubeconfig, bounds)
            noting = Noting(cluster._transport)
            cluster = Cluster(noting, bounds)
            reconcile = resources_of(database, cluster, settings).reconcile
            loop = Loop(database, reconcile, settings, "bench")
            listener = Listener(store.reconciler, lambda _: loop.wake(), loop.wake)
            working = group.create_task(loop.run())
            helpers = [group.create_task(publisher.run()), group.create_task(listener.run())]
            yield noting, database
            loop.stop()
            await working
            for helper in helpers:
                helper.cancel()
            await cluster.close()
    await database.close()
