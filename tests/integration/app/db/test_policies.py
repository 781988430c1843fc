"""The second wall: what the API's role is shown of statements that ask without a condition."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db import policies, roles
from app.db.session import Database
from app.domain.viewer import API, RECONCILER, Account, Viewer
from app.postgres import EmbeddedPostgres
from tests.integration.world import project_of, viewer_of
from tests.postgres import PASSWORDS, as_role

pytestmark = pytest.mark.security

# What a project does not bring along, one row for each of the two.
ROWS = (
    """INSERT INTO database
      (id, account_id, k8s_namespace, k8s_name, replicas, cpu, memory, storage)
    SELECT id, account_id, 'n', id::text, 1, '1', '1', '1' FROM resource""",
    """INSERT INTO environment (id, account_id, project_id, key, value, category, is_secret)
    SELECT id, account_id, id, 'KEY', '', 'general', true FROM project""",
    """INSERT INTO anthropic_version (id, account_id, number, value)
    SELECT id, id, 1, '' FROM account""",
    """INSERT INTO credential (id, account_id, model, server, k8s_namespace)
    SELECT id, id, '', 's', 'n' FROM account""",
    """INSERT INTO sandbox_port (sandbox_id, account_id, port)
    SELECT id, account_id, 8080 FROM sandbox""",
    """INSERT INTO user_config (id, user_id, key, value, category, is_secret)
    SELECT id, id, 'key', '', (SELECT category FROM environment LIMIT 1), true FROM "user" """,
    """INSERT INTO idempotency (user_id, mutation, key, request_hash)
    SELECT id, 'any', 'key', '' FROM "user" """,
)
OF_ACCOUNTS = [table for table, rows in policies.WALLED.items() if "mooring.accounts" in rows]
OF_USERS = [table for table in policies.WALLED if table not in OF_ACCOUNTS]


@pytest_asyncio.fixture
async def two(database: Database) -> tuple[Viewer, Viewer]:
    """Two users with a project each, and with a row in every walled table."""
    ada, bob = await viewer_of(database, "ada"), await viewer_of(database, "bob")
    for viewer in (ada, bob):
        await project_of(database, viewer)
    async with database.begin(API) as session:
        for statement in ROWS:
            await session.execute(text(statement))
    return ada, bob


async def accounts_in(database: Database, viewer: Viewer, table: str) -> set[object]:
    async with database.read(viewer) as connection:
        found = await connection.execute(text(f"SELECT account_id FROM {table}"))
        return set(found.scalars())


@pytest.mark.parametrize("table", OF_ACCOUNTS)
async def test_a_statement_without_a_condition_sees_only_the_viewers_rows(
    api_database: Database, two: tuple[Viewer, Viewer], table: str
) -> None:
    ada, bob = two

    seen = [await accounts_in(api_database, viewer, table) for viewer in (ada, bob, ada)]

    assert seen == [{ada.home}, {bob.home}, {ada.home}]


WRITES = (
    "UPDATE project SET name = 'taken'",
    "UPDATE resource SET desired_state = 'DELETED'",
    "DELETE FROM project WHERE id NOT IN (SELECT project_id FROM resource)",
)


@pytest.mark.parametrize("statement", WRITES)
async def test_a_write_without_a_condition_writes_nothing_of_others(
    database: Database, api_database: Database, two: tuple[Viewer, Viewer], statement: str
) -> None:
    ada, bob = two
    hers = text(
        "SELECT p.*, r.* FROM project p JOIN resource r ON r.project_id = p.id"
        " WHERE p.account_id = :ada"
    )

    async def rows() -> list[object]:
        async with database.read(API) as connection:
            return list(await connection.execute(hers, {"ada": ada.home}))

    before = await rows()
    async with api_database.begin(bob) as session:
        await session.execute(text(statement))

    assert await rows() == before


async def test_no_row_can_be_made_for_another(
    api_database: Database, two: tuple[Viewer, Viewer]
) -> None:
    ada, bob = two
    moves = text("UPDATE project SET account_id = :ada")
    makes = text(
        "INSERT INTO resource (id, account_id, project_id, kind, name, desired_state, generation,"
        " desired_generation, project_generation)"
        " SELECT gen_random_uuid(), :ada, id, 'SANDBOX', 'x', 'RUNNING', 1, 1, 1 FROM project"
    )

    for statement in (moves, makes):
        with pytest.raises(DBAPIError, match="violates row-level security policy"):
            async with api_database.begin(bob) as session:
                await session.execute(statement, {"ada": ada.home})


@pytest_asyncio.fixture
async def bare(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the API's role that was never told anything."""
    connection = await asyncpg.connect(as_role(url, roles.API))
    yield connection
    await connection.close()


