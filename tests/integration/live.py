"""The live part of one API process, as the tests of streams run it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from broadcaster import Broadcast

from app.db import roles
from app.db.session import Database
from app.db.wakeups import Publisher
from app.domain.viewer import Viewer
from app.live.backend import WakeupBackend
from app.live.feeds import Feeds
from app.live.streams import Stream
from tests.postgres import as_role


@dataclass
class Live:
    """One API process's live part, and beside it a reconciler's connection."""

    database: Database
    reconciler: Database
    feeds: Feeds
    resync_after: int = 1000

    def stream(self, viewer: Viewer, project: UUID | None = None) -> Stream:
        return Stream(self.database, self.feeds, viewer, project, self.resync_after)


@asynccontextmanager
async def live(
    url: str, *, notify: bool = True, depth: int = 256, pool: int = 5
) -> AsyncIterator[Live]:
    """It runs for the block."""
    publisher = Publisher(url, enabled=notify)
    database = Database(as_role(url, roles.API), pool=pool, publisher=publisher)
    reconciler = Database(as_role(url, roles.RECONCILER), pool=5, publisher=publisher)
    broadcast = Broadcast(backend=WakeupBackend(url, enabled=notify))
    feeds = Feeds(database, broadcast, poll=0.2 if not notify else 3600, depth=depth)
    await broadcast.connect()
    tasks = [asyncio.create_task(publisher.run()), asyncio.create_task(feeds.poll())]
    try:
        yield Live(database, reconciler, feeds)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await broadcast.disconnect()
        await database.close()
        await reconciler.close()
