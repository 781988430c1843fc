"""`mooring orphans` in the clusters that users bring: what it finds there, removes and leaves."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from app.db import installation, roles
from app.domain.viewer import API
from app.settings import Settings
from reconciler.cluster.client import Bounds, Cluster
from reconciler.cluster.trusted import connect
from reconciler.clusters import Clusters
from reconciler.manifests.identity import INSTALLATION
from reconciler.manifests.kinds import SERVICE, STATEFUL_SET
from reconciler.orphans.__main__ import arguments, main
from reconciler.orphans.own import Away, OwnClusters
from reconciler.orphans.report import Report
from reconciler.orphans.survey import OURS
from tests.integration.reconciler.test_orphans import AUDIT, service
from tests.integration.reconciler.test_own_clusters import QUICK, Own, own, simulator, theirs
from tests.integration.world import KEYS, becomes, project_of, viewer_of
from tests.postgres import as_role
from tests.simulator import RunningSimulator

__all__ = ["own", "simulator", "theirs"]
pytestmark = pytest.mark.security
Json = dict[str, Any]
Says = Callable[..., Awaitable[tuple[int, Json]]]


@pytest.fixture
def says(url: str, simulator: RunningSimulator, capsys: pytest.CaptureFixture[str]) -> Says:
    """The command with the reconciler's rights: its exit code and JSON."""

    async def run(*options: str, **changed: Any) -> tuple[int, Json]:
        settings = Settings(
            database_url=as_role(url, roles.RECONCILER),
            kubeconfig=simulator.kubeconfig,
            secret_keys="test:" + "A" * 43 + "=",
            **(QUICK | changed),
        )
        capsys.readouterr()
        with capture_logs():
            code = await main(arguments(["--json", *options]), settings)
        return code, json.loads(capsys.readouterr().out)

    return run


@asynccontextmanager
async def inside(own: Own) -> AsyncIterator[Cluster]:
    """The user's cluster, as he sees it."""
    opened = await connect(own.theirs.kubeconfig, Bounds(10, rate=1000, burst=1000))
    yield opened
    await opened.close()


async def test_what_no_row_knows_in_a_users_cluster_is_found_and_removed_when_told(
    own: Own, says: Says
) -> None:
    ada, bob = await viewer_of(own.database), await viewer_of(own.database, "bob")
    await own.set(ada)
    await own.set(bob, own.tree(server="https://127.0.0.9:1"))
    await project_of(own.database, ada)
    async with own.database.read(API) as connection:
        mark = str(await installation.mark(connection))

    async with inside(own) as cluster:
        async with own.running():
            await own.shows(("RUNNING", None))
        await service(cluster, "mooring", {INSTALLATION: mark})
        await service(cluster, "mooring", {INSTALLATION: str(uuid4())})
        code, listed = await says("--own", "--grace", "1h")

        async def removable() -> bool:
            _, now = await says("--account", "ada", "--grace", "0s")
            return bool(now["removable"])

        await becomes(removable)
        _, refused = await says("--own", "--grace", "0s", "--delete")
        last, removed = await says("--account", "ada", "--grace", "0s", "--delete", "--expect", "1")
        left = await cluster.list_all(SERVICE, "mooring", OURS)
        workloads = await cluster.list_all(STATEFUL_SET, "mooring", OURS)
    async with own.database.read(API) as connection:
        [line] = (await connection.execute(AUDIT)).mappings()

    hers, his = listed["ownClusters"]
    assert (code, listed["objectsWithoutRows"]) == (1, [])
    assert (hers["account"], hers["namespace"]) == ("ada", "mooring")
    assert [one["state"] for one in hers["objectsWithoutRows"]] == ["YOUNG"]
    assert [one["count"] for one in hers["ofOthers"]] == [1]
    assert his["account"] == "bob"
    assert "away" in his
    assert "1 of the 2 that are here" in refused["ownClusters"][0]["refused"]
    assert (last, len(removed["removed"])) == (0, 1)
    assert (len(left), len(workloads)) == (2, 1)
    assert line["detail"]["server"] == own.theirs.url


async def test_a_row_whose_workload_is_gone_in_a_users_cluster_is_told(
    own: Own, says: Says
) -> None:
    ada = await viewer_of(own.database)
    await own.set(ada)
    await project_of(own.database, ada)

    async with inside(own) as cluster:
        async with own.running():
            await own.shows(("RUNNING", None))
        _, before = await says("--account", "ada")
        for workload in await cluster.list_all(STATEFUL_SET, "mooring", OURS):
            await cluster.delete(STATEFUL_SET, workload)

        async def gone() -> bool:
            return not await cluster.list_all(STATEFUL_SET, "mooring", OURS)

        await becomes(gone)
        code, found = await says("--account", "ada")
    elsewhere, _ = await says()

    assert before["rowsWithoutObjects"] == []
    assert (code, elsewhere) == (1, 0)
    [row] = found["rowsWithoutObjects"]
    assert (row["status"], row["namespace"]) == ("RUNNING", "mooring")


async def test_a_users_cluster_is_asked_only_where_its_address_is_allowed(
    own: Own, says: Says
) -> None:
    await own.set(await viewer_of(own.database))

    code, found = await says("--account", "ada", kubeconfig_allowed_networks=[])

    assert code == 2
    assert "loopback" in found["away"]


async def test_a_database_that_goes_away_meanwhile_is_told_beside_the_rest(own: Own) -> None:
    await own.set(await viewer_of(own.database))
    settings = Settings(**QUICK)
    clusters = Clusters(own.operator, own.working, KEYS, settings)
    those = OwnClusters(clusters, own.working, settings, timedelta(0), None)

    async def removing(report: Report, cluster: Cluster, server: str) -> None:
        raise ConnectionResetError

    [away] = await those.looked(None, removing)

    assert isinstance(away, Away)
    assert "the database is away" in away.why
