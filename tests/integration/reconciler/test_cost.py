"""How many requests a sandbox costs, and that what is changed by hand comes back nevertheless.

Counted by the simulator. A bound, not an exact number: how many looks a start takes is a matter of
how its events fall together. What is settled costs nothing while its watches are believed, and a
pass where they are not.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import text

from app.db.session import Database
from app.domain.states import DesiredState
from app.domain.viewer import API, RECONCILER, Viewer
from app.services import projects
from app.settings import Settings
from reconciler.cluster.client import Bounds, Cluster
from reconciler.cluster.index import Index
from reconciler.cluster.trusted import connect
from reconciler.loop import Loop
from reconciler.manifests.kinds import (
    INGRESS,
    NETWORK_POLICY,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
    Object,
)
from reconciler.manifests.permissions import watched
from reconciler.rechecks import Rechecks
from reconciler.watch import Watch
from tests.integration.reconciler.working import resources_of
from tests.integration.world import becomes, project_of, viewer_of
from tests.simulator import RunningSimulator, running_simulator

MADE = (STATEFUL_SET, POD, SECRET, SERVICE, INGRESS, NETWORK_POLICY)
# One read, one dry run, six applies; then two reads for each of two looks.
MOST_TO_RUNNING = 12
# Six deletions, and one list of each kind.
MOST_TO_GONE = 21
# Nothing is due by itself while a test runs, and all that is settled is due soon.
RECHECK, POLL = 3600.0, 3600.0


@pytest_asyncio.fixture(scope="module")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningSimulator]:
    """One cluster for all tests here."""
    async with running_simulator(tmp_path_factory.mktemp("cost")) as running:
        yield running


@dataclass
class Bill:
    """A reconciler at work, and what it asks of the cluster."""

    database: Database
    simulator: RunningSimulator
    cluster: Cluster
    loop: Loop
    viewer: Viewer
    watching: asyncio.Task[None]

    async def asked(self) -> Counter[str]:
        """What was asked since this was called last, but for watches."""
        headers = {"Authorization": f"Bearer {self.simulator.token}"}
        url = f"{self.simulator.url}/simulator/requests"
        async with (
            aiohttp.ClientSession() as session,
            session.delete(url, headers=headers, ssl=self.simulator.trust) as answer,
        ):
            counted = Counter[str](await answer.json())
        return Counter({what: n for what, n in counted.items() if not what.startswith("watch ")})

    async def project(self) -> UUID:
        made = await project_of(self.database, self.viewer)
        self.loop.wake()
        await self.shows("RUNNING")
        return made

    async def shows(self, *expected: str) -> None:
        async def same() -> bool:
            async with self.database.read(API) as connection:
                found = await connection.execute(text("SELECT status FROM resource ORDER BY id"))
                return [row.status for row in found] == list(expected)

        await becomes(same)

    async def objects(self, kind: Kind) -> Sequence[Object]:
        """Of the one resource."""
        async with self.database.read(API) as connection:
            found = (await connection.execute(text("SELECT id FROM resource"))).scalar_one()
        return await self.cluster.list_all(kind, "mooring", f"mooring.dev/resource={found}")

    async def settled(self, looks: int = 1) -> None:
        """Once that many more looks have found the one resource as wanted, and nobody asks."""
        wanted = await self._claims() + looks

        async def looked() -> bool:
            return await self._claims() >= wanted

        await becomes(looked)

    async def _claims(self) -> int:
        statement = text("SELECT claims FROM resource WHERE lease_token IS NULL")
        async with self.database.read(API) as connection:
            return int((await connection.execute(statement)).scalar() or 0)


@asynccontextmanager
async def reconciling(
    database: Database, simulator: RunningSimulator, *, recheck: float, **changed: Any
) -> AsyncIterator[Bill]:
    """A reconciler as its process puts it together, in the operator's cluster."""
    quick = {"poll": 0.2, "recheck": recheck, "cluster_rate": 1000, "cluster_burst": 1000}
    settings = Settings(**quick | changed)
    cluster = await connect(simulator.kubeconfig, Bounds(10, rate=1000, burst=1000))
    loop = Loop(database, resources_of(database, cluster, settings).reconcile, settings, "test")
    watch = Watch(database, cluster, "mooring", loop.wake)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(loop.run())
        watching = group.create_task(watch.run(watched(settings)))
        told = [kind for kind in MADE if kind in watched(settings)]
        await becomes(lambda: _true(cluster.index.trusts(told)))
        viewer = await viewer_of(database, f"u-{uuid4().hex[:8]}")
        bill = Bill(database, simulator, cluster, loop, viewer, watching)
        await bill.asked()
        yield bill
        loop.stop()
        await task
        watching.cancel()
    await cluster.close()


async def _true(held: bool) -> bool:
    return held


async def test_a_sandbox_costs_no_more_than_it_must(
    database: Database, simulator: RunningSimulator
) -> None:
    async with reconciling(database, simulator, recheck=3600) as bill:
        project = await bill.project()
        starting = await bill.asked()
        async with database.begin(bill.viewer) as session:
            await projects.want(session, bill.viewer, project, DesiredState.DELETED)
        bill.loop.wake()
        await bill.shows()
        going = await bill.asked()

    writes = sum(n for what, n in starting.items() if what.startswith(("patch ", "create ")))
    assert writes == 7
    assert starting.total() <= MOST_TO_RUNNING, starting
    assert going.total() <= MOST_TO_GONE, going


