"""`mooring orphans` on a real API server: with just the rights that the reconciler has there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from app.db import roles
from app.db.sealed import OPERATOR
from app.db.session import Database
from app.domain.viewer import API
from app.services import projects
from app.services.databases import NewDatabase
from app.services.projects import Makers, NewProject
from app.services.sandboxes import NewSandbox
from app.settings import Settings
from reconciler.cluster.client import Bounds, Cluster
from reconciler.cluster.trusted import connect
from reconciler.manifests.kinds import KINDS, NAMESPACE
from reconciler.orphans.__main__ import arguments, main
from reconciler.orphans.survey import OURS
from tests.integration.reconciler.test_loop import running
from tests.integration.reconciler.test_orphans import forgets
from tests.integration.reconciler.working import resources_of
from tests.integration.world import KEYS, becomes, viewer_of
from tests.kubernetes.plane import Place, Plane
from tests.kubernetes.recording import recording
from tests.kubernetes.stage import QUICK
from tests.kubernetes.test_rights import (
    NAME,
    PER_ACCOUNT,
    allowed,
    allowed_everywhere,
    rules_for,
)
from tests.postgres import as_role

NEW = NewProject("shop", sandboxes=(NewSandbox("app"),), databases=(NewDatabase("db"),))


@dataclass
class Operator:
    """Whoever runs the command in the reconciler's pod."""

    url: str
    kubeconfig: Path
    capsys: pytest.CaptureFixture[str]
    changed: dict[str, Any]

    async def finds(self, *options: str) -> tuple[int, dict[str, Any]]:
        """The exit code, and the JSON."""
        url = as_role(self.url, roles.RECONCILER)
        given = QUICK | self.changed | {"database_url": url, "kubeconfig": self.kubeconfig}
        self.capsys.readouterr()
        with capture_logs():
            code = await main(arguments(["--json", *options]), Settings(**given))
        return code, json.loads(self.capsys.readouterr().out)

    async def has_removed(self) -> bool:
        """Remove what is old enough; whether nothing is left."""
        options = ("--delete", "--grace", "1s", "--expect")
        _, found = await self.finds("--grace", "1s")
        code, _ = await self.finds(*options, str(found["removable"]))
        return code == 0 and (await self.finds())[0] == 0


async def runs(database: Database, cluster: Cluster, settings: Settings) -> str:
    """A project with a sandbox and a database, which runs and then is in no row any more; the
    namespace."""
    async with database.begin(OPERATOR) as session:  # what earlier tests left is another's
        await session.execute(text("UPDATE installation SET mark = gen_random_uuid()"))
    viewer = await viewer_of(database, f"u-{uuid4().hex[:8]}")
    async with database.begin(viewer) as session:
        await projects.create(session, viewer, Makers(settings, KEYS), NEW)
    resources = resources_of(database, cluster, settings)

    async def up() -> bool:
        async with database.read(API) as connection:
            found = await connection.execute(text("SELECT status FROM resource"))
            return {row.status for row in found} == {"RUNNING"}

    where = settings.sandbox_namespace or ""
    async with running(database, resources.reconcile, settings, cluster, where):
        await becomes(up)
    async with database.read(API) as connection:
        places = await connection.execute(text("SELECT k8s_namespace FROM sandbox"))
        [place] = {row.k8s_namespace for row in places}
    await forgets(database, viewer)
    async with database.begin(OPERATOR) as session:  # its account is of after the backup, too
        await session.execute(
            text("UPDATE account SET k8s_namespace = 'other' WHERE id = :id"), {"id": viewer.home}
        )
    return str(place)


async def left(cluster: Cluster, namespace: str) -> list[str]:
    return [
        f"{kind.kind}/{body['metadata']['name']}"
        for kind in KINDS
        for body in await cluster.list_all(kind, namespace, OURS)
    ]


async def test_in_one_namespace_the_reconcilers_role_finds_and_removes_them(
    plane: Plane,
    place: Place,
    database: Database,
    url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plane.needs_kubeblocks()
    rules, beside = rules_for(plane)
    await place.allow(NAME, [*rules, *beside])
    changed = {"sandbox_namespace": place.name}
    cluster = await connect(place.kubeconfig, Bounds(10, rate=1000, burst=1000))
    async with recording(await place.credential(NAME)) as recorded:
        operator = Operator(url, recorded.kubeconfig, capsys, changed)
        await runs(database, cluster, Settings(**(QUICK | changed)))
        code, found = await operator.finds()
        assert (code, found["notLookedAt"]) == (1, [])
        assert {one["what"] for one in found["objectsWithoutRows"]} == {"Sandbox", "Database"}
        assert {one["state"] for one in found["objectsWithoutRows"]} == {"YOUNG"}

        await becomes(operator.has_removed)

    assert await left(cluster, place.name) == []
    assert recorded.refused == set()
    assert recorded.used - allowed(rules) - allowed(beside) == set()
    await cluster.close()


async def test_with_namespaces_of_accounts_the_cluster_role_removes_these_too(
    plane: Plane,
    place: Place,
    database: Database,
    url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plane.needs_administrator()
    plane.needs_kubeblocks()
    rules, beside = rules_for(plane, *PER_ACCOUNT)
    administrators = plane.credential(plane.tree["users"][0]["user"], "default")
    cluster = await connect(administrators, Bounds(10, rate=1000, burst=1000))
    async with (
        allowed_everywhere(plane, place, [*rules, *beside]),
        recording(await place.credential(NAME)) as recorded,
    ):
        operator = Operator(url, recorded.kubeconfig, capsys, {})
        name = await runs(database, cluster, Settings(**QUICK))
        _, found = await operator.finds()
        assert found["notLookedAt"] == []
        assert {(one["what"], one["namespace"]) for one in found["objectsWithoutRows"]} == {
            (what, name) for what in ("Namespace", "Sandbox", "Database")
        }

        await becomes(operator.has_removed)

    assert await cluster.get(NAMESPACE, "", name) is None
    assert recorded.refused == set()
    assert recorded.used - allowed(rules) - allowed(beside) == set()
    await cluster.close()
