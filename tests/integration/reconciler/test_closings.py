"""How an account goes once its projects are gone: namespace first, then its rows."""

from uuid import UUID

import pytest
from sqlalchemy import Uuid, text
from structlog.testing import capture_logs

from app.db import closings
from app.db.models import Base
from app.db.sealed import OPERATOR
from app.db.session import Database
from app.domain.viewer import API, Viewer
from app.services import accounts
from app.settings import Settings
from reconciler.closings import Closings
from reconciler.manifests.kinds import NAMESPACE
from reconciler.namespaces import Namespaces
from tests.integration.reconciler.stage import Stage
from tests.integration.reconciler.test_namespaces import namespace_of, project_of
from tests.integration.world import becomes, token_of, viewer_of


def closings_of(stage: Stage, **changed: object) -> Closings:
    settings = Settings(**{"retry_longest": 0.05, **changed})  # type: ignore[arg-type]
    return Closings(stage.database, Namespaces(stage.cluster, stage.database, settings), settings)


async def leaves(database: Database, viewer: Viewer) -> None:
    async with database.begin(viewer) as session:
        await accounts.delete(session, viewer)


async def known_in(database: Database, *keys: UUID) -> set[str]:
    """The tables in which any of these stands."""
    found = set[str]()
    async with database.read(API) as connection:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, Uuid):
                    asked = f'SELECT 1 FROM "{table}" WHERE "{column.name}" = ANY(:keys)'
                    if (await connection.execute(text(asked), {"keys": list(keys)})).first():
                        found.add(str(table))
    return found


async def looked(database: Database, looks: Closings) -> None:
    """One look now, whatever was planned."""
    async with database.begin(API) as session:
        await session.execute(text("UPDATE account SET closing_due = mooring_now()"))
    await looks.look()


async def goes(stage: Stage, looks: Closings, viewer: Viewer) -> None:
    """Look until the account is gone."""

    async def gone() -> bool:
        await looked(stage.database, looks)
        return "account" not in await known_in(stage.database, viewer.home)

    await becomes(gone)


async def made(stage: Stage, viewer: Viewer) -> str:
    """A project that ran in the account's namespace, and was deleted with the account."""
    await project_of(stage.database, viewer)
    async with stage.running() as loop:
        await stage.shows("RUNNING")
        await leaves(stage.database, viewer)
        loop.wake()
        await stage.gone()
    return await namespace_of(stage.database, viewer)


async def test_namespace_and_rows_go_and_the_audit_stays(stage: Stage) -> None:
    viewer = await viewer_of(stage.database)
    await token_of(stage.database, viewer)
    name = await made(stage, viewer)
    assert await stage.cluster.get(NAMESPACE, "", name) is not None

    await goes(stage, closings_of(stage), viewer)

    assert await stage.cluster.get(NAMESPACE, "", name) is None
    assert await known_in(stage.database, viewer.home, viewer.user_id) == {"audit"}
    again = await viewer_of(stage.database)
    assert again.login == viewer.login


async def test_an_account_that_never_had_anything_goes_at_once(stage: Stage) -> None:
    viewer = await viewer_of(stage.database)
    await leaves(stage.database, viewer)

    await closings_of(stage).look()

    assert await known_in(stage.database, viewer.home, viewer.user_id) == {"audit"}


async def test_it_waits_for_its_projects(stage: Stage) -> None:
    viewer = await viewer_of(stage.database)
    await project_of(stage.database, viewer)
    await leaves(stage.database, viewer)

    await looked(stage.database, closings_of(stage))

    assert "account" in await known_in(stage.database, viewer.home)


@pytest.mark.faults
async def test_what_somebody_else_has_in_it_keeps_it_and_is_named(
    stage: Stage,
) -> None:
    viewer = await viewer_of(stage.database)
    name = await made(stage, viewer)
    path = f"/api/v1/namespaces/{name}/secrets"
    theirs = {"metadata": {"name": "theirs"}}
    await stage.call("POST", path, theirs)
    looks = closings_of(stage)

    with capture_logs() as lines:
        await looked(stage.database, looks)
    there = await stage.cluster.get(NAMESPACE, "", name)
    await stage.call("DELETE", f"{path}/theirs")
    await goes(stage, looks, viewer)

    assert lines[0]["objects"] == ["Secret/theirs"]
    assert there is not None
    assert "deletionTimestamp" not in there["metadata"]
    assert await stage.cluster.get(NAMESPACE, "", name) is None


async def test_a_namespace_that_is_somebody_elses_stays(stage: Stage) -> None:
    viewer = await viewer_of(stage.database)
    name = await namespace_of(stage.database, viewer)
    await stage.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    await leaves(stage.database, viewer)

    await closings_of(stage).look()

    assert "account" not in await known_in(stage.database, viewer.home)
    there = await stage.cluster.get(NAMESPACE, "", name)
    assert there is not None
    assert "deletionTimestamp" not in there["metadata"]


@pytest.mark.faults
async def test_a_cluster_that_does_not_answer_is_asked_again(stage: Stage) -> None:
    viewer = await viewer_of(stage.database)
    name = await made(stage, viewer)
    looks = closings_of(stage)

    async with stage.faulty({"fault": "Answer", "code": 500, "kind": "Namespace"}):
        await looked(stage.database, looks)
        assert "account" in await known_in(stage.database, viewer.home)
    await goes(stage, looks, viewer)

    assert await stage.cluster.get(NAMESPACE, "", name) is None


async def test_rows_are_not_taken_while_a_project_is_there_whoever_asks(stage: Stage) -> None:
    viewer = await viewer_of(stage.database)
    await project_of(stage.database, viewer)

    async with stage.database.begin(API) as session:
        alive = await closings.take(session, viewer.home)
    await leaves(stage.database, viewer)
    async with stage.database.begin(API) as session:
        busy = await closings.take(session, viewer.home)

    assert (alive, busy) == (False, False)
    assert "account" in await known_in(stage.database, viewer.home)


async def test_what_is_in_a_lost_cluster_of_ones_own_is_forgotten_by_an_order(stage: Stage) -> None:
    viewer = await viewer_of(stage.database)
    await project_of(stage.database, viewer)
    other = await viewer_of(stage.database, "eve")
    await project_of(stage.database, other)
    async with stage.database.begin(API) as session:
        for table in ("sandbox", "database"):
            await session.execute(text(f"UPDATE {table} SET k8s_server = 'https://lost.test'"))
    async with stage.database.begin(OPERATOR) as session:
        alive = await accounts.forget(session, viewer.login)
    await leaves(stage.database, viewer)

    async with stage.database.begin(OPERATOR) as session:
        number = await accounts.forget(session, viewer.login)
    await closings_of(stage).look()

    assert (alive, number) == (None, 1)
    assert await known_in(stage.database, viewer.home, viewer.user_id) == {"audit"}
    assert {"project", "resource", "sandbox"} <= await known_in(stage.database, other.home)


async def test_what_can_be_removed_is_not_forgotten(stage: Stage) -> None:
    viewer = await viewer_of(stage.database)
    await project_of(stage.database, viewer)
    await leaves(stage.database, viewer)

    async with stage.database.begin(OPERATOR) as session:
        number = await accounts.forget(session, viewer.login)

    assert number == 0
    assert "project" in await known_in(stage.database, viewer.home)