async def test_a_look_at_what_is_as_wanted_is_one_request(
    database: Database, simulator: RunningSimulator
) -> None:
    async with reconciling(database, simulator, recheck=0.3) as bill:
        await bill.project()
        await bill.settled(looks=2)
        await bill.asked()
        before = await bill._claims()
        await bill.settled(looks=3)
        asked = await bill.asked()
        looks = await bill._claims() - before

    assert set(asked) == {"get statefulsets"}, asked
    assert asked.total() <= looks + 1


@pytest.mark.parametrize(
    ("kind", "taken_off"),
    [
        (SECRET, {}),
        (SERVICE, {"mooring.dev/resource": None}),
        (INGRESS, {"app.kubernetes.io/managed-by": None}),
        (NETWORK_POLICY, {}),
    ],
    ids=lambda one: getattr(one, "kind", None),
)
async def test_what_was_changed_by_hand_comes_back_by_its_event(
    database: Database, simulator: RunningSimulator, kind: Kind, taken_off: dict[str, None]
) -> None:
    async with reconciling(database, simulator, recheck=3600) as bill:
        await bill.project()
        body = (await bill.objects(kind))[0]
        labels = {"app.kubernetes.io/part-of": "somebody"} | taken_off
        await merged(bill, kind, body["metadata"]["name"], {"metadata": {"labels": labels}})

        async def back() -> bool:
            found = await bill.cluster.get(kind, "mooring", body["metadata"]["name"])
            return found is not None and found["metadata"]["labels"] == body["metadata"]["labels"]

        await becomes(back)


@pytest.mark.parametrize("lost", ["ended", "silent"])
async def test_what_was_removed_by_hand_comes_back_without_its_event(
    database: Database, simulator: RunningSimulator, lost: str
) -> None:
    async with reconciling(database, simulator, recheck=0.5) as bill:
        await bill.project()
        await bill.settled(looks=2)
        bill.watching.cancel()
        index: Index = bill.cluster.index
        if lost == "ended":
            index.lost(SERVICE)
        else:
            index._silence = 0.3
        [removed] = await bill.objects(SERVICE)
        await bill.cluster.delete(SERVICE, removed)

        async def back() -> bool:
            found = await bill.objects(SERVICE)
            return len(found) == 1 and found[0]["metadata"]["uid"] != removed["metadata"]["uid"]

        await becomes(back)


async def merged(bill: Bill, kind: Kind, name: str, change: object) -> None:
    """As `kubectl patch --type merge` does, in somebody else's name."""
    headers = {
        "Authorization": f"Bearer {bill.simulator.token}",
        "Content-Type": "application/merge-patch+json",
    }
    url = bill.simulator.url + kind.path("mooring", name)
    async with (
        aiohttp.ClientSession() as session,
        session.patch(url, json=change, headers=headers, ssl=bill.simulator.trust) as answer,
    ):
        assert answer.status == 200, await answer.text()


def rechecks_of(bill: Bill, index: Index | None = None, recheck: float = RECHECK) -> Rechecks:
    settings = Settings(recheck=recheck, poll=POLL)
    return Rechecks(bill.database, index or bill.cluster.index, settings)


async def settled(bill: Bill) -> None:
    """A project that runs, once a look has found that nothing happens to it any more."""
    await bill.project()

    async def put_off() -> bool:
        return await rechecks_of(bill).look() == 1

    await becomes(put_off)
    await bill.asked()


async def test_a_settled_row_is_put_off_without_a_claim_or_a_request(
    database: Database, simulator: RunningSimulator
) -> None:
    async with reconciling(database, simulator, recheck=RECHECK) as bill:
        await settled(bill)
        async with database.autocommit(RECONCILER) as connection:
            await connection.execute(text("UPDATE resource SET due_at = mooring_now() + '1 s'"))
        claimed = await bill._claims()

        looked = await rechecks_of(bill).look()
        bill.loop.wake()

        assert looked == 1
        assert await due_after(database) > 0.7 * RECHECK
        assert await bill._claims() == claimed
        assert not await bill.asked()


async def due_after(database: Database) -> float:
    """Seconds until the one row is due."""
    statement = text("SELECT extract(epoch FROM due_at - mooring_now())::float8 FROM resource")
    async with database.read(RECONCILER) as connection:
        found: float = (await connection.execute(statement)).scalar_one()
    return found


async def test_what_is_not_known_to_be_still_is_left_to_a_pass(
    database: Database, simulator: RunningSimulator
) -> None:
    async with reconciling(database, simulator, recheck=RECHECK) as bill:
        await settled(bill)

        of_a_new_process = await rechecks_of(bill, Index()).look()
        of_one_with_no_whole_look_for_long = await rechecks_of(bill, recheck=1e-6).look()
        bill.cluster.index.lost(SERVICE)
        without_a_watch = await rechecks_of(bill).look()

        assert of_a_new_process == 0
        assert of_one_with_no_whole_look_for_long == 0
        assert without_a_watch == 0


async def test_what_a_watch_does_not_tell_of_is_found_by_a_list_and_comes_back(
    database: Database, simulator: RunningSimulator
) -> None:
    async with reconciling(database, simulator, recheck=RECHECK) as bill:
        await settled(bill)
        bill.watching.cancel()
        [removed] = await bill.objects(SERVICE)
        await bill.cluster.delete(SERVICE, removed)
        believed = await rechecks_of(bill).look()

        watch = Watch(database, bill.cluster, "mooring", bill.loop.wake, compared=0.2)
        tasks = [
            asyncio.create_task(watch.compare((SERVICE,))),
            asyncio.create_task(watch.ask()),
        ]

        async def back() -> bool:
            found = await bill.objects(SERVICE)
            return len(found) == 1 and found[0]["metadata"]["uid"] != removed["metadata"]["uid"]

        await becomes(back)
        for task in tasks:
            task.cancel()

    assert believed == 1
