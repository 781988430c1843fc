"""What somebody else does to a settled resource comes back, and its history says so, once."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.db.session import Database
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API, Viewer
from reconciler.manifests.kinds import (
    CLUSTER,
    INGRESS,
    NETWORK_POLICY,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
    title,
)
from tests.integration.reconciler.stage import Json, Stage
from tests.integration.reconciler.test_cost import Bill, merged, reconciling
from tests.integration.reconciler.test_database_failures import database_of
from tests.integration.reconciler.test_databases import want
from tests.integration.world import becomes, project_of
from tests.simulator import RunningSimulator, running_simulator

# With the watch's word, or without, as in users' own clusters.
WATCHED = pytest.mark.parametrize("watched", [True, pytest.param(False, marks=pytest.mark.faults)])


@pytest_asyncio.fixture(scope="module")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningSimulator]:
    """One cluster for all tests here."""
    async with running_simulator(tmp_path_factory.mktemp("drift")) as running:
        yield running


async def healed(database: Database) -> list[tuple[str, str]]:
    """Reason and message of all lines that say that something was undone."""
    said = text("SELECT reason, message FROM change WHERE action LIKE '%.healed' ORDER BY seq")
    async with database.read(API) as connection:
        return [(row.reason, row.message) for row in await connection.execute(said)]


def told(database: Database, *messages: str) -> Callable[[], Awaitable[bool]]:
    """Whether history says just this about what was undone."""

    async def same() -> bool:
        return await healed(database) == [(Reason.DRIFT_HEALED, one) for one in messages]

    return same


async def trusting(bill: Bill, *, watched: bool) -> None:
    """Whatever the watch says is believed, or, as with users' own clusters, there is none."""
    if not watched:
        bill.watching.cancel()
        for kind in (STATEFUL_SET, SECRET, SERVICE, INGRESS, NETWORK_POLICY):
            bill.cluster.index.lost(kind)
    await bill.settled(looks=2)


@WATCHED
@pytest.mark.parametrize(
    "kind",
    [SERVICE, *(pytest.param(k, marks=pytest.mark.faults) for k in (SECRET, STATEFUL_SET))],
    ids=lambda one: one.kind,
)
async def test_what_is_removed_comes_back_and_history_says_so_once(
    database: Database, simulator: RunningSimulator, kind: Kind, watched: bool
) -> None:
    async with reconciling(database, simulator, recheck=0.2) as bill:
        await bill.project()
        await trusting(bill, watched=watched)
        body = (await bill.objects(kind))[0]
        name = title({"kind": kind.kind, **body})

        await bill.cluster.delete(kind, body)
        await becomes(told(database, f"{name} was removed by somebody and is made again."))
        await bill.shows("RUNNING")
        await bill.settled(looks=3)

        assert len(await healed(database)) == 1
        [again] = await bill.objects(kind)
        assert again["metadata"]["uid"] != body["metadata"]["uid"]


CHANGES: list[tuple[Kind, Any]] = [
    (SERVICE, {"spec": {"publishNotReadyAddresses": False}}),
    (STATEFUL_SET, {"spec": {"replicas": 0}}),
    (INGRESS, {"metadata": {"labels": {"mooring.dev/resource": None}}}),
]


@pytest.mark.faults
@WATCHED
@pytest.mark.parametrize(("kind", "change"), CHANGES, ids=lambda one: getattr(one, "kind", ""))
async def test_what_is_changed_is_put_back_and_history_says_so_once(
    database: Database, simulator: RunningSimulator, kind: Kind, change: Any, watched: bool
) -> None:
    async with reconciling(database, simulator, recheck=0.2) as bill:
        await bill.project()
        await trusting(bill, watched=watched)
        body = (await bill.objects(kind))[0]
        name = title({"kind": kind.kind, **body})

        await merged(bill, kind, body["metadata"]["name"], change)
        await becomes(told(database, f"{name} was changed by somebody and is put back."))
        await bill.shows("RUNNING")
        await bill.settled(looks=3)

        assert len(await healed(database)) == 1


