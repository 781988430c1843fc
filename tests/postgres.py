"""The Postgres of the tests: one embedded server per session, one database per test that asks.

`conftest.py` takes the fixture `postgres`; a test database is a copy of a template, which costs
some 150 ms against two seconds for the migrations. `Databases` lends it to one test after the
other: emptied it is as good as new, in some 3 ms, unless a test changed more than rows:

    async with Databases(postgres, "mooring_template").lent() as url: ...

`MOORING_TEST_POSTGRES_BINARIES` runs the same tests on another version of PostgreSQL.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from app.db import roles
from app.postgres import EmbeddedPostgres, ensure_database
from app.supervisor.database import with_role

OWNER = "mooring"
OWNER_PASSWORD = "owner"
PASSWORDS = {roles.API: "api", roles.RECONCILER: "reconciler"}


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server for the whole session, quick rather than durable."""
    folder = open_folder()
    setting = os.environ.get("MOORING_TEST_POSTGRES_BINARIES")
    server = EmbeddedPostgres(
        folder,
        binaries=Path(setting) if setting else None,
        durable=False,
        options={"max_connections": "300"},
    )
    try:
        with server:
            yield server
    finally:
        shutil.rmtree(folder)


def open_folder() -> Path:
    """A new temporary folder that the server's account can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="mooring-test-"))
    folder.chmod(0o711)
    return folder


async def make_database(server: EmbeddedPostgres, name: str) -> str:
    """An empty database `name` that OWNER owns; its owner's URL."""
    await ensure_database(server.admin_dsn(), database=name, owner=OWNER, password=OWNER_PASSWORD)
    return server.dsn(name, OWNER, OWNER_PASSWORD)


def as_role(url: str, role: str) -> str:
    """The owner's `url` for one of the two roles; the template knows them."""
    return with_role(url, role, PASSWORDS[role])


# Of whatever SQL can define in a database, where it stands in the catalog and who wrote it last:
# DDL is seen, and so is TRUNCATE; ANALYZE and VACUUM are not.
_DEFINED = """
SELECT md5(string_agg(line, ',' ORDER BY line)) FROM (
  SELECT format('%s %s', oid, xmin) FROM pg_class WHERE oid >= 16384
  UNION ALL SELECT format('%s.%s %s', attrelid, attnum, xmin) FROM pg_attribute
    WHERE attrelid >= 16384
  UNION ALL SELECT format('%s %s', oid, xmin) FROM pg_proc WHERE oid >= 16384
  UNION ALL SELECT format('%s %s', oid, xmin) FROM pg_policy
  UNION ALL SELECT format('%s %s', oid, xmin) FROM pg_constraint WHERE oid >= 16384
  UNION ALL SELECT format('%s %s', oid, xmin) FROM pg_attrdef
  UNION ALL SELECT format('%s %s', oid, xmin) FROM pg_trigger
  UNION ALL SELECT format('%s %s', oid, xmin) FROM pg_namespace
) defined(line)
"""
_FILLED = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL($1)"
_KEPT = ["alembic_version", "installation"]
# Postgres itself looks for the end of a backend ten times a second.
_END_OTHERS = """SELECT count(pg_terminate_backend(pid)), pg_sleep(0.002) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_ENDING = 5000


class Databases:
    """Copies of one template, lent to one test at a time; all on one event loop."""

    def __init__(self, server: EmbeddedPostgres, template: str) -> None:
        self._server = server
        self._template = template
        self._free: list[_Copy] = []

    async def close(self) -> None:
        """Let go of them, once nothing is lent."""
        for copy in self._free:
            await copy.inside.close()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[str]:
        """A database with the template's rows and definitions; its owner's URL, of which `as_role`
        makes another's."""
        copy = self._free.pop() if self._free else await self._copy()
        try:
            yield self._server.dsn(copy.name, OWNER, OWNER_PASSWORD)
        finally:
            if copy.inside.is_closed():
                copy.inside = await self._connect(copy.name)
            if await copy.restored():
                self._free.append(copy)
            else:
                await copy.inside.close()
                admin = await self._connect()
                await admin.execute(f'DROP DATABASE "{copy.name}" WITH (FORCE)')
                await admin.close()

    async def _copy(self) -> _Copy:
        name = f"test_{uuid4().hex}"
        admin = await self._connect()
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}" OWNER "{OWNER}"')
        await admin.close()
        inside = await self._connect(name)
        return _Copy(name, inside, await _defined(inside))

    async def _connect(self, name: str = "postgres") -> asyncpg.Connection:
        return await asyncpg.connect(self._server.admin_dsn(), database=name)


@dataclass
class _Copy:
    """`inside` is the administrator's connection, which stays, for a new one has to learn of each
    table again; `defined` is what has to be as it was."""

    name: str
    inside: asyncpg.Connection
    defined: object

    async def restored(self) -> bool:
        """Empty it, whoever is still connected; False when more than rows is not as it was."""
        await self._end_others()
        if await _defined(self.inside) != self.defined:
            return False
        tables = await self.inside.fetch(_FILLED, _KEPT)
        emptied = "".join(f'DELETE FROM "{table[0]}";' for table in tables)
        # Without the keys' triggers no order is the wrong one.
        await self.inside.execute(
            f"SET session_replication_role = replica; {emptied}"
            " SELECT setval('feed_number_seq', 1, false)"
        )
        return True

    async def _end_others(self) -> None:
        for _ in range(_ENDING):
            if not await self.inside.fetchval(_END_OTHERS):
                return
        raise TimeoutError


async def _defined(inside: asyncpg.Connection) -> object:
    kept = [await inside.fetch(f"SELECT * FROM {table}") for table in _KEPT]
    return await inside.fetchval(_DEFINED), kept
