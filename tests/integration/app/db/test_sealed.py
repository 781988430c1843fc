"""Keys for secrets at rest: which are in use, their rotation, and a process that lacks one."""

import asyncio
import base64
import os
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from app import keys as commands
from app.db import roles, sealed
from app.db.models import Base
from app.db.sealed import SEALED, Column
from app.db.session import Database
from app.domain.ids import new_id
from app.domain.viewer import API
from app.secrets.keyring import KeyRing, KeyRingError
from app.settings import SettingsError
from tests.integration.world import project_of, viewer_of
from tests.postgres import as_role

pytestmark = pytest.mark.security

# Bytes that are no secrets: what sets, what a hash is compared with.
NOT_SEALED = {"idempotency.request_hash", "api_token.hash"}
MAKES = {
    "database": """INSERT INTO database
      (id, account_id, k8s_namespace, k8s_name, replicas, cpu, memory, storage)
      SELECT id, account_id, 'n', id::text, 1, '1', '1', '1' FROM resource""",
    "environment": """INSERT INTO environment
      (id, account_id, project_id, key, value, category, is_secret)
      SELECT id, account_id, id, 'KEY', '', 'general', true FROM project""",
    "credential": """INSERT INTO credential (id, account_id, model, server, k8s_namespace)
      SELECT id, id, '', 's', 'n' FROM account""",
    "user_config": """INSERT INTO user_config (id, user_id, key, value, category, is_secret)
      SELECT id, id, 'key', '', 'general', true FROM "user" """,
    "anthropic_version": """INSERT INTO anthropic_version (id, account_id, number, value)
      SELECT id, id, 1, '' FROM account""",
    "user_identity": "SELECT 1",
    "sandbox": "SELECT 1",
}


def key(name: str) -> str:
    return f"{name}:{base64.b64encode(name.ljust(32).encode()).decode()}"


def ring(*names: str) -> KeyRing:
    return KeyRing(",".join(map(key, names)))


async def fill(database: Database, keys: KeyRing, users: int = 1) -> int:
    """A value in every column of every row, `<table>.<column> of <id>`; how many."""
    for number in range(users):
        viewer = await viewer_of(database, f"user{number}")
        await project_of(database, viewer)
    count = 0
    async with database.begin(API) as session:
        for statement in MAKES.values():
            await session.execute(text(statement))
        for column in SEALED:
            rows = await session.execute(text(f"SELECT id FROM {column.table}"))
            for row in rows.scalars().all():
                value = keys.seal(f"{column} of {row}", column.table, row, column.name)
                await write(session, column, row, value)
                count += 1
    return count


async def write(executor: object, column: Column, row: UUID, value: bytes) -> None:
    statement = text(f"UPDATE {column.table} SET {column.name} = :value WHERE id = :id")
    await executor.execute(statement, {"value": value, "id": row})  # type: ignore[attr-defined]


async def values(database: Database, keys: KeyRing) -> set[str]:
    """What all columns hold, opened."""
    found = set()
    async with database.read(API) as connection:
        for column in SEALED:
            rows = await connection.execute(text(f"SELECT id, {column.name} FROM {column.table}"))
            for row, value in rows.all():
                opened = keys.open(value, column.table, row, column.name)
                assert opened == f"{column} of {row}"
                found.add(opened)
    return found


async def used(database: Database) -> dict[str, int]:
    async with database.read(API) as connection:
        return await sealed.in_use(connection)


def test_every_column_of_bytes_is_sealed_or_is_no_secret() -> None:
    columns = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.type.python_type is bytes
    }

    assert columns == {str(column) for column in SEALED} | NOT_SEALED
    assert all("id" in Base.metadata.tables[column.table].primary_key for column in SEALED)