@WATCHED
async def test_what_others_add_and_what_we_change_ourselves_is_no_drift(
    database: Database, simulator: RunningSimulator, watched: bool
) -> None:
    async with reconciling(database, simulator, recheck=0.2) as bill:
        await bill.project()
        await trusting(bill, watched=watched)
        for kind in (SERVICE, STATEFUL_SET, INGRESS):
            body = (await bill.objects(kind))[0]
            note = {"metadata": {"annotations": {"somebody.example/note": "x"}}}
            await merged(bill, kind, body["metadata"]["name"], note)
        await bill.settled(looks=3)

        assert await healed(database) == []


@pytest.mark.faults
async def test_without_a_watch_a_look_at_what_is_as_wanted_reads_each_kind_once_and_writes_nothing(
    database: Database, simulator: RunningSimulator
) -> None:
    async with reconciling(database, simulator, recheck=0.2) as bill:
        await bill.project()
        await trusting(bill, watched=False)
        await bill.asked()
        before = await bill._claims()
        await bill.settled(looks=3)
        asked = await bill.asked()
        looks = await bill._claims() - before

    assert set(asked) == {
        "get statefulsets",
        "list secrets",
        "list services",
        "list ingresses",
        "list networkpolicies",
        "list pods",
        "list persistentvolumeclaims",
    }
    assert asked.total() <= 7 * (looks + 1)


async def test_what_another_setting_wants_besides_was_removed_by_nobody(
    database: Database, simulator: RunningSimulator
) -> None:
    async with reconciling(database, simulator, recheck=0.2, network_policy=False) as bill:
        await bill.project()
        assert not await bill.objects(NETWORK_POLICY)

    async with reconciling(database, simulator, recheck=0.2, network_policy=True) as bill:

        async def confined() -> bool:
            return len(await bill.objects(NETWORK_POLICY)) == 1

        await becomes(confined)
        await bill.settled(looks=2)

    assert await healed(database) == []


async def removed(stage: Stage, kind: Kind) -> str:
    """Somebody removes an object of the one resource: its title."""
    body = await one_of(stage, kind)
    await stage.cluster.delete(kind, body)
    return title({"kind": kind.kind, **body})


async def changed(stage: Stage, kind: Kind, change: Json) -> str:
    """Somebody changes an object of the one resource: its title."""
    body = await one_of(stage, kind)
    await stage.cluster.patch(kind, body, change)
    return title({"kind": kind.kind, **body})


async def one_of(stage: Stage, kind: Kind) -> Json:
    """An object of the one resource."""
    async with stage.database.read(API) as connection:
        owner = (await connection.execute(text("SELECT id FROM resource"))).scalar_one()
    found = await stage.cluster.list_all(kind, "mooring", f"mooring.dev/resource={owner}")
    return dict(found[0])


UNPULLED: Json = {"fault": "ImagePullBackOff"}
RELABELLED: Json = {"metadata": {"labels": {"mooring.dev/project": "somebodys"}}}


@pytest.mark.parametrize("status", ["STARTING", pytest.param("ERROR", marks=pytest.mark.faults)])
async def test_what_is_touched_beside_what_does_not_start_comes_back_at_its_next_look(
    database: Database, simulator: RunningSimulator, status: str
) -> None:
    deadline = 3600.0 if status == "STARTING" else 0.5
    async with reconciling(database, simulator, recheck=3600, starting_deadline=deadline) as bill:
        stage = Stage(database, simulator, bill.cluster)
        async with stage.faulty(UNPULLED):
            await project_of(database, bill.viewer)
            await stage.shows(status, Reason.IMAGE_PULL_FAILED)

            messages: list[str] = []
            for kind in (SERVICE, SECRET, INGRESS, STATEFUL_SET):
                name = await removed(stage, kind)
                messages.append(f"{name} was removed by somebody and is made again.")
                await becomes(told(database, *messages))
            for kind in (SERVICE, STATEFUL_SET):
                name = await changed(stage, kind, RELABELLED)
                messages.append(f"{name} was changed by somebody and is put back.")
                await becomes(told(database, *messages))


async def looked(bill: Bill) -> None:
    """A whole look at the one resource, which is due at once."""
    due = text(
        "UPDATE resource SET due_at = mooring_now() WHERE lease_token IS NULL RETURNING claims"
    )
    before: int | None = None

    async def is_due() -> bool:
        nonlocal before
        async with bill.database.begin(API) as session:
            before = (await session.execute(due)).scalar()
        return before is not None

    async def ended() -> bool:
        return await bill._claims() > (before or 0)

    await becomes(is_due)
    bill.loop.wake()
    await becomes(ended)


