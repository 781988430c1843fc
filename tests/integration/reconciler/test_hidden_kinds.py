"""Kinds that are not served any more or cannot be listed: what may be left of them keeps a row."""

from typing import Any

import pytest
from sqlalchemy import text

from app.db.databases import DATABASES
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API, Viewer
from app.services.databases import release
from reconciler.manifests.identity import RESOURCE
from reconciler.manifests.kinds import CLUSTER, HTTP_ROUTE, OLD_CLUSTER, STATEFUL_SET, Kind
from tests.integration.reconciler.stage import Json, Stage, explains
from tests.integration.reconciler.test_database_failures import database_of
from tests.integration.reconciler.test_databases import OURS, want
from tests.integration.world import becomes

CLUSTERS = "clusters.apps.kubeblocks.io"
ABSENT: Json = {"fault": "NotInstalled", "group": "*.kubeblocks.io"}
TURNED_OFF: Json = {**ABSENT, "defined": True}
SECRETIVE: Json = {
    "fault": "Answer",
    "code": 403,
    "kind": "",
    "name": "/apis/apiextensions.k8s.io/*",
}
GATEWAY: dict[str, Any] = {"route_mode": "gateway", "gateway_name": "main"}


async def number_of(stage: Stage, kind: Kind) -> int:
    return len(await stage.cluster.list_all(kind, "mooring", OURS))


async def noted(stage: Stage, table: str) -> list[str]:
    """Of which CRDs the one row may have objects."""
    async with stage.database.read(API) as connection:
        found = await connection.execute(text(f"SELECT definitions FROM {table}"))
        return list(found.scalar_one())


@pytest.mark.parametrize("kubeblocks", ["1.0", pytest.param("0.8", marks=pytest.mark.faults)])
async def test_a_version_that_is_turned_off_keeps_a_row_until_it_is_served_again(
    stage: Stage, kubeblocks: str
) -> None:
    kind = OLD_CLUSTER if kubeblocks == "0.8" else CLUSTER

    async with stage.running():
        viewer, project = await database_of(stage)
        await stage.shows("RUNNING")
        async with stage.faulty(TURNED_OFF):
            await want(stage.database, viewer, project, DesiredState.DELETED)
            blocked = await stage.shows("ERROR", Reason.KIND_NOT_SERVED)
        kept = await number_of(stage, kind)
        await stage.gone()

    assert kept == 1
    assert await number_of(stage, kind) == 0
    explains(blocked, "has to serve v1 or v1alpha1 again", f"CustomResourceDefinition/{CLUSTERS}")


async def test_what_went_with_its_definition_keeps_no_row(stage: Stage) -> None:
    async with stage.running():
        viewer, project = await database_of(stage)
        await stage.shows("RUNNING")
        async with stage.faulty(ABSENT):
            await want(stage.database, viewer, project, DesiredState.DELETED)
            await stage.gone()


async def release_it(stage: Stage, viewer: Viewer) -> None:
    async with stage.database.begin(viewer) as session:
        found = await session.execute(text("SELECT id FROM database"))
        await release(session, viewer, DATABASES, found.scalar_one())


async def test_where_nobody_may_know_what_is_left_it_takes_an_order(stage: Stage) -> None:
    async with stage.running() as loop:
        viewer, project = await database_of(stage)
        await stage.shows("RUNNING")
        async with stage.faulty(ABSENT, SECRETIVE):
            await want(stage.database, viewer, project, DesiredState.DELETED)
            blocked = await stage.shows("ERROR", Reason.KIND_NOT_SERVED)
            await release_it(stage, viewer)
            loop.wake()
            await stage.gone()

    explains(blocked, "releaseDatabase", f"CustomResourceDefinition/{CLUSTERS}")


async def test_of_what_was_never_written_nothing_can_be_hidden(stage: Stage) -> None:
    async with stage.running(), stage.faulty(ABSENT, SECRETIVE):
        viewer, project = await database_of(stage)
        await stage.shows("ERROR", Reason.OPERATOR_MISSING)
        before = await noted(stage, "database")
        await want(stage.database, viewer, project, DesiredState.DELETED)
        await stage.gone()

    assert before == []


async def test_routes_that_nobody_could_write_do_not_keep_a_sandbox(stage: Stage) -> None:
    missing: Json = {"fault": "NotInstalled", "group": "gateway.networking.k8s.io"}

    async with stage.running(**GATEWAY), stage.faulty(missing, SECRETIVE):
        viewer, project = await stage.project()
        await stage.shows("ERROR", Reason.KIND_NOT_SERVED)
        before = await noted(stage, "sandbox")
        await want(stage.database, viewer, project, DesiredState.DELETED)
        await stage.gone()

    assert before == []


async def test_whether_a_version_is_turned_off_is_asked_until_it_is_answered(stage: Stage) -> None:
    busy = SECRETIVE | {"code": 503}

    async with stage.running():
        viewer, project = await database_of(stage)
        await stage.shows("RUNNING")
        async with stage.database.begin(API) as session:
            await session.execute(text("UPDATE database SET definitions = '{*}'"))
        async with stage.faulty(TURNED_OFF, busy):
            await want(stage.database, viewer, project, DesiredState.DELETED)
            await stage.shows("ERROR", Reason.CLUSTER_UNAVAILABLE)
        await stage.gone()

    assert await number_of(stage, CLUSTER) == 0