@pytest.mark.parametrize("table", policies.WALLED)
async def test_never_told_and_told_of_nobody_are_errors(
    bare: asyncpg.Connection, two: tuple[Viewer, Viewer], table: str
) -> None:
    reads = f"SELECT 1 FROM {table}"
    # As a transaction that was told leaves it behind.
    nobody = (
        "SELECT set_config('mooring.accounts', '', false), set_config('mooring.user', '', false)"
    )

    with pytest.raises(asyncpg.UndefinedObjectError, match=r"mooring\.(accounts|user)"):
        await bare.execute(reads)
    await bare.execute(nobody)
    with pytest.raises(asyncpg.DataError):
        await bare.execute(reads)


async def test_a_system_of_the_api_reads_no_tenants_rows_whoever_was_there_before(
    api_database: Database, two: tuple[Viewer, Viewer]
) -> None:
    ada, _ = two
    await accounts_in(api_database, ada, "project")

    for opened in (api_database.read(API), api_database.begin(API), api_database.snapshot(API)):
        with pytest.raises(DBAPIError, match=r"mooring\.accounts"):
            async with opened as connection:
                await connection.execute(text("SELECT id FROM project"))


async def test_a_snapshot_and_a_feed_see_their_own(
    api_database: Database, two: tuple[Viewer, Viewer]
) -> None:
    ada, bob = two
    statement = text("SELECT DISTINCT account_id FROM change")

    async with api_database.snapshot(ada) as connection:
        snapshot = (await connection.execute(statement)).scalars().all()
    async with api_database.read(Account(bob.home)) as connection:
        own = (await connection.execute(statement)).scalars().all()

    assert (snapshot, own) == ([ada.home], [bob.home])


async def test_many_viewers_share_a_pool_and_never_each_others_rows(
    api_database: Database, two: tuple[Viewer, Viewer]
) -> None:
    async def look(viewer: Viewer) -> bool:
        return await accounts_in(api_database, viewer, "project") == {viewer.home}

    assert all(await asyncio.gather(*(look(two[n % 2]) for n in range(100))))


async def test_a_read_that_is_cut_short_while_postgres_is_told_leaves_nothing_behind(
    api_database: Database, two: tuple[Viewer, Viewer]
) -> None:
    ada, bob = two
    await accounts_in(api_database, ada, "project")

    for delay in (0, 0.0001, 0.0003, 0.001):
        cut = asyncio.create_task(accounts_in(api_database, bob, "project"))
        await asyncio.sleep(delay)
        cut.cancel()
        await asyncio.gather(cut, return_exceptions=True)

        assert await accounts_in(api_database, ada, "project") == {ada.home}


async def test_behind_a_pooler_nothing_is_told_for_longer_than_a_transaction(
    url: str, two: tuple[Viewer, Viewer]
) -> None:
    ada, bob = two
    pooled = Database(as_role(url, roles.API), pool=1, pooled=True)

    seen = [await accounts_in(pooled, viewer, "project") for viewer in (ada, bob)]
    async with pooled._writes.connect() as connection:
        left = (
            await connection.execute(text("SELECT current_setting('mooring.accounts')"))
        ).scalar()
    await pooled.close()

    assert seen == [{ada.home}, {bob.home}]
    assert left == ""


