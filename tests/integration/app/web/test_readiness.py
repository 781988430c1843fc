"""`/readyz` against a real Postgres: whole, without a schema, frozen, away and back."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from app.db import migrations
from app.db.readiness import PATIENCE, database_checks
from app.db.session import Database
from app.domain.viewer import API
from app.postgres import EmbeddedPostgres
from app.web import health
from tests.postgres import make_database, open_folder

HEAD = migrations.head()
WHOLE = {"postgres": "ok", "migrations": "ok"}


@asynccontextmanager
async def readiness(
    dsn: str, patience: float = 30
) -> AsyncIterator[tuple[httpx.AsyncClient, Database]]:
    """A client of `/readyz` over a pool of connections to `dsn`."""
    database = Database(dsn)
    routes = health.routes(database_checks(database, HEAD, API), patience)
    transport = httpx.ASGITransport(Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://mooring.test") as http:
        yield http, database
    await database.close()


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server of our own, because a test stops it."""
    folder = open_folder()
    with EmbeddedPostgres(folder, durable=False) as running:
        yield running
    shutil.rmtree(folder)


@pytest.fixture
async def dsn(server: EmbeddedPostgres) -> str:
    """An empty database."""
    return await make_database(server, f"web_{uuid4().hex}")


async def test_ready_once_the_schema_is_at_head(dsn: str) -> None:
    async with readiness(dsn) as (http, _):
        before = await http.get("/readyz")
        await migrations.upgrade(dsn)
        after = await http.get("/readyz")

    assert before.status_code == 503
    assert before.json()["checks"]["postgres"] == "ok"
    assert HEAD in before.json()["checks"]["migrations"]
    assert "mooring migrate" in before.json()["checks"]["migrations"]
    assert (after.status_code, after.json()["checks"]) == (200, WHOLE)


async def test_unready_at_another_revision_names_both(dsn: str) -> None:
    async with readiness(dsn) as (http, database):
        await migrations.upgrade(dsn)
        async with database.begin(API) as session:
            await session.execute(text("UPDATE alembic_version SET version_num = 'other'"))

        answer = await http.get("/readyz")

    assert answer.status_code == 503
    assert "at other" in answer.json()["checks"]["migrations"]


async def test_a_frozen_connection_is_given_up_in_time(dsn: str) -> None:
    async with readiness(dsn, PATIENCE) as (http, database):
        async with database.read(API) as connection:
            backend = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        os.kill(backend, signal.SIGSTOP)
        try:
            began = time.monotonic()
            answer = await http.get("/readyz")
            took = time.monotonic() - began
        finally:
            os.kill(backend, signal.SIGCONT)

    assert answer.status_code == 503
    assert "No answer within 1 s" in str(answer.json()["checks"])
    # A second, and what a very busy machine adds.
    assert took < 20


async def test_unready_while_postgres_is_away_and_ready_when_it_is_back(
    server: EmbeddedPostgres, dsn: str
) -> None:
    await migrations.upgrade(dsn)
    async with readiness(dsn) as (http, _):
        server.stop()
        away = await http.get("/readyz")
        alive = await http.get("/healthz")
        server.start()
        async with asyncio.timeout(30):
            back = away
            while back.status_code != 200:
                await asyncio.sleep(0.05)
                back = await http.get("/readyz")

    assert (away.status_code, alive.status_code) == (503, 200)
    assert "See that postgres is up" in away.json()["checks"]["postgres"]
    assert back.json()["checks"] == WHOLE