async def test_looks_at_what_does_not_start_write_nothing(
    database: Database, simulator: RunningSimulator
) -> None:
    async with reconciling(database, simulator, recheck=3600) as bill:
        stage = Stage(database, simulator, bill.cluster)
        async with stage.faulty(UNPULLED):
            await project_of(database, bill.viewer)
            await stage.shows("STARTING", Reason.IMAGE_PULL_FAILED)
            await looked(bill)
            await bill.asked()
            await looked(bill)
            await looked(bill)
            asked = await bill.asked()

    assert not [what for what in asked if not what.startswith(("get ", "list "))]


@pytest.mark.faults
async def test_without_a_watch_what_does_not_start_is_compared_from_time_to_time(
    stage: Stage,
) -> None:
    later = text("UPDATE resource SET attempts = 9 WHERE lease_token IS NULL")

    async with stage.running(watch=False, starting_deadline=3600), stage.faulty(UNPULLED):
        await stage.project()
        await stage.shows("STARTING", Reason.IMAGE_PULL_FAILED)
        name = await removed(stage, SERVICE)
        same = told(stage.database, f"{name} was removed by somebody and is made again.")

        async def told_at_its_tenth_look() -> bool:
            async with stage.database.begin(API) as session:
                await session.execute(later)
            return await same()

        await becomes(told_at_its_tenth_look)


@pytest.mark.parametrize("watch", [True, pytest.param(False, marks=pytest.mark.faults)])
async def test_a_cluster_that_is_changed_while_its_operator_works_is_put_back(
    stage: Stage, watch: bool
) -> None:
    stuck: Json = {"fault": "DatabaseStuckCreating"}
    kept: Json = {"spec": {"terminationPolicy": "DoNotTerminate"}}

    async with stage.running(watch=watch, database_starting_deadline=3600), stage.faulty(stuck):
        await database_of(stage)
        await stage.shows("STARTING")

        async def put_back_and_told() -> bool:
            # What the operator has written into it meanwhile is a change of ours, and hides this.
            name = await changed(stage, CLUSTER, kept)
            said = f"{name} was changed by somebody and is put back."
            return (Reason.DRIFT_HEALED, said) in await healed(stage.database)

        await becomes(put_back_and_told)


async def project_with(stage: Stage, workload: Kind) -> tuple[Viewer, UUID]:
    """A project with the one resource whose workload is of this kind."""
    return await (stage.project() if workload is STATEFUL_SET else database_of(stage))


async def nameless(stage: Stage, workload: Kind) -> Json:
    """The workload, without the label that says whose it is from now on."""
    async with stage.database.read(API) as connection:
        owner = (await connection.execute(text("SELECT id FROM resource"))).scalar_one()
    [body] = await stage.cluster.list_all(workload, "mooring", f"mooring.dev/resource={owner}")
    change = {"metadata": {"labels": {"mooring.dev/resource": None}}}
    await stage.cluster.patch(workload, body, change)
    return dict(body)


@pytest.mark.parametrize("workload", [STATEFUL_SET, CLUSTER], ids=lambda kind: kind.kind)
async def test_a_workload_that_lost_its_label_gets_it_back(stage: Stage, workload: Kind) -> None:
    async with stage.running(recheck=0.2):
        viewer, project = await project_with(stage, workload)
        await stage.shows("RUNNING")
        name = (await nameless(stage, workload))["metadata"]["name"]

        async def labelled() -> bool:
            found = await stage.cluster.get(workload, "mooring", name)
            return found is not None and "mooring.dev/resource" in found["metadata"]["labels"]

        await becomes(labelled)
        await stage.shows("RUNNING")
        await want(stage.database, viewer, project, DesiredState.DELETED)
        await stage.gone()


@pytest.mark.parametrize("workload", [STATEFUL_SET, CLUSTER], ids=lambda kind: kind.kind)
async def test_a_workload_that_lost_its_label_goes_with_its_row(
    stage: Stage, workload: Kind
) -> None:
    async with stage.running():
        viewer, project = await project_with(stage, workload)
        await stage.shows("RUNNING")
    body = await nameless(stage, workload)
    await want(stage.database, viewer, project, DesiredState.DELETED)
    async with stage.running():
        await stage.gone()

    assert await stage.cluster.get(workload, "mooring", body["metadata"]["name"]) is None
