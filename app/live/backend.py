"""broadcaster's backend over our wake-ups: the seam between NOTIFY and feeds.

Its own Postgres backend loses subscribers (design section 7). Here subscribing only edits a set
and never suspends, so that concurrent first subscribers are safe, and the connection is supervised
by `app.db.wakeups`. After a reconnect everybody is told to look. A Redis backend could stand here
for installations whose Postgres is behind a transaction-mode pooler.
"""

import asyncio

from broadcaster import BroadcastBackend, Event

from app.db.wakeups import Listener


class WakeupBackend(BroadcastBackend):
    """Wake-ups as broadcaster events with an empty message."""

    def __init__(self, url: str, *, enabled: bool = True) -> None:
        self._channels: set[str] = set()
        self._heard: asyncio.Queue[str] = asyncio.Queue()
        self._listener = Listener(url, self._hear, self._look)
        self._enabled = enabled
        self._task: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Start to listen; Postgres may be away."""
        if self._enabled:
            self._task = asyncio.create_task(self._listener.run())

    async def disconnect(self) -> None:
        """Stop to listen."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def subscribe(self, channel: str) -> None:
        """Hand on what comes on `channel` from now on."""
        self._channels.add(channel)

    async def unsubscribe(self, channel: str) -> None:
        """Nobody here listens to `channel` any more."""
        self._channels.discard(channel)

    async def publish(self, channel: str, message: str) -> None:
        """Wake this process alone; others are woken by `app.db.wakeups.Publisher`."""
        self._hear(channel)

    async def next_published(self) -> Event:
        """The next wake-up."""
        return Event(await self._heard.get(), "")

    def _hear(self, channel: str) -> None:
        if channel in self._channels:
            self._heard.put_nowait(channel)

    def _look(self) -> None:
        for channel in self._channels:
            self._heard.put_nowait(channel)