@pytest.mark.parametrize("table", OF_USERS)
async def test_what_is_a_users_own_is_walled_by_user(
    api_database: Database, two: tuple[Viewer, Viewer], table: str
) -> None:
    ada, bob = two
    async with api_database.read(bob) as connection:
        seen = (await connection.execute(text(f"SELECT user_id FROM {table}"))).scalars().all()

    assert seen == [bob.user_id]
    with pytest.raises(DBAPIError, match="violates row-level security policy"):
        async with api_database.begin(bob) as session:
            await session.execute(text(f"UPDATE {table} SET user_id = :ada"), {"ada": ada.user_id})


async def test_a_line_of_the_audit_about_nobody_can_be_written_and_is_seen_by_nobody(
    api_database: Database, two: tuple[Viewer, Viewer]
) -> None:
    ada, _ = two
    line = text(
        "INSERT INTO audit (id, actor_kind, actor_name, action, outcome)"
        " VALUES (gen_random_uuid(), 'SYSTEM', 'api', 'sign_in', 'REFUSED')"
    )

    async with api_database.begin(API) as session:
        await session.execute(line)

    async with api_database.read(ada) as connection:
        found = await connection.execute(text("SELECT DISTINCT user_id FROM audit"))
        assert found.scalars().all() == [ada.user_id]


async def test_the_reconciler_sees_everybody_and_needs_not_be_told(
    url: str, two: tuple[Viewer, Viewer]
) -> None:
    reconciler = Database(as_role(url, roles.RECONCILER), pool=2)

    async with reconciler.read(RECONCILER) as connection:
        found = await connection.execute(text("SELECT DISTINCT account_id FROM resource"))
        seen = set(found.scalars())
    await reconciler.close()

    assert seen == {viewer.home for viewer in two}


PAST_THE_WALL = (
    "ALTER TABLE project DISABLE ROW LEVEL SECURITY",
    "DROP POLICY {policy} ON project",
    "ALTER ROLE mooring_api BYPASSRLS",
    "SET ROLE mooring_reconciler",
    "SET ROLE mooring",
    "SET SESSION AUTHORIZATION mooring",
    "CREATE TABLE project_copy AS SELECT * FROM project",
    "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql RETURN 1",
    "TRUNCATE project",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SET row_security = off; SELECT 1 FROM project",
)


@pytest.mark.parametrize("statement", PAST_THE_WALL)
async def test_the_role_of_the_api_cannot_get_past_it(
    bare: asyncpg.Connection, two: tuple[Viewer, Viewer], statement: str
) -> None:
    policy = policies.name(roles.API, policies.WALLED["project"])
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ProgramLimitExceededError)):
        await bare.execute(statement.replace("{policy}", f'"{policy}"'))


async def test_neither_role_owns_anything_or_is_more_than_it_should(
    postgres: EmbeddedPostgres, url: str
) -> None:
    connection = await asyncpg.connect(url)
    found = await connection.fetch(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,"
        " (SELECT count(*) FROM pg_class WHERE relowner = r.oid) AS owns,"
        " (SELECT count(*) FROM pg_auth_members WHERE member = r.oid) AS is_also"
        " FROM pg_roles r WHERE rolname = ANY($1)",
        [roles.API, roles.RECONCILER],
    )
    walled = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'"
    )
    await connection.close()

    assert {tuple(row)[1:] for row in found} == {(False, False, False, False, False, 0, 0)}
    assert {row["relname"] for row in walled} == set(policies.WALLED)


async def test_a_policy_that_is_as_it_should_be_is_left_alone_and_another_is_replaced(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await asyncpg.connect(url)

    async def state() -> list[tuple[object, ...]]:
        found = await connection.fetch("SELECT oid, polname FROM pg_policy ORDER BY oid")
        return [tuple(row) for row in found]

    before = await state()
    await roles.ensure(url, PASSWORDS)
    same = await state()
    monkeypatch.setitem(policies.WALLED, "project", "USING (false)")
    await roles.ensure(url, PASSWORDS)
    changed = await state()
    await connection.close()

    assert before == same
    assert len(changed) == len(before)
    assert len(set(changed) - set(before)) == 1
