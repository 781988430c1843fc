"""The way to Postgres that everything takes: asyncpg reads the URL, as libpq would.

SQLAlchemy would hand its query on word for word, and `sslmode` of a URL as clouds print it is none
of the driver's arguments.

A process says which one it is by the name of its connections, for whoever looks at
pg_stat_activity: `mooring status` does, and so may an operator.

Who works for ever waits for no answer for ever: a connection on which nothing comes back any more,
and which nobody ends (a black hole), would else hold a statement until TCP gives it up, a quarter
of an hour later. Both sides have a limit: Postgres ends what waits there, so that a process that
cannot be reached any more holds no lock; the driver gives up a little later what was not answered,
and with it every connection that is as old.
"""

import os
import socket
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Any, Final, Literal

import asyncpg
from sqlalchemy import ExceptionContext, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

PREFIX: Final = "mooring-"
# So much longer the driver waits: what Postgres itself gives up leaves its connection as it was.
_LONGER: Final = 1.2
# Of a process that cannot be reached any more Postgres forgets the connection after a minute.
_KEEPALIVES: Final = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
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


@dataclass(frozen=True, slots=True)
class Limit:
    """Seconds for one statement, and for an open transaction in which nobody says anything.

    `told`: Postgres itself is told, of each connection: behind a pooler that shares them among
    transactions it would be told of others'.
    """

    seconds: float
    told: bool = True

    @property
    def statement(self) -> str:
        """What Postgres is told; poolers refuse startup parameters that they do not know."""
        most = f"{int(self.seconds * 1000)}ms"
        limits = {"statement_timeout": most, "idle_in_transaction_session_timeout": most}
        settings = limits | _KEEPALIVES
        return ";".join(f"SET {name} = '{value}'" for name, value in settings.items())

    @property
    def patience(self) -> float:
        """Seconds until whoever waits gives it up."""
        return self.seconds * _LONGER


def engine_to(
    url: str, process: Process | None = None, limit: Limit | None = None, **options: Any
) -> AsyncEngine:
    """An engine of connections to `url`; `options` are those of `create_async_engine`."""
    address = plain(url)
    said = {"application_name": process.application_name} if process else {}

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        if limit is None:
            return await asyncpg.connect(address, server_settings=said)
        most = limit.patience
        connection = await asyncpg.connect(
            address, server_settings=said, timeout=most, command_timeout=most
        )
        try:
            if limit.told:
                await connection.execute(limit.statement)
        except BaseException:
            connection.terminate()
            raise
        return connection

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, **options)
    _Connections(engine)
    return engine


class _Connections:
    """Which connections of an engine's pool are of no use any more."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._given_up = -inf
        event.listen(engine.sync_engine, "connect", self._made)
        event.listen(engine.sync_engine, "checkout", self._check)
        event.listen(engine.sync_engine, "handle_error", self._failed)

    def _made(self, _connection: object, record: Any) -> None:
        record.info[self] = monotonic()

    def _check(self, connection: Any, record: Any, _proxy: object) -> None:
        """The pool takes a new connection in place of one that ended while nobody used it, as all
        do when Postgres restarts, which the driver knows without asking; and of those that were
        there when one fell silent."""
        if record.info[self] < self._given_up:
            connection.driver_connection.terminate()
        if connection.driver_connection.is_closed():
            raise DisconnectionError

    def _failed(self, context: ExceptionContext) -> None:
        """What the driver gave up: nobody knows what is still to come on it."""
        used = context.connection
        if isinstance(context.original_exception, TimeoutError) and used is not None:
            self._given_up = monotonic()
            driver: Any = used.connection.driver_connection
            driver.terminate()
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False
