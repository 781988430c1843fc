"""Connections to Postgres: one `Database` per process, and the unit of work of a mutation.

Every read and every transaction says for whom it is, and `wall` tells Postgres, whose policies then
hide everybody else's rows from the API's role even where a statement forgot to (row-level
security: `roles`).

`begin()` is the only way to write from the API: it opens one transaction, hands out a `Session`
in which verbs note their visible changes, appends these to the feed as the last statement, commits
once, and wakes others after the commit (a NOTIFY inside admits no group commit, data-layer.md
section 6). Nothing that is not SQL happens between the append and COMMIT. No session is ever held
across a wait.

Reads go to engines of their own in AUTOCOMMIT and without reset-on-return: the hidden BEGIN,
ROLLBACK and reset cost a factor of 1.4 on small requests (design section 7). Those for a system
have one to themselves, whose connections are never told of anybody: who signs in is read in every
request, and would else be told each time that it is nobody.

A migration under a running process may change what a statement that it has prepared returns;
Postgres then refuses it once. A read is asked again, a unit of work is done again.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import orjson
import structlog
from asyncpg import InterfaceError, InvalidCachedStatementError, PostgresError
from sqlalchemy import CursorResult
from sqlalchemy.exc import DBAPIError, NotSupportedError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from app.db import audit, feed, wall
from app.db.engine import Limit, Process, engine_to
from app.db.wakeups import WORK, Publisher, feed_channel
from app.domain.viewer import Author, Scope

T = TypeVar("T")
log = structlog.get_logger(__name__)
# Changes that a line of the log names.
_NAMED = 20
# Seconds until nobody waits any more for a connection of a pool of which none comes back, and after
# which a caller may come again who could not be served for want of one.
_PATIENCE = 5.0
RETRY_AFTER = 2

# Postgres is away, does not answer, or answers so late that no connection of the pool is free:
# what whoever works for ever survives. While a connection is made the driver's own errors come
# through as they are: of a connection that is lost before it is set up it says so itself.
AWAY = (OSError, DBAPIError, PoolTimeoutError, PostgresError, InterfaceError)
_LOST = ("08", "57P", "57014", "25P03")


def is_refused(error: Exception) -> bool:
    """Whether it is one of `AWAY` because of a value that Postgres does not take, and never will:
    its error classes 22 and 23, or one that the driver cannot send."""
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else None
    unsent = isinstance(cause, InterfaceError) and isinstance(cause, ValueError)
    state = str(cause.sqlstate) if isinstance(cause, PostgresError) else ""
    return unsent or state[:2] in ("22", "23")


def is_lost(error: BaseException) -> bool:
    """Whether it is one of `AWAY` because Postgres could not be reached, did not answer in time, or
    ended the connection: nothing is wrong with what was asked. Its errors 57P: it shuts down, or is
    starting; 57014 and 25P03: what it was given took too long."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, AWAY)
    cause = error.orig.__cause__ if error.orig else None
    state = str(cause.sqlstate) if isinstance(cause, PostgresError) else ""
    return error.connection_invalidated or state.startswith(_LOST)


class Session(AsyncSession):
    """The open transaction of one verb: what changed visibly, what else the audit is to know,
    whether work was asked for, and which other channels are to be woken."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine, expire_on_commit=False)
        self.changes: list[feed.NewChange] = []
        self.entries: list[audit.Entry] = []
        self.asked = False
        self.channels: set[str] = set()


class _Read(AsyncConnection):
    """Statements that each stand alone, so that one which a migration outdated is asked again."""

    async def execute(self, *arguments: Any, **options: Any) -> CursorResult[Any]:
        try:
            found: CursorResult[Any] = await super().execute(*arguments, **options)
        except NotSupportedError as error:
            if not _outdated(error):
                raise
            found = await super().execute(*arguments, **options)
        return found


class Database:
    """The engines of one process.

    `pooled`: a pooler that hands a server connection to somebody else after each transaction is in
    between, so nothing may be told to a connection for longer. `limit`: seconds for one statement.
    """

    def __init__(
        self,
        url: str,
        *,
        pool: int = 10,
        pooled: bool = False,
        publisher: Publisher | None = None,
        process: Process | None = None,
        limit: float | None = None,
    ) -> None:
        alone = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
        way = partial(
            _engine, url, process, Limit(limit, told=not pooled) if limit is not None else None
        )
        self._writes = way(pool)
        self._reads = way(-(-pool // 2), **alone)
        self._system_reads = way(max(pool // 2, 1), **alone)
        self._pooled = pooled
        self._publisher = publisher

    @asynccontextmanager
    async def begin(self, author: Author) -> AsyncIterator[Session]:
        """One transaction that sees what `author` may; changes are appended as its doing,
        committed, then others are woken."""
        async with Session(self._writes) as session, session.begin():
            await wall.tell_transaction(session, author)
            yield session
            entries = [*session.entries, *audit.of_changes(session.changes, author.actor)]
            if entries:
                await audit.append(session, entries, author.actor)
            if session.changes:
                await feed.append(session, session.changes, author.actor)
        if session.asked:
            named = [f"{one.action} {one.subject_id}" for one in session.changes[:_NAMED]]
            log.info("work is asked for", count=len(session.changes), changes=named)
        if self._publisher is None:
            return
        accounts = {change.account_id for change in session.changes}
        self._publisher.wake(*(feed_channel(account) for account in accounts))
        self._publisher.wake(*session.channels)
        if session.asked:
            self._publisher.wake(WORK)

    async def transact(self, author: Author, work: Callable[[Session], Awaitable[T]]) -> T:
        """`work` in one `begin()`; once more if a migration outdated a statement of it."""
        try:
            async with self.begin(author) as session:
                return await work(session)
        except NotSupportedError as error:
            if not _outdated(error):
                raise
        async with self.begin(author) as session:
            return await work(session)

    @asynccontextmanager
    async def read(self, scope: Scope) -> AsyncIterator[AsyncConnection]:
        """A connection for statements that each see the newest committed state of `scope`."""
        if wall.is_system(scope):
            async with _Read(self._system_reads) as connection:
                yield connection
        elif self._pooled:
            async with self._writes.connect() as connection, connection.begin():
                await wall.tell_transaction(connection, scope)
                yield connection
        else:
            async with _Read(self._reads) as connection:
                await wall.tell_connection(connection, scope)
                yield connection

    # Claims and renewals are single statements that commit themselves.
    autocommit = read

    @asynccontextmanager
    async def snapshot(self, scope: Scope) -> AsyncIterator[AsyncConnection]:
        """Several reads of one state of `scope`, REPEATABLE READ, READ ONLY."""
        async with self._writes.connect() as connection:
            await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            async with connection.begin():
                await wall.tell_transaction(connection, scope)
                yield connection

    async def close(self) -> None:
        """Close all connections."""
        await self._writes.dispose()
        await self._reads.dispose()
        await self._system_reads.dispose()


def _outdated(error: NotSupportedError) -> bool:
    # SQLAlchemy has by now dropped all statements that the engine had prepared.
    cause = error.orig.__cause__ if error.orig else None
    return isinstance(cause, InvalidCachedStatementError)


def _engine(
    url: str, process: Process | None, limit: Limit | None, pool: int, **options: Any
) -> AsyncEngine:
    return engine_to(
        url,
        process,
        limit,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=min(_PATIENCE, limit.patience) if limit else _PATIENCE,
        # Errors are logged, and parameters hold hashes and sealed secrets.
        hide_parameters=True,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        **options,
    )
