"""A run: a database, a cluster, users and reconcilers, and whoever decides what happens next.

    ground = Ground(databases, folder)    # once
    async with ground.world(shape) as world: ...

`settle` ends all that is wrong and gives the world a while, by its own clock, to come to what is
wanted; then what is in the cluster is held against the rows.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import orjson
from kubernetes_asyncio import config
from sqlalchemy import text

from app.db import claims, inspections, rechecks, roles
from app.db import record as recording
from app.db.claims import Claim
from app.db.inspections import Finding, Inspection
from app.db.rechecks import Coming
from app.db.record import Recorded
from app.db.rows import Executor
from app.db.session import Database, Session
from app.domain.observation import Addresses, Outcome, Seen, merge
from app.domain.states import Inputs, ResourceKind
from app.domain.viewer import Viewer
from app.postgres import EmbeddedPostgres
from app.services.projects import Makers
from app.settings import Settings
from reconciler import recorder
from reconciler.cluster.trusted import Trusted, _read_environment_once
from tests.integration.world import KEYS, viewer_of
from tests.postgres import Databases, as_role
from tests.simulation import convergence, hands, wishes
from tests.simulation.checks import Broken, Checks
from tests.simulation.cluster import LocalCluster
from tests.simulation.faults import FAULTS, Rule
from tests.simulation.follower import Followers
from tests.simulation.ledger import TOKENS, Ledger
from tests.simulation.loop import SteppedLoop
from tests.simulation.scheduler import Scheduler
from tests.simulation.stepping import Stepped
from tests.simulation.tally import Tally
from tests.simulation.users import Users
from tests.simulation.wire import Wire
from tests.simulation.wishes import Target, Wish
from tests.simulation.worker import Place, Sent, Worker

_TELL = text(f"SELECT set_config('{TOKENS}', :tokens, true)")
_WITHOUT_WAY = """
SELECT DISTINCT ON (r.account_id) r.account_id, r.desired_state = 'DELETED' AS going,
  coalesce(s.k8s_namespace, d.k8s_namespace) AS namespace FROM resource r
LEFT JOIN sandbox s ON s.id = r.id LEFT JOIN database d ON d.id = r.id
LEFT JOIN credential c ON c.account_id = r.account_id
WHERE coalesce(s.k8s_server, d.k8s_server) IS NOT NULL
  AND coalesce(s.k8s_namespace, d.k8s_namespace) IS DISTINCT FROM c.k8s_namespace
