"""The way to Postgres that everything takes: asyncpg reads the URL, as libpq would.

SQLAlchemy would hand its query on word for word, and `sslmode` of a URL as clouds print it is none
of the driver's arguments.

A process says which one it is by the name of its connections, for whoever looks at
pg_stat_activity: `mooring status` does, and so may an operator.
"""

import os
import socket
from dataclasses import dataclass
from typing import Any, Final, Literal

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

PREFIX: Final = "mooring-"
# NAMEDATALEN: Postgres cuts off the rest of a name.
_LONGEST: Final = 63


@dataclass(frozen=True, slots=True)
class Process:
    """Which process connects: what it is, and its own name among several (no spaces)."""

    what: Literal["api", "reconciler"]
    name: str

    @property
    def application_name(self) -> str:
        """As Postgres is told; a long name of its own loses its end."""
        return f"{PREFIX}{self.what} {self.name}"[:_LONGEST]


def this_process() -> str:
    """A name that no other process has: host and pid."""
    return f"{socket.gethostname()}/{os.getpid()}"


def plain(url: str) -> str:
    """The URL without the name of a driver, which only SQLAlchemy knows."""
    return "postgresql://" + url.partition("://")[2]


def engine_to(url: str, process: Process | None = None, **options: Any) -> AsyncEngine:
    """An engine of connections to `url`; `options` are those of `create_async_engine`."""
    address = plain(url)
    said = {"application_name": process.application_name} if process else None

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(address, server_settings=said)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, **options)
    event.listen(engine.sync_engine, "checkout", _check_open)
    return engine


def _check_open(connection: Any, _record: object, _proxy: object) -> None:
    """The pool takes a new connection in place of one that ended while nobody used it, as all do
    when Postgres restarts. The driver knows without asking."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError
