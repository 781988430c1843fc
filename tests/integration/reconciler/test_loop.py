"""The reconciler on real parts: Postgres, and the simulator's process over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sized
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db.claims import Claim
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.states import DesiredState, Lane, Phase
from app.domain.viewer import API, Viewer
from app.services import projects
from app.settings import Settings
from reconciler import metrics
from reconciler.cluster.budget import TURN, Budget
from reconciler.cluster.client import Cluster
from reconciler.loop import Loop
from reconciler.manifests.kinds import (
    CLUSTER,
    KINDS,
    OLD_CLUSTER,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
    Object,
)
from reconciler.resources import Resources
from reconciler.watch import Watch
from tests.integration.world import PATIENCE, becomes, project_of, viewer_of

OURS = "app.kubernetes.io/managed-by=mooring"


@asynccontextmanager
async def running(
    database: Database,
    reconcile: Callable[[Claim], Awaitable[Outcome | None]],
    settings: Settings,
    watch: Cluster | None = None,
    namespace: str = "",
    *,
    held: Callable[[Claim], timedelta | None] = lambda _: None,
) -> AsyncIterator[Loop]:
    """A loop for the block, drained at its end."""
    loop = Loop(database, reconcile, settings, "test", held=held)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(loop.run())
        watching = None
        if watch is not None:
            watches = Watch(database, watch, namespace, loop.wake)
            watching = group.create_task(
                watches.run((STATEFUL_SET, POD, SERVICE, CLUSTER, OLD_CLUSTER))
            )
        yield loop
        loop.stop()
        await task
        if watching is not None:
            watching.cancel()


async def want(database: Database, viewer: Viewer, project: UUID, desired: DesiredState) -> None:
    async with database.begin(viewer) as session:
        await projects.want(session, viewer, project, desired)


async def statuses(database: Database) -> list[str]:
    async with database.read(API) as connection:
        found = await connection.execute(text("SELECT status FROM resource ORDER BY id"))
        return [row.status for row in found]


async def left(cluster: Cluster) -> int:
    return sum([len(await cluster.list_all(kind, "mooring", OURS)) for kind in KINDS])


async def test_a_sandbox_runs_stops_starts_and_goes(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)

    async def shows(*expected: str) -> None:
        async def same() -> bool:
            return await statuses(database) == list(expected)

        await becomes(same)

    async with running(database, resources.reconcile, settings, cluster) as loop:
        await shows("RUNNING")
        for desired, end in (("STOPPED", "STOPPED"), ("RUNNING", "RUNNING")):
            await want(database, viewer, project, DesiredState(desired))
            loop.wake()
            await shows(end)
        await want(database, viewer, project, DesiredState.DELETED)
        loop.wake()
        await shows()

    assert await left(cluster) == 0


async def test_what_was_stopped_before_it_was_made_is_not_made(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    await want(database, viewer, project, DesiredState.STOPPED)

    async with running(database, resources.reconcile, settings):

        async def stopped() -> bool:
            return await statuses(database) == ["STOPPED"]

        await becomes(stopped)

    assert await left(cluster) == 0


async def test_a_secret_of_our_name_that_is_somebodys_is_left_alone(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    await project_of(database, await viewer_of(database))
    async with database.read(API) as connection:
        name = (await connection.execute(text("SELECT k8s_name FROM sandbox"))).scalar_one()
    theirs = {"name": f"{name}-env", "namespace": "mooring"}
    await cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": theirs})

    async with running(database, resources.reconcile, settings):

        async def refused() -> bool:
            return await statuses(database) == ["ERROR"]

        await becomes(refused)
    found = await cluster.get(SECRET, "mooring", f"{name}-env")

    assert found is not None
    assert "data" not in found


async def test_a_service_removed_by_hand_comes_back(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    await project_of(database, await viewer_of(database))

    async with running(database, resources.reconcile, settings, cluster):

        async def up() -> bool:
            return await statuses(database) == ["RUNNING"]

        await becomes(up)
        [removed] = await cluster.list_all(SERVICE, "mooring", OURS)
        await cluster.delete(SERVICE, removed)

        async def back() -> bool:
            found = await cluster.list_all(SERVICE, "mooring", OURS)
            uids = [body["metadata"]["uid"] for body in found]
            return len(uids) == 1 and uids != [removed["metadata"]["uid"]]

        await becomes(back)


async def test_what_is_there_of_another_kind_goes_with_a_sandbox(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    async with database.read(API) as connection:
        key = (await connection.execute(text("SELECT id FROM resource"))).scalar_one()
    labels = {"app.kubernetes.io/managed-by": "mooring", "mooring.dev/resource": str(key)}
    meta = {"name": "left-behind", "namespace": "mooring", "labels": labels}
    await cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})

    async with running(database, resources.reconcile, settings, cluster) as loop:
        await want(database, viewer, project, DesiredState.DELETED)
        loop.wake()

        async def gone() -> bool:
            return await statuses(database) == []

        await becomes(gone)

    assert await left(cluster) == 0


async def test_without_any_wake_up_what_is_due_is_found_by_the_poll(database: Database) -> None:
    viewer = await viewer_of(database)

    async def reconcile(claim: Claim) -> Outcome:
        return Outcome(claim.generation, timedelta(minutes=5), phase=Phase.RUNNING)

    async with running(database, reconcile, Settings(poll=0.05)):
        for made in (1, 2):
            await project_of(database, viewer)

            async def all_running(count: int = made) -> bool:
                return await statuses(database) == ["RUNNING"] * count

            await becomes(all_running)


async def test_a_workload_removed_while_a_pass_is_under_way_is_not_made_again_by_it(
    database: Database,
    resources: Resources,
    cluster: Cluster,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    look, removed = cluster.get, asyncio.Event()

    async def shows(status: str) -> None:
        async def same() -> bool:
            return await statuses(database) == [status]

        await becomes(same)

    async def gone() -> bool:
        return not await cluster.list_all(STATEFUL_SET, "mooring", OURS)

    async def removing(kind: Kind, namespace: str, name: str) -> Object | None:
        found = await look(kind, namespace, name)
        if found is not None and kind is STATEFUL_SET:
            await cluster.delete(kind, found)
            await becomes(gone)
            removed.set()
        return found

    async with running(database, resources.reconcile, settings) as loop:
        await shows("RUNNING")
        await want(database, viewer, project, DesiredState.STOPPED)
        loop.wake()
        await shows("STOPPED")
        monkeypatch.setattr(cluster, "get", removing)
        async with database.begin(API) as session:
            await session.execute(text("UPDATE resource SET due_at = mooring_now(), lane = 0"))
        loop.wake()
        await asyncio.wait_for(removed.wait(), PATIENCE)

    assert await gone()
    assert await statuses(database) == ["STOPPED"]


async def test_somebody_elses_object_of_our_name_is_named_and_left_alone(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    await project_of(database, await viewer_of(database))
    async with database.read(API) as connection:
        name = (await connection.execute(text("SELECT k8s_name FROM sandbox"))).scalar_one()
    theirs = await cluster.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": name, "namespace": "mooring"},
            "spec": {
                "serviceName": "x",
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "c", "image": "i"}]},
                },
            },
        }
    )

    async with running(database, resources.reconcile, settings):

        async def failed() -> bool:
            return await statuses(database) == ["ERROR"]

        await becomes(failed)

    found = await cluster.get(STATEFUL_SET, "mooring", name)
    async with database.read(API) as connection:
        reason = (await connection.execute(text("SELECT reason FROM resource"))).scalar_one()
    assert reason == "NameClash"
    assert found is not None
    assert found["metadata"]["uid"] == theirs["metadata"]["uid"]
    assert "mooring.dev/resource" not in found["metadata"].get("labels", {})


async def test_a_backlog_of_one_account_is_worked_off_without_waiting_for_the_poll(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    for _ in range(40):
        await project_of(database, viewer)
    settings = Settings(poll=3600, slots=8, account_slots=4)
    most, now = 0, 0

    async def reconcile(claim: Claim) -> Outcome:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return Outcome(claim.generation, timedelta(minutes=5), phase=Phase.RUNNING)

    async with running(database, reconcile, settings):

        async def all_running() -> bool:
            return await statuses(database) == ["RUNNING"] * 40

        await becomes(all_running)

    assert 0 < most <= 8


async def test_what_a_pass_asks_for_is_of_its_account_and_lane(database: Database) -> None:
    one, other = await viewer_of(database), await viewer_of(database, "bob")
    for viewer in (one, other):
        await project_of(database, viewer)
    await want(database, other, await project_of(database, other, "gone"), DesiredState.DELETED)
    asked: list[tuple[Lane, UUID | None]] = []

    async def reconcile(claim: Claim) -> Outcome:
        turn = TURN.get()
        asked.append((turn.lane, turn.account))
        return Outcome(claim.generation, timedelta(minutes=5), phase=Phase.RUNNING)

    async with running(database, reconcile, Settings(poll=3600)):
        await becomes(lambda: at_least(asked, 3))

    assert set(asked[:3]) == {
        (Lane.ASKED, one.home),
        (Lane.ASKED, other.home),
        (Lane.DELETION, other.home),
    }


async def at_least(found: Sized, count: int) -> bool:
    return len(found) >= count


async def test_waiting_for_our_own_budget_is_no_time_of_a_pass(database: Database) -> None:
    await project_of(database, await viewer_of(database))
    budget, passes = Budget(rate=20, burst=1), 0

    async def reconcile(claim: Claim) -> Outcome:
        nonlocal passes
        passes += 1
        for _ in range(12):
            await budget.spend()
        return Outcome(claim.generation, timedelta(minutes=5), phase=Phase.RUNNING)

    async def up() -> bool:
        return await statuses(database) == ["RUNNING"]

    # It waits for twice as long as a pass may take.
    async with running(database, reconcile, Settings(poll=3600, pass_timeout=0.3)):
        await becomes(up)

    assert passes == 1


async def test_a_pass_whose_row_was_taken_is_stopped_and_writes_nothing(
    database: Database,
) -> None:
    await project_of(database, await viewer_of(database))
    begun, ended = asyncio.Event(), asyncio.Event()
    settings = Settings(poll=3600, lease=0.6, lease_margin=0.1, pass_timeout=30)

    async def reconcile(claim: Claim) -> Outcome:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    async with running(database, reconcile, settings) as loop:
        await begun.wait()
        async with database.begin(API) as session:
            await session.execute(
                text(
                    "UPDATE resource SET lease_token = gen_random_uuid(), locked_by = 'another',"
                    " locked_until = 'infinity'"
                )
            )
        await asyncio.wait_for(ended.wait(), 60)
        loop.wake()

    async with database.read(API) as connection:
        row = (await connection.execute(text("SELECT phase, locked_by FROM resource"))).one()
    assert (row.phase, row.locked_by) == ("new", "another")


async def test_a_pass_goes_on_for_longer_than_a_lease_because_it_is_renewed(
    database: Database,
) -> None:
    await project_of(database, await viewer_of(database))
    settings = Settings(poll=3600, lease=1.8, lease_margin=0.3, pass_timeout=60)
    begun, go = asyncio.Event(), asyncio.Event()
    passes = 0

    async def reconcile(claim: Claim) -> Outcome:
        nonlocal passes
        passes += 1
        begun.set()
        await go.wait()
        return Outcome(claim.generation, timedelta(minutes=5), phase=Phase.RUNNING)

    async with running(database, reconcile, settings):
        await begun.wait()
        async with database.read(API) as connection:
            ends = text("SELECT locked_until FROM resource")
            first = (await connection.execute(ends)).scalar_one()

        async def past_its_first_end() -> bool:
            async with database.read(API) as connection:
                past = text("SELECT mooring_clock() - interval '0.2 seconds' > :first")
                return bool((await connection.execute(past, {"first": first})).scalar_one())

        await becomes(past_its_first_end)
        go.set()

    assert await statuses(database) == ["RUNNING"]
    assert passes == 1


async def test_a_stopped_reconciler_lets_its_passes_end_and_records_them(
    database: Database,
) -> None:
    await project_of(database, await viewer_of(database))
    begun, go = asyncio.Event(), asyncio.Event()

    async def reconcile(claim: Claim) -> Outcome:
        begun.set()
        await go.wait()
        return Outcome(claim.generation, timedelta(minutes=5), phase=Phase.RUNNING)

    async with running(database, reconcile, Settings(poll=3600)) as loop:
        await begun.wait()
        loop.stop()
        go.set()

    assert await statuses(database) == ["RUNNING"]


async def test_a_record_after_which_nothing_more_is_due_is_no_reason_to_claim_again(
    database: Database, settings: Settings
) -> None:
    await project_of(database, await viewer_of(database))

    async def passes(claim: Claim) -> Outcome:
        return Outcome(claim.generation, timedelta(minutes=5), Phase.RUNNING)

    async def up() -> bool:
        return await statuses(database) == ["RUNNING"]

    def rounds() -> float:
        return metrics.REGISTRY.get_sample_value("mooring_rounds_total") or 0

    begun = rounds()
    async with running(database, passes, settings.model_copy(update={"poll": 60.0})):
        await becomes(up)

        async def let_go() -> bool:
            return metrics.REGISTRY.get_sample_value("mooring_leases_held") == 0

        await becomes(let_go)
        for _ in range(5):
            await asyncio.sleep(0)

        assert rounds() == begun + 1
