"""What a process does whose statements a migration outdates while it runs, or whose server goes;
what its errors say."""

import asyncio
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db import migrations, roles
from app.db import projects as rows
from app.db.session import AWAY, Database, Session, is_lost
from app.domain.states import DesiredState
from app.domain.viewer import API, RECONCILER, Viewer
from app.postgres import EmbeddedPostgres
from app.services import projects
from tests.integration.world import project_of, viewer_of
from tests.postgres import as_role


async def widen(url: str) -> None:
    """As a migration might: statements that return the column are refused where prepared."""
    connection = await asyncpg.connect(url)
    await connection.execute("ALTER TABLE project ALTER COLUMN name TYPE varchar(500)")
    await connection.close()


async def test_a_read_outlives_a_migration(database: Database, url: str) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    async with database.read(API) as connection:
        before = await rows.by_ids(connection, viewer, [project])
        await widen(url)

        after = await rows.by_ids(connection, viewer, [project])

    assert after == before


async def test_a_unit_of_work_outlives_a_migration_and_is_done_once(
    database: Database, url: str
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    generations = []

    async def work(session: Session) -> None:
        before = await projects.read(session, viewer, project)
        after = await projects.want(session, viewer, project, DesiredState.STOPPED)
        generations.append((before.generation, after.generation))

    async with database.begin(viewer) as session:
        await projects.read(session, viewer, project)
    await widen(url)
    await database.transact(viewer, work)

    assert generations == [(1, 2)]


async def test_a_url_may_say_what_libpq_knows(url: str) -> None:
    given = f"{url}{'&' if '?' in url else '?'}sslmode=disable&application_name=mooring-test"
    database = Database(given, pool=2)

    async with database.read(API) as connection:
        found = await connection.execute(text("SHOW application_name"))
        assert found.scalar_one() == "mooring-test"
    await database.close()
    await migrations.upgrade(given)


async def test_a_server_that_goes_while_a_connection_is_set_up_is_away(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = asyncpg.connect

    async def lost(*given: Any, **said: Any) -> "asyncpg.Connection[asyncpg.Record]":
        connection: asyncpg.Connection[asyncpg.Record] = await connect(*given, **said)
        connection.terminate()
        return connection

    monkeypatch.setattr(asyncpg, "connect", lost)
    database = Database(url, pool=2)

    with pytest.raises(AWAY):
        async with database.read(RECONCILER) as reading:
            await reading.execute(text("SELECT 1"))

    await database.close()


async def test_nobody_waits_long_for_a_connection_of_which_none_comes_back(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.session._PATIENCE", 0.05)
    database = Database(url, pool=2)

    async with database.read(RECONCILER), asyncio.timeout(20):
        with pytest.raises(AWAY) as raised:
            async with database.read(RECONCILER):
                pass

    assert is_lost(raised.value)
    await database.close()


async def test_connections_that_were_lost_are_made_anew_whoever_reads_next(
    postgres: EmbeddedPostgres, url: str
) -> None:
    database = Database(as_role(url, roles.API), pool=4)
    ada, bob = await viewer_of(database, "ada"), await viewer_of(database, "bob")
    # Two at once: each has a connection, and it was told that it works for her.
    await asyncio.gather(_count(database, ada), _count(database, ada))
    admin = await asyncpg.connect(postgres.admin_dsn())
    await admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1", roles.API
    )
    await admin.close()

    failed = 0
    for _ in range(5):
        try:
            assert await _count(database, bob) == 0
        except AWAY:
            failed += 1

    assert failed <= 1
    await database.close()


async def _count(database: Database, viewer: Viewer) -> int:
    async with database.read(viewer) as connection:
        await connection.execute(text("SELECT pg_sleep(0.05)"))
        return len(await rows.all_ids(connection, viewer))


async def test_an_error_does_not_show_what_was_bound(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.read(API) as connection:
            query = text("SELECT 1 / CAST(:zero AS int), CAST(:said AS text)")
            await connection.execute(query, {"zero": 0, "said": "a sealed secret"})

    assert "a sealed secret" not in str(caught.value)
