"""Connections that end while they are made, or idle: Postgres is away, whatever it raises."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit, urlunsplit
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.db.session import AWAY, Database, is_lost
from app.domain.viewer import API, RECONCILER
from tests.integration.world import viewer_of

_END_OTHERS = text(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename <> 'postgres'"
)


class Line:
    """Between a process and Postgres; `left`: how many messages it still passes on, None is all."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self.left: int | None = None

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        back, forth = await asyncio.open_unix_connection(self._socket)
        answers = asyncio.create_task(_copy(back, writer))
        while message := await reader.read(65536):
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    break
            forth.write(message)
        answers.cancel()
        for end in (writer, forth):
            end.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while answer := await reader.read(65536):
        writer.write(answer)
    writer.transport.abort()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[tuple[Line, str]]:
    """A line to the server of `url`, which has a unix socket alone, and its own URL."""
    parts = urlsplit(url)
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    line = Line(f"{query['host']}/.s.PGSQL.{query['port']}")
    server = await asyncio.start_server(line.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user = parts.netloc.rpartition("@")[0]
    yield line, urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{port}", query=""))
    server.close()


@pytest.mark.parametrize("messages", range(6))
async def test_a_connection_that_ends_while_it_is_made_is_postgres_being_away(
    url: str, messages: int
) -> None:
    async with line_to(url) as (line, there):
        database = Database(there)
        # What SQLAlchemy asks once, on the first connection of all, is asked.
        async with database.read(RECONCILER) as first:
            await first.execute(text("SELECT 1"))
            line.left = messages
            with pytest.raises(AWAY) as raised:
                async with database.read(RECONCILER) as second:
                    await second.execute(text("SELECT 1"))
        await database.close()

    assert is_lost(raised.value)


async def test_connections_that_ended_while_nobody_used_them_fail_nobody(url: str) -> None:
    database = Database(url)
    viewer = await viewer_of(database)
    async with database.read(viewer) as one, database.read(viewer) as two:
        await one.execute(text("SELECT 1"))
        await two.execute(text("SELECT 1"))
    async with database.read(API) as connection:
        await connection.execute(_END_OTHERS)

    somebody_else = dataclasses.replace(viewer, user_id=uuid4())
    for scope in (somebody_else, viewer):
        async with database.read(scope) as one, database.read(scope) as two:
            assert (await one.execute(text("SELECT 1"))).scalar_one() == 1
            assert (await two.execute(text("SELECT 1"))).scalar_one() == 1

    await database.close()


async def test_a_connection_that_ends_while_it_is_told_for_whom_it_is_is_not_kept(url: str) -> None:
    async with line_to(url) as (line, there):
        database = Database(there)
        viewer = await viewer_of(database)
        async with database.read(viewer) as connection:
            await connection.execute(text("SELECT 1"))
        somebody_else = dataclasses.replace(viewer, user_id=uuid4())

        line.left = 0
        with pytest.raises(AWAY) as raised:
            async with database.read(somebody_else):
                pass
        line.left = None
        async with database.read(somebody_else) as connection:
            found = (await connection.execute(text("SELECT 1"))).scalar_one()
        await database.close()

    assert is_lost(raised.value)
    assert found == 1