@pytest.mark.parametrize("column", SEALED, ids=str)
def test_a_value_opens_in_its_place_and_nowhere_else(column: Column) -> None:
    keys, row = ring("one"), new_id()
    value = keys.seal("secret", column.table, row, column.name)

    assert keys.open(value, column.table, row, column.name) == "secret"
    for other in SEALED:
        places = {(other.table, new_id(), other.name), (other.table, row, other.name)}
        for place in places - {(column.table, row, column.name)}:
            with pytest.raises(KeyRingError, match="not sealed for this place"):
                keys.open(value, *place)


@pytest.mark.parametrize("value", [b"", b"\1", b"\1\3one", b"\2\3one" + bytes(28), bytes(100)])
def test_what_is_no_sealed_value_is_refused_without_showing_it(value: bytes) -> None:
    with pytest.raises(KeyRingError):
        ring("one").open(value, "sandbox", new_id(), "ttyd_password")


async def test_the_keys_in_use_are_told_to_both_roles_of_all_columns(
    database: Database, url: str
) -> None:
    await fill(database, ring("one"))
    async with database.begin(API) as session:
        for number, column in enumerate(SEALED):
            row = (await session.execute(text(f"SELECT id FROM {column.table}"))).scalar_one()
            other = ring(f"key {number}").seal("x", column.table, row, column.name)
            await write(session, column, row, other)

    for role in (roles.API, roles.RECONCILER):
        process = Database(as_role(url, role), pool=1)
        assert await used(process) == {f"key {number}": 1 for number in range(len(SEALED))}
        await process.close()


async def test_a_rotation_seals_everything_anew_and_all_opens_without_the_old_key(
    database: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "_BATCH", 2)
    number = await fill(database, ring("old"), users=5)
    before = await values(database, ring("old"))
    said: list[str] = []

    assert await commands.rotate(url, ring("new", "old"), said.append)

    assert await used(database) == {"new": number}
    assert await values(database, ring("new")) == before
    assert said[0] == f"{number} values are sealed by other keys than new"
    assert said[1:-1] == [f"{column}: 5 sealed anew" for column in SEALED]


async def test_a_rotation_that_is_stopped_anywhere_goes_on_where_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "_BATCH", 2)
    number = await fill(database, ring("old"), users=3)
    before = await values(database, ring("old"))
    both, runs, left = ring("new", "old"), 0, number

    while left:
        runs += 1
        async with aclosing(sealed.rotate(database, both)) as steps:
            async for step in steps:
                if not step.over:
                    break
        left = (await used(database)).get("old", 0)
        assert await values(database, both) == before

    assert runs > 2
    assert await used(database) == {"new": number}


async def test_a_value_that_was_written_meanwhile_is_not_overwritten(database: Database) -> None:
    await fill(database, ring("old"))
    both = ring("new", "old")
    for column in SEALED:
        [(row, read)] = await sealed.due(database, both, column, UUID(int=0))
        fresh = both.seal("from what was read", column.table, row, column.name)
        async with database.begin(API) as session:
            later = both.seal("written meanwhile", column.table, row, column.name)
            await write(session, column, row, later)

        written = await sealed.swap(database, column, [(row, read, fresh)])

        assert written == 0
        async with database.read(API) as connection:
            now = await connection.execute(text(f"SELECT {column.name} FROM {column.table}"))
            assert now.scalar_one() == later


async def test_a_write_that_waits_for_its_commit_is_neither_waited_for_nor_lost(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "_PAUSE", 0.01)
    monkeypatch.setattr(sealed, "_LAPS", 1000)
    number = await fill(database, ring("old"))
    both, column = ring("new", "old"), SEALED[0]
    [(row, _)] = await sealed.due(database, both, column, UUID(int=0))
    later = ring("old").seal("from a process of old", column.table, row, column.name)

    tried, swap = asyncio.Event(), sealed.swap

    async def swapped(*given: Any) -> int:
        written = await swap(*given)
        tried.set()
        return written

    async def rotate() -> list[sealed.Step]:
        return [step async for step in sealed.rotate(database, both)]

    monkeypatch.setattr(sealed, "swap", swapped)

    async with asyncio.timeout(30):
        async with database.begin(API) as session:
            await write(session, column, row, later)
            rotation = asyncio.create_task(rotate())
            await tried.wait()
            assert await used(database) == {"old": number}
        steps = await rotation

    assert await used(database) == {"new": number}
    assert not any(step.missed for step in steps if step.over)
    async with database.read(API) as connection:
        now = (await connection.execute(text("SELECT ttyd_password FROM sandbox"))).scalar_one()
    assert both.open(now, column.table, row, column.name) == "from a process of old"


