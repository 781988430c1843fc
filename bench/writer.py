"""Commits whose moment is known: this process as one more API process, without its HTTP.

The same unit of work, verb and publisher as in the API, so all that follows the commit (NOTIFY,
listener, feed, stream, websocket) crosses processes as it does in life. `begin()` returns right
after COMMIT was answered.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from time import perf_counter
from uuid import UUID

import jwt

from app.db import accounts
from app.db.session import Database
from app.db.wakeups import Publisher
from app.domain.viewer import API, Viewer
from app.services import projects
from bench.client import User, key


class Writer:
    """Renames projects of one user."""

    def __init__(self, database: Database, viewer: Viewer) -> None:
        self._database = database
        self._viewer = viewer
        self._names = count()

    async def commit(self, project: str) -> float:
        """One visible change of `project`, which is one event; when it was committed."""
        renamed: dict[str, str | None] = {"name": f"renamed {next(self._names)}"}
        async with self._database.begin(self._viewer) as session:
            await projects.update(session, self._viewer, key(project), renamed)
        return perf_counter()


@asynccontextmanager
async def writer(api_url: str, user: User) -> AsyncIterator[Writer]:
    """A writer for `user`, connected as the API is."""
    publisher = Publisher(api_url)
    database = Database(api_url, pool=2, publisher=publisher)
    task = asyncio.create_task(publisher.run())
    try:
        yield Writer(database, await viewer_of(database, user))
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await database.close()


async def viewer_of(database: Database, user: User) -> Viewer:
    """The user in the session of its token."""
    claims = jwt.decode(user.token, options={"verify_signature": False})
    async with database.read(API) as connection:
        return await accounts.viewer(connection, UUID(claims["sub"]), UUID(claims["sid"]))
