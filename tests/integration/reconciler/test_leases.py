"""What a worker does with a lease: renews it, stops in time without it, writes nothing after it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.db.claims import Claim
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.states import Phase
from app.domain.viewer import API
from app.settings import Settings
from reconciler.cluster.client import Bounds, Cluster
from reconciler.cluster.trusted import connect
from reconciler.manifests.kinds import STATEFUL_SET, Object
from tests.chaos.proxy import Proxy, proxied
from tests.integration.reconciler.test_loop import OURS, running, statuses
from tests.integration.reconciler.working import resources_of
from tests.integration.world import becomes, project_of, viewer_of
from tests.simulator import RunningSimulator


class Wire:
    """The way of one worker to Postgres, which may be lost."""

    def __init__(self, proxy: Proxy, database: Database) -> None:
        self.proxy = proxy
        self.database = database

    def lose(self) -> None:
        self.proxy.closed = True
        self.proxy.cut()

    def mend(self) -> None:
        self.proxy.closed = False


@asynccontextmanager
async def wired(url: str, limit: float | None = None) -> AsyncIterator[Wire]:
    parts = urlsplit(url)
    [folder], [port] = (parse_qs(parts.query)[name] for name in ("host", "port"))
    async with proxied(Path(folder) / f".s.PGSQL.{port}") as proxy:
        through = f"{parts.scheme}://{parts.netloc}127.0.0.1:{proxy.port}{parts.path}"
        database = Database(through, pool=5, limit=limit)
        yield Wire(proxy, database)
        await database.close()


@pytest_asyncio.fixture
async def wire(url: str) -> AsyncIterator[Wire]:
    async with wired(url) as made:
        yield made


@pytest_asyncio.fixture
async def limited(url: str) -> AsyncIterator[Wire]:
    """What waits for Postgres there is soon given up."""
    async with wired(url, 0.2) as made:
        yield made


async def ends(database: Database) -> datetime:
    """When the one lease ends, by Postgres' clock."""
    async with database.read(API) as connection:
        found = await connection.execute(text("SELECT locked_until FROM resource"))
        return found.scalar_one()  # type: ignore[no-any-return]


async def left(database: Database) -> float:
    """Seconds until the one lease ends, by Postgres' clock."""
    async with database.read(API) as connection:
        query = text("SELECT extract(epoch FROM locked_until - mooring_clock()) FROM resource")
        return float((await connection.execute(query)).scalar_one())


async def is_over(database: Database) -> bool:
    return await left(database) < 0


class Held:
    """A pass that goes on until somebody stops it."""

    def __init__(self) -> None:
        self.begun, self.ended = asyncio.Event(), asyncio.Event()

    async def reconcile(self, _: Claim) -> Outcome:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        raise AssertionError


async def test_a_lease_is_renewed_at_a_third(database: Database) -> None:
    await project_of(database, await viewer_of(database))
    held, seen = Held(), set[datetime]()

    async def four_times() -> bool:
        seen.add(await ends(database))
        return len(seen) == 4

    async with running(database, held.reconcile, Settings(lease=1.2, lease_margin=0.1, drain=0.01)):
        await held.begun.wait()
        await becomes(four_times)

    # A busy machine is late, but hardly each time.
    between = [(b - a).total_seconds() for a, b in pairwise(sorted(seen))]
    assert 0.3 < min(between[1:]) < 0.6


async def test_a_pass_is_stopped_a_margin_before_the_end_of_a_lease_that_cannot_be_renewed(
    database: Database, wire: Wire
) -> None:
    await project_of(database, await viewer_of(database))
    held = Held()

    settings = Settings(lease=2.4, lease_margin=1.4, pass_timeout=60, drain=0.01)
    async with running(wire.database, held.reconcile, settings):
        await held.begun.wait()
        wire.lose()
        await held.ended.wait()
        rest = await left(database)
        wire.mend()

    assert rest > 0.1


@pytest.mark.faults
async def test_a_renewal_that_fell_into_a_black_hole_is_made_again_in_time(
    database: Database, limited: Wire
) -> None:
    await project_of(database, await viewer_of(database))
    held = Held()

    settings = Settings(lease=3, lease_margin=0.3, pass_timeout=60, drain=0.01)
    async with running(limited.database, held.reconcile, settings):
        await held.begun.wait()
        before, taken = await ends(database), limited.proxy.taken
        limited.proxy.hole = True

        async def is_given_up() -> bool:
            return limited.proxy.taken > taken

        async def is_renewed() -> bool:
            return await ends(database) > before

        await becomes(is_given_up)
        limited.proxy.hole = False
        await becomes(is_renewed)
        ended = held.ended.is_set()

    assert not ended


async def test_a_pass_is_stopped_as_soon_as_a_renewal_finds_the_row_to_be_anothers(
    database: Database,
) -> None:
    await project_of(database, await viewer_of(database))
    held = Held()

    settings = Settings(poll=3600, lease=2.4, lease_margin=0.1, pass_timeout=60, drain=0.01)
    async with running(database, held.reconcile, settings):
        await held.begun.wait()
        until = await ends(database)
        async with database.begin(API) as session:
            await session.execute(
                text("UPDATE resource SET lease_token = gen_random_uuid(), locked_until='infinity'")
            )
        await held.ended.wait()
        async with database.read(API) as connection:
            query = text("SELECT mooring_clock() < :until")
            in_time = (await connection.execute(query, {"until": until})).scalar_one()

    assert in_time