@pytest.mark.faults
async def test_a_workload_without_its_label_that_cannot_be_read_keeps_the_row(
    stage: Stage,
) -> None:
    unread: Json = {"fault": "Answer", "code": 503, "kind": "Cluster", "verbs": ["get"]}

    async with stage.running(watch=False):
        viewer, project = await database_of(stage)
        await stage.shows("RUNNING")
        async with stage.faulty(unread):
            [body] = await stage.cluster.list_all(CLUSTER, "mooring", OURS)
            await stage.cluster.patch(CLUSTER, body, {"metadata": {"labels": {RESOURCE: None}}})
            await want(stage.database, viewer, project, DesiredState.DELETED)
            await stage.shows("ERROR", Reason.CLUSTER_UNAVAILABLE)
        await stage.gone()

    assert await number_of(stage, CLUSTER) == 0


async def test_a_stopped_database_is_not_absent_because_its_version_is_turned_off(
    stage: Stage,
) -> None:
    async with stage.running(recheck=0.1) as loop:
        viewer, project = await database_of(stage)
        await stage.shows("RUNNING")
        await want(stage.database, viewer, project, DesiredState.STOPPED)
        await stage.shows("STOPPED")
        async with stage.faulty(TURNED_OFF):
            loop.wake()
            hidden = await stage.shows("STOPPED", Reason.KIND_NOT_SERVED)
        await stage.shows("STOPPED")

    explains(hidden, "cannot be seen", f"CustomResourceDefinition/{CLUSTERS}")


@pytest.mark.parametrize("kubeblocks", ["0.8"])
async def test_a_kind_that_is_not_served_beside_clusters_does_not_make_them_missing(
    stage: Stage, kubeblocks: str
) -> None:
    requests: Json = {**TURNED_OFF, "kind": "OpsRequest"}

    async with stage.running():
        viewer, project = await database_of(stage)
        await stage.shows("RUNNING")
        await want(stage.database, viewer, project, DesiredState.STOPPED)
        await stage.shows("STOPPED")
        async with stage.faulty(requests):
            await want(stage.database, viewer, project, DesiredState.RUNNING)
            blocked = await stage.shows("ERROR", Reason.KIND_NOT_SERVED)
        await stage.shows("RUNNING")

    named = "opsrequests.apps.kubeblocks.io"
    explains(blocked, "does not serve OpsRequest", f"CustomResourceDefinition/{named}")


@pytest.mark.parametrize(
    "answer",
    [
        {"fault": "Answer", "code": 503},
        pytest.param({"fault": "Hang"}, marks=pytest.mark.faults),
    ],
)
async def test_routes_that_cannot_be_listed_keep_the_row_and_nothing_else(
    stage: Stage, answer: Json
) -> None:
    unlisted = answer | {"kind": "HTTPRoute", "verbs": ["list", "watch"]}

    async with stage.running(**GATEWAY, watch=False):
        viewer, project = await stage.project()
        await stage.shows("RUNNING")
        async with stage.faulty(unlisted):
            await want(stage.database, viewer, project, DesiredState.DELETED)

            async def alone() -> bool:
                return await number_of(stage, STATEFUL_SET) == 0

            await becomes(alone)
            blocked = await stage.shows("ERROR", Reason.CLUSTER_UNAVAILABLE)
        left = await number_of(stage, HTTP_ROUTE)
        await stage.gone()

    assert left == 2
    assert await number_of(stage, HTTP_ROUTE) == 0
    explains(blocked, HTTP_ROUTE.definition, "")


async def test_kinds_that_a_sandbox_never_had_do_not_keep_it(stage: Stage) -> None:
    unlisted: Json = {"fault": "Answer", "code": 503, "verbs": ["list"]}
    kinds = ("HTTPRoute", "Cluster", "OpsRequest")

    async with stage.running():
        viewer, project = await stage.project()
        await stage.shows("RUNNING")
        async with stage.faulty(*(unlisted | {"kind": kind} for kind in kinds)):
            await want(stage.database, viewer, project, DesiredState.DELETED)
            await stage.gone()


async def test_routes_of_a_gateway_count_when_the_mode_is_another_by_now(stage: Stage) -> None:
    unlisted: Json = {"fault": "Answer", "code": 503, "kind": "HTTPRoute", "verbs": ["list"]}

    async with stage.running(**GATEWAY):
        viewer, project = await stage.project()
        await stage.shows("RUNNING")
    async with stage.running():
        async with stage.faulty(unlisted):
            await want(stage.database, viewer, project, DesiredState.DELETED)
            await stage.shows("ERROR", Reason.CLUSTER_UNAVAILABLE)
        await stage.gone()

    assert await number_of(stage, HTTP_ROUTE) == 0


async def test_a_row_of_an_earlier_release_may_have_any_of_them(stage: Stage) -> None:
    unlisted: Json = {"fault": "Answer", "code": 503, "kind": "HTTPRoute", "verbs": ["list"]}
    async with stage.running():
        viewer, project = await stage.project()
        await stage.shows("RUNNING")
        async with stage.database.begin(API) as session:
            await session.execute(text("UPDATE sandbox SET definitions = '{*}'"))
        async with stage.faulty(unlisted):
            await want(stage.database, viewer, project, DesiredState.DELETED)
            await stage.shows("ERROR", Reason.CLUSTER_UNAVAILABLE)
        await stage.gone()