async def test_what_is_held_all_the_time_is_left_and_said(
    database: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "_PAUSE", 0.001)
    monkeypatch.setattr(sealed, "_LAPS", 2)
    number = await fill(database, ring("old"))
    said: list[str] = []

    async with database.begin(API) as session:
        await session.execute(text("SELECT 1 FROM sandbox FOR NO KEY UPDATE"))
        whole = await commands.rotate(url, ring("new", "old"), said.append)

    assert not whole
    assert await used(database) == {"old": 1, "new": number - 1}
    assert "  1 were in use whenever we looked" in said
    assert said[-1] == "Not all: see above, run it again"


async def test_a_value_that_cannot_be_opened_is_named_and_keeps_no_other_back(
    database: Database, url: str
) -> None:
    number = await fill(database, ring("old"), users=2)
    column, said = SEALED[0], list[str]()
    rows = await sealed.due(database, ring("new", "old"), column, UUID(int=0))
    async with database.begin(API) as session:
        await write(session, column, rows[0][0], rows[1][1])

    whole = await commands.rotate(url, ring("new", "old"), said.append)

    assert not whole
    assert await used(database) == {"old": 1, "new": number - 1}
    assert any(f"{column} of {rows[0][0]} was not sealed for this place" in line for line in said)


async def test_a_check_says_which_key_may_go_and_which_is_missing(
    database: Database, url: str
) -> None:
    number = await fill(database, ring("old"))
    said: list[str] = []

    before = await commands.check(url, ring("new", "old", "older"), said.append)
    without = await commands.check(url, ring("new"), said.append)

    assert (before, without) == (True, False)
    assert said == [
        "new: seals nothing; the newest",
        f"old: seals {number} values; run `mooring keys rotate`",
        "older: seals nothing; may be taken out",
        "new: seals nothing; the newest",
        f"old: seals {number} values and is MISSING: add it to MOORING_SECRET_KEYS, behind the"
        " newest",
    ]


def test_a_ring_with_an_id_twice_is_refused() -> None:
    with pytest.raises(SettingsError, match="an id twice"):
        ring("one", "two", "one")


PROCESSES = {"api": ["-m", "app.cli", "api"], "reconciler": ["-m", "reconciler"]}


@pytest.mark.parametrize("process", PROCESSES)
async def test_a_process_without_a_key_that_is_in_use_names_it_and_does_not_start(
    database: Database, url: str, process: str, tmp_path: Path
) -> None:
    number = await fill(database, ring("old"))
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("{}")
    env = {
        "MOORING_DATABASE_URL": as_role(url, f"mooring_{process}"),
        "MOORING_SECRET_KEYS": key("new"),
        "MOORING_KUBECONFIG": str(kubeconfig),
    }

    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, *PROCESSES[process]],
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 1
    assert ended.stderr.strip() == (
        "MOORING_SECRET_KEYS lacks keys that seal values (how many): 'old' "
        f"({number}). Add them again behind the newest one, run `mooring keys rotate`, and take"
        " them out afterwards"
    )


async def test_a_schema_that_is_not_there_yet_keeps_no_process_from_starting(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("DROP FUNCTION mooring_keys_in_use")
    await connection.close()

    await sealed.check_at_start(as_role(url, roles.API), ring("new"))
