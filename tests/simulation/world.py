"""A run: a database, a cluster, users and reconcilers, and whoever decides what happens next.

    ground = Ground(databases, folder)    # once
    async with ground.world(shape) as world: ...

`settle` ends all that is wrong and gives the world a while, by its own clock, to come to what is
wanted; then what is in the cluster is held against the rows.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import orjson
from kubernetes_asyncio import config
from sqlalchemy import text

from app.db import record as recording
from app.db import roles
from app.db.claims import Claim
from app.db.record import Recorded
from app.db.session import Database, Session
from app.domain.observation import Outcome
from app.settings import Settings
from reconciler import recorder
from reconciler.cluster.trusted import Trusted, _read_environment_once
from tests.integration.world import viewer_of
from tests.postgres import Databases, as_role
from tests.simulation import convergence
from tests.simulation.checks import Broken, Checks
from tests.simulation.cluster import LocalCluster
from tests.simulation.ledger import TOKENS, Ledger
from tests.simulation.loop import SteppedLoop
from tests.simulation.scheduler import Scheduler
from tests.simulation.stepping import Stepped
from tests.simulation.users import Users
from tests.simulation.wire import Wire
from tests.simulation.worker import Place, Sent, Worker

_TELL = text(f"SELECT set_config('{TOKENS}', :tokens, true)")


@dataclass(frozen=True, slots=True)
class Shape:
    """What kind of run: how many reconcilers and users, and whether anybody is woken."""

    workers: int = 2
    users: int = 2
    watch: bool = True
    notify: bool = True
    shared: bool = False


class Ground:
    """What all runs stand on."""

    def __init__(self, loop: SteppedLoop, databases: Databases, folder: Path) -> None:
        self.loop = loop
        self.databases = databases
        self._folder = folder
        self.cluster = LocalCluster()
        self.transport: Trusted | None = None

    async def open(self) -> None:
        """Listen, and connect."""
        path = await self.cluster.listen(self._folder)
        api = await config.new_client_from_config(str(path))
        _read_environment_once(api)
        self.transport = Trusted(api)

    async def close(self) -> None:
        """Give all of it back."""
        if self.transport is not None:
            await self.transport.close()
        await self.cluster.close()

    @asynccontextmanager
    async def world(self, shape: Shape) -> AsyncIterator["World"]:
        """A run."""
        async with self.databases.lent() as url:
            await self.cluster.renew()
            monitor = await asyncpg.connect(url)
            world = World(self, url, monitor, shape)
            try:
                await world.begin()
                yield world
            finally:
                await world.end()
                await monitor.close()
                await self.cluster.end()


class World:
    """A run that is under way."""

    def __init__(
        self,
        ground: Ground,
        url: str,
        monitor: "asyncpg.Connection[asyncpg.Record]",
        shape: Shape,
    ) -> None:
        assert ground.transport is not None
        self.shape = shape
        self.loop, self.cluster = ground.loop, ground.cluster
        self.wire = Wire()
        self.wire.cut = not shape.notify
        self.scheduler = Scheduler(ground.loop, monitor)
        self.ledger = Ledger(monitor)
        self.checks = Checks(self.ledger, monitor)
        self.monitor = monitor
        self.settings = Settings(
            watch=shape.watch,
            sandbox_namespace="mooring" if shape.shared else None,
            cluster_rate=100_000,
            cluster_burst=100_000,
            retry_longest=2,
            slots=8,
        )
        self.sent: list[Sent] = []
        place = Place(
            url, ground.transport, self.scheduler, self.wire, self.settings, self.sent.append
        )
        self.workers = [Worker(f"r{n + 1}", place) for n in range(shape.workers)]
        self._api = Database(as_role(url, roles.API), pool=10, publisher=self.wire)
        self.users = Users(self._api, self.scheduler)
        self.passed = 0.0

    async def begin(self) -> None:
        """Users sign up, reconcilers begin."""
        await self.ledger.begin()
        for n in range(self.shape.users):
            self.users.viewers.append(await viewer_of(self._api, f"user{n + 1}"))
        recorder.record = _said  # type: ignore[attr-defined]
        for worker in self.workers:
            worker.begin()
        await self.scheduler.settled()

    async def end(self) -> None:
        """Everybody is gone."""
        for worker in self.workers:
            if worker.alive:
                await worker.kill()
        await self.scheduler.kill(self.users.actor)
        await asyncio.gather(*(i.task for i in self.users.open), return_exceptions=True)
        await self._api.close()
        self.scheduler.close()
        recorder.record = recording.record  # type: ignore[attr-defined]

    async def step(self, index: int, times: int, worker: Worker | None = None) -> None:
        """Let somebody go on, who is at this place among all who may, some awaits long."""
        actor = worker.actor if worker is not None else None
        ready = self.scheduler.ready(actor)
        if not ready:
            return
        one = ready[index % len(ready)]
        for _ in range(times):
            if one not in self.scheduler.ready():
                break
            await self._step(one)

    async def _step(self, one: Stepped) -> None:
        await self.scheduler.step(one)
        if one.asks_postgres() or one.over:
            await self.look()

    async def look(self) -> None:
        """See that all is as it has to be."""
        self.users.answered()
        await self.checks.look()
        for worker in self.workers:
            for error in worker.failed():
                raise Broken(f"{worker.name} ended") from error

    async def pass_time(self, seconds: float) -> None:
        """Move all clocks."""
        self.passed += seconds
        await self.ledger.pass_time(seconds)
        await self.scheduler.pass_time(seconds)

    async def rest(self, chance: random.Random, most: int = 20_000) -> None:
        """Let everybody go on until nobody can without the clock."""
        for _ in range(most):
            ready = self.scheduler.ready()
            if not ready:
                return
            await self._step(chance.choice(ready))
        raise Broken("they never come to rest")

    async def settle(self, seed: int, within: float) -> None:
        """All faults end; the world has so many seconds, by its clock, to come to rest."""
        chance = random.Random(seed)
        self.cluster.disturb()
        for worker in self.workers:
            worker.actor.paused = False
            if not worker.alive:
                worker.begin()
        self.wire.cut = not self.shape.notify
        waited = 0.0
        while True:
            await self.rest(chance)
            open_ends = await convergence.open_ends(self.monitor)
            if not open_ends:
                break
            if waited > within:
                raise Broken(f"not settled after {waited:.0f} s: {open_ends}")
            await self.pass_time(2.0)
            waited += 2.0
        await convergence.check_cluster(self.monitor, self.cluster)


async def _said(session: Session, results: Sequence[tuple[Claim, Outcome]]) -> Recorded:
    """`record`, which says first under which leases it writes."""
    tokens = {str(claim.id): str(claim.lease_token) for claim, _ in results}
    await session.execute(_TELL, {"tokens": orjson.dumps(tokens).decode()})
    return await recording.record(session, results)