ORDER BY r.account_id, r.desired_state <> 'DELETED', r.id
"""
# Seconds of the world until it has to have settled: where nothing happens but by asking, and where
# something may have to be found by the next look of the clock.
_SOON, _LATER = 120.0, 900.0
_TICK = 2.0
# How often in a row, and how many seconds: a look that is due soon, one of the poll.
_MOMENTS, _MOMENT = 4, (0.5, 2.5, 3.5)
# Seconds that a pass may take, and a request of it, as is usual; either longer than a lease.
_PASS, _REQUEST, _PATIENT = 20.0, 10.0, 120.0
# Awaits within which all come to rest.
_FOR_EVER = 20_000
_still_current, _record = claims.still_current, recording.record
_record_look, _put_off = inspections.record, rechecks.put_off


@dataclass(frozen=True, slots=True)
class Shape:
    """What kind of run: how many reconcilers and users, whether anybody is woken by the cluster or
    by others, whether all have one namespace; `at_once`: passes of an account in a reconciler, of
    which few leave the rest of a project to others; `patient`: where requests and
    passes may take longer than a lease, which is renewed meanwhile, its end is what ends them;
    `recheck`: seconds until what is settled is looked at again, and a kubeconfig."""

    workers: int = 2
    users: int = 2
    watch: bool = True
    notify: bool = True
    shared: bool = False
    at_once: int = 16
    patient: bool = False
    recheck: float = 300.0

    def __str__(self) -> str:
        """For people."""
        names = {
            "watched": self.watch,
            "unwatched": not self.watch,
            "notified": self.notify,
            "never notified": not self.notify,
            "in one namespace": self.shared,
            "patient": self.patient,
        }
        said = ", ".join(name for name, holds in names.items() if holds)
        said += f", looked at again every {self.recheck:.0f} s"
        return f"{self.workers} reconcilers, {self.at_once} at once, {self.users} users; {said}"


@dataclass(frozen=True, slots=True)
class Play:
    """A run that is to be: its shape, where it is counted, and who is told what is done in it."""

    shape: Shape
    tally: Tally
    tell: Callable[[str], None]


class Ground:
    """What all runs stand on."""

    def __init__(
        self, loop: SteppedLoop, server: EmbeddedPostgres, databases: Databases, folder: Path
    ) -> None:
        self.loop = loop
        self._server = server
        self.databases = databases
        self._folder = folder
        # The operator's, and the one that users bring.
        self.cluster, self.theirs = LocalCluster(), LocalCluster()
        self.ways: dict[LocalCluster, Trusted] = {}

    async def open(self) -> None:
        """Listen, and connect."""
        for cluster in (self.cluster, self.theirs):
            path = await cluster.listen(self._folder)
            api = await config.new_client_from_config(str(path))
            _read_environment_once(api)
            self.ways[cluster] = Trusted(api)

    async def close(self) -> None:
        """Give all of it back."""
        for cluster, way in self.ways.items():
            await way.close()
            await cluster.close()

    @asynccontextmanager
    async def world(self, play: Play) -> AsyncIterator["World"]:
        """A run."""
        async with self.databases.lent() as url:
            await self.cluster.renew()
            await self.theirs.renew()
            name = urlsplit(url).path[1:]
            monitor = await asyncpg.connect(self._server.admin_dsn(), database=name)
            world = World(self, url, monitor, play)
            try:
                await world.begin()
                yield world
            finally:
                await world.end()
                await monitor.close()
                await self.cluster.end()
                await self.theirs.end()


class World:
    """A run that is under way."""

    def __init__(
        self,
        ground: Ground,
        url: str,
        monitor: "asyncpg.Connection[asyncpg.Record]",
        play: Play,
    ) -> None:
        shape, tally, tell = play.shape, play.tally, play.tell
        self.shape, self.tally, self._tell = shape, tally, tell
        self.cluster, self.theirs = ground.cluster, ground.theirs
        self.wire = Wire()
        self.wire.cut = not shape.notify
        self.scheduler = Scheduler(ground.loop, monitor)
        self.ledger = Ledger(monitor)
        self.settings = Settings(
            watch=shape.watch,
            sandbox_namespace="mooring" if shape.shared else None,
            cluster_rate=100_000,
            cluster_burst=100_000,
            retry_longest=2,
            crashed_retry=60,
            recheck=shape.recheck,
            kubeconfig_recheck=2 * shape.recheck,
            slots=8,
            account_slots=shape.at_once,
            pass_timeout=_PATIENT if shape.patient else _PASS,
            cluster_timeout=_PATIENT if shape.patient else _REQUEST,
        )
        self.checks = Checks(
            self.ledger, monitor, self.cluster, self.settings.lease_margin, (self.theirs,)
        )
        self.makers = Makers(self.settings, KEYS)
        place = Place(
            url,
            ground.ways[self.cluster],
            ground.ways[self.theirs],
            self.scheduler,
            self.wire,
            self.settings,
            self._note_sent,
        )
        self.workers = [Worker(f"r{n + 1}", place) for n in range(shape.workers)]
        self._monitor = monitor
        self._sent: list[Sent] = []
        # Tasks that are recording, and the projects whose resources move by it.
        self.recording: dict[asyncio.Task[Any] | None, set[UUID]] = {}
        # Tasks that put looks off, and the resources whose they are.
        self.putting_off: dict[asyncio.Task[Any] | None, list[UUID]] = {}
        self._guests = 0
        self._api = Database(as_role(url, roles.API), pool=10, publisher=self.wire)
        self._live = Database(as_role(url, roles.API), pool=10)
        self.users = Users(self._api, self.scheduler)
        self.followers = Followers(self._live, self.scheduler, self.wire)
        self.passed = 0.0
        self.faults: list[Rule] = []
        # Something may have happened that nobody is told of.
        self._unseen = False

    async def begin(self) -> None:
        """Users sign up, reconcilers begin."""
        await self.ledger.begin()
        for n in range(self.shape.users):
            await self._joins(f"user{n + 1}")
        self.users.followed = [*self.users.viewers]
        await self.welcome()
        recorder.record = self._said  # type: ignore[attr-defined]
        claims.still_current = self._read_again
        inspections.record = self._said_of_look
        rechecks.put_off = self._puts_off
        await self.followers.begin(self.users.followed)
        for worker in self.workers:
            worker.begin()
        await self.scheduler.settled()

    async def end(self) -> None:
        """Everybody is gone."""
        for worker in self.workers:
            if worker.alive:
                await worker.kill()
        await self.users.end()
        await self.followers.end()
        await self._api.close()
        await self._live.close()
        self.scheduler.close()
        recorder.record = _record  # type: ignore[attr-defined]
        claims.still_current = _still_current
        inspections.record, rechecks.put_off = _record_look, _put_off
        self.tally.runs += 1
        self.tally.steps += self.scheduler.steps
        self.tally.seconds += self.passed
        self.tally.writes += self.checks.judged
        self.tally.followed += self.followers.changes

    # -- who goes on -----------------------------------------------------------------------------
    async def go_on(self, chance: random.Random, most: int, worker: Worker | None = None) -> bool:
        """Let whoever is drawn go on by one await, so often; whether all have come to rest."""
        actor = worker.actor if worker is not None else None
        lately: deque[str] = deque(maxlen=200)
        for _ in range(most):
            ready = self.scheduler.ready(actor)
            if not ready:
                return True
            one = chance.choice(ready)
            lately.append(f"{one.actor.name} {one.name}")
            await self.step(one)
        if most >= _FOR_EVER:
            raise Broken(f"they never come to rest: {Counter(lately).most_common(5)}")
        return False

    async def stay_with(self, one: Stepped, most: int) -> None:
        """Let one go on, so often or until it waits for something, and nobody else."""
        for _ in range(most):
            if one not in self.scheduler.ready():
                return
            await self.step(one)

    async def live(self, chance: random.Random, most: int) -> None:
        """Let everybody go on, and a moment pass whenever nobody can, so often in all."""
        for _ in range(_MOMENTS):
            before = self.scheduler.steps
            if not await self.go_on(chance, most):
                return
            most -= self.scheduler.steps - before
            await self.pass_time(chance.choice(_MOMENT))

    async def step(self, one: Stepped) -> None:
        """Let one go on to its next await, and see that all is as it has to be."""
        await self.scheduler.step(one)
        sent, self._sent = self._sent, []
        for request in sent:
            self.tally.sent += 1
            self._tell(f"{request.worker} sends {request.call.method} {request.call.path}")
            self.checks.judge_sent(request)
        if one.over or one.asks_postgres():
            await self.look()

    async def look(self) -> None:
        """See that all is as it has to be."""
        for write in await self.checks.look():
            if said := write.told():
                self._tell(said)
        for intent in self.users.answered():
            self._tell(
                f"done: {intent.said}" if intent.refused is None else f"refused: {intent.said}"
            )
            self.tally.answers[type(intent.refused).__name__ if intent.refused else "done"] += 1
        for worker in self.workers:
            for error in worker.failed():
                raise Broken(f"{worker.name} ended: {error!r}") from error
        for error in self.followers.failed():
            raise Broken(f"a subscriber ended: {error!r}") from error

    async def pass_time(self, seconds: float) -> None:
        """Move all clocks."""
        self.passed += seconds
        await self.ledger.pass_time(seconds)
        await self.scheduler.pass_time(seconds)

    # -- what users want -------------------------------------------------------------------------
    def targets(self) -> list[Target]:
        """The resources that there are."""
        return [
            Target(
                key,
                UUID(row["project_id"]),
                UUID(row["account_id"]),
                ResourceKind(row["kind"]),
                row["name"],
            )
            for key, row in sorted(self.checks.rows.items())
        ]

    async def _joins(self, login: str) -> Viewer:
        viewer = await viewer_of(self._api, login)
        self.users.viewers.append(viewer)
        query = "SELECT k8s_namespace FROM account WHERE id = $1"
        self.checks.accounts[await self._monitor.fetchval(query, viewer.home)] = viewer.home
        return viewer

    async def welcome(self) -> Viewer:
        """A new user, of whom nobody follows what he has, for he may go again."""
        self._guests += 1
        return await self._joins(f"guest{self._guests}")

    async def is_leaving(self, viewer: Viewer) -> bool:
        """Whether his account is to go, or gone."""
        query = "SELECT closing_since IS NULL FROM account WHERE id = $1"
        return not await self._monitor.fetchval(query, viewer.home)

    async def _make_way(self, *, for_all: bool) -> None:
        """Who has something that is to go where no way leads by his kubeconfig, sets one for there,
        else it would stay; `for_all`: or anything at all."""
        for row in await self._monitor.fetch(_WITHOUT_WAY):
            if row["going"] or for_all:
                viewer = next(v for v in self.users.viewers if v.home == row["account_id"])
                name = wishes.way_to(row["namespace"])
                await self.wish(wishes.of_account(name, viewer.login, viewer.home))

    async def wish(self, wish: Wish) -> None:
        """Begin an intent."""
        viewer = next(one for one in self.users.viewers if one.home == wish.account)
        self.users.intend(wish.said, viewer, wish.verb)
        await self.scheduler.settled()

    # -- what goes wrong -------------------------------------------------------------------------
    async def fault(self, name: str, number: int) -> Rule:
        """Something is wrong with the cluster from now on."""
        rule = FAULTS[name](number)
        self.faults.append(rule)
        self._unseen = True
        for cluster in (self.cluster, self.theirs):
            cluster.disturb(*self.faults)
        await self.scheduler.settled()
        return rule

    async def heal(self) -> None:
        """Nothing is wrong with the cluster any more."""
        self.faults = []
        for cluster in (self.cluster, self.theirs):
            cluster.disturb()
            cluster.hurry(0)
        await self.scheduler.settled()

    async def slow_down(self) -> None:
        """Pods and databases take longer than anybody waits."""
        for cluster in (self.cluster, self.theirs):
            cluster.hurry(10**6)
        await self.scheduler.settled()

    async def lend_a_hand(self, deed: str, number: int) -> str | None:
        """Somebody does something to our objects."""
        self._unseen = True
        cluster = self.cluster if number % 3 or not hands.of_ours(self.theirs) else self.theirs
        done = hands.lend_a_hand(cluster, deed, number)
        await self.scheduler.settled()
        return done

    async def hang_up(self, *, everybody: bool) -> None:
        """Postgres loses the connections of all reconcilers, or those of API processes too."""
        await self._monitor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = ANY($1)",
            [roles.RECONCILER, roles.API] if everybody else [roles.RECONCILER],
        )
        await self.scheduler.settled()

    # -- the end ---------------------------------------------------------------------------------
    async def settle(self, seed: int) -> None:
        """All faults end; the world has a while to come to what is wanted."""
        chance = random.Random(seed)
        await self.heal()
        for worker in self.workers:
            worker.actor.paused = False
            if not worker.alive:
                worker.begin()
        self.wire.cut = not self.shape.notify
        await self.go_on(chance, _FOR_EVER)
        await self._make_way(for_all=True)
        waited, within = 0.0, _LATER if self._unseen else _SOON
        while True:
            await self.go_on(chance, _FOR_EVER)
            left = await self._left()
            if not left:
                return
            if waited > within:
                raise Broken(f"not settled after {waited:.0f} s:\n  " + "\n  ".join(left))
            await self._make_way(for_all=False)
            await self.pass_time(_TICK)
            waited += _TICK

    async def _left(self) -> list[str]:
        """What is not yet as it has to be."""
        rows = await convergence.open_ends(self._monitor)
        if rows:
            return [str(row) for row in rows]
        strays = await convergence.strays(self._monitor, self.cluster, elsewhere=False)
        strays += await convergence.strays(self._monitor, self.theirs, elsewhere=True)
        return strays or await convergence.untold(self._monitor, self.users, self.followers)

    # -- what is noted ---------------------------------------------------------------------------
    def _note_sent(self, sent: Sent) -> None:
        self._sent.append(sent)

    async def _read_again(self, executor: Executor, claim: Claim) -> bool:
        current = await _still_current(executor, claim)
        if current:
            self.checks.judge_read(claim.id, claim.lease_token, claim.generation)
            task = asyncio.current_task()
            for worker in self.workers:
                if task in worker.passes:
                    worker.checked.add(claim.lease_token)
        return current

    async def _puts_off(self, executor: Executor, rows: Sequence[tuple[Coming, timedelta]]) -> None:
        task = asyncio.current_task()
        self.putting_off[task] = [row.id for row, _ in rows]
        try:
            # A moment in which somebody may ask.
            await asyncio.sleep(0)
            await _put_off(executor, rows)
        finally:
            del self.putting_off[task]

    async def _said_of_look(self, session: Session, looked: Inspection, finding: Finding) -> None:
        """`inspections.record`, which says first under which lease it writes."""
        tokens = {str(looked.id): str(looked.lease_token)}
        await session.execute(_TELL, {"tokens": orjson.dumps(tokens).decode()})
        await _record_look(session, looked, finding)

    async def _said(self, session: Session, results: Sequence[tuple[Claim, Outcome]]) -> Recorded:
        """`record`, which says first under which leases it writes."""
        task = asyncio.current_task()
        self.recording[task] = {c.project_id for c, outcome in results if moves(c, outcome)}
        tokens = {str(claim.id): str(claim.lease_token) for claim, _ in results}
        try:
            await session.execute(_TELL, {"tokens": orjson.dumps(tokens).decode()})
            return await _record(session, results)
        finally:
            del self.recording[task]


def moves(claim: Claim, outcome: Outcome) -> bool:
    """Whether the status of what was claimed is another by that."""
    inputs = Inputs(
        claim.desired_state,
        claim.phase,
        claim.was_ready,
        claim.generation,
        claim.desired_generation,
        claim.observed_generation,
        claim.failed_generation,
    )
    seen = Seen(inputs, None, None, Addresses(None, None))
    return outcome.gone or merge(seen, outcome).status != seen.status
