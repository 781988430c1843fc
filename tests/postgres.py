"""The Postgres of the tests: one embedded server per session, one database per test that asks.

`conftest.py` takes the fixture `postgres`; a test database is a copy of a template, which costs
some 30 ms against a second for the migrations:

    async with new_database(postgres, template="mooring_template") as dsn: ...

`MOORING_TEST_POSTGRES_BINARIES` runs the same tests on another version of PostgreSQL.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
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


@asynccontextmanager
async def new_database(server: EmbeddedPostgres, template: str = "template0") -> AsyncIterator[str]:
    """A database for one test, a copy of `template` (to which nobody may be connected).

    Yields the owner's URL; `as_role` makes another's of it.
    """
    name = f"test_{uuid4().hex}"
    admin = await asyncpg.connect(server.admin_dsn())
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER "{OWNER}"')
        try:
            yield server.dsn(name, OWNER, OWNER_PASSWORD)
        finally:
            await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()