@pytest.mark.faults
async def test_a_lease_counts_from_before_its_claim_was_sent(
    database: Database, wire: Wire
) -> None:
    await project_of(database, await viewer_of(database))
    held = Held()
    async with wire.database.read(API) as connection:
        await connection.execute(text("SELECT 1"))
    wire.proxy.delay = 0.5

    # The pass begins before the first renewal, which would count from its own sending.
    settings = Settings(lease=6, lease_margin=0.02, pass_timeout=60, drain=0.01)
    async with running(wire.database, held.reconcile, settings):
        await held.begun.wait()
        wire.lose()
        await held.ended.wait()
        over = await is_over(database)
        wire.mend()

    assert not over


@pytest.mark.faults
async def test_what_postgres_was_away_for_is_not_held_against_the_row(
    database: Database, wire: Wire
) -> None:
    await project_of(database, await viewer_of(database))
    crashes: list[int] = []
    looked = asyncio.Event()

    async def reconcile(claim: Claim) -> Outcome:
        crashes.append(claim.crashes)
        if not looked.is_set():
            wire.lose()
        looked.set()
        return Outcome(claim.generation, timedelta(minutes=5), phase=Phase.RUNNING)

    async def up() -> bool:
        return await statuses(database) == ["RUNNING"]

    async with running(wire.database, reconcile, Settings(poll=0.1, lease=1.2, lease_margin=0.2)):
        await looked.wait()
        await becomes(lambda: is_over(database))
        wire.mend()
        await becomes(up)

    assert crashes == [0, 0]


async def test_a_renewal_finds_a_pass_that_gave_up_and_keeps_its_lease(database: Database) -> None:
    await project_of(database, await viewer_of(database))
    looks = 0

    async def reconcile(claim: Claim) -> Outcome:
        nonlocal looks
        looks += 1
        if looks < 4:
            raise ConnectionResetError
        return Outcome(claim.generation, timedelta(minutes=5), phase=Phase.RUNNING)

    async def up() -> bool:
        return await statuses(database) == ["RUNNING"]

    # It is renewed more often than giving up takes.
    async with running(database, reconcile, Settings(poll=0.1, lease=0.3, lease_margin=0.01)):
        await becomes(up)

    assert looks == 4


MOMENTS = ("before its reads", "before its first write", "before its record")


@pytest.mark.faults
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_row_whose_worker_lost_postgres_is_done_again_by_another_and_only_once(
    database: Database, wire: Wire, simulator: RunningSimulator, cluster: Cluster, moment: str
) -> None:
    await project_of(database, await viewer_of(database))
    settings = Settings(poll=0.1, lease=1.2, lease_margin=0.2, drain=5)
    first = await connect(simulator.kubeconfig, Bounds(10, rate=1000, burst=1000))
    passing = resources_of(wire.database, first, settings)
    lost = asyncio.Event()

    def lose(when: str) -> None:
        if when == moment and not lost.is_set():
            wire.lose()
            lost.set()

    async def reconcile(claim: Claim) -> Outcome | None:
        lose("before its reads")
        try:
            return await passing.reconcile(claim)
        finally:
            lose("before its record")

    write = first.apply

    async def apply(body: Object, **how: Any) -> Object:
        lose("before its first write")
        return await write(body, **how)

    first.apply = apply  # type: ignore[method-assign]
    async with running(wire.database, reconcile, settings):
        await lost.wait()
        await becomes(lambda: is_over(database))
        again = resources_of(database, cluster, settings)
        async with running(database, again.reconcile, settings):

            async def up() -> bool:
                return await statuses(database) == ["RUNNING"]

            await becomes(up)
        before = await row_and_story(database)
        wire.mend()
    await first.close()

    found = await cluster.list_all(STATEFUL_SET, "mooring", OURS)
    assert [one["metadata"]["generation"] for one in found] == [1]
    assert await row_and_story(database) == before
    story = before[1]
    assert [line[0] for line in story] == [None, *(line[1] for line in story[:-1])]
    assert [line[1] for line in story].count("RUNNING") == 1


async def row_and_story(database: Database) -> tuple[object, list[tuple[str | None, str]]]:
    """What passes have written on the one sandbox, and its history: from and to."""
    row = text(
        "SELECT phase, phase_since, observed_generation, reason, attempts, updated_at FROM resource"
    )
    story = text(
        "SELECT from_status, to_status FROM change WHERE subject_type = 'Sandbox'"
        " AND from_status IS DISTINCT FROM to_status ORDER BY seq"
    )
    async with database.read(API) as connection:
        written = tuple((await connection.execute(row)).one())
        lines = [(line.from_status, line.to_status) for line in await connection.execute(story)]
    return written, lines
