"""One reader per account for all its subscribers in this process.

A feed wakes by NOTIFY or by the poll that makes up for a lost one, reads once what is new and hands
it to the bounded queues of its subscribers. A subscriber registers first and reads its beginning
afterwards, and passes over what the beginning already held; so nothing is lost in between. One that
falls behind has its queue emptied and reads from its own cursor.
"""

import asyncio
import random
from collections import defaultdict
from contextlib import suppress
from uuid import UUID

import structlog
from broadcaster import Broadcast
from sqlalchemy.exc import DBAPIError, InterfaceError

from app.db import feed
from app.db.feed import Change
from app.db.session import Database
from app.db.wakeups import feed_channel

log = structlog.get_logger(__name__)
_BATCH = 500


class Subscriber:
    """The queue of one stream for one account; `missed` says that it fell behind."""

    def __init__(self, depth: int) -> None:
        self.changes: asyncio.Queue[Change] = asyncio.Queue(depth)
        self.missed = False
        self.something = asyncio.Event()

    def give(self, change: Change) -> None:
        """Hand a change over without ever waiting."""
        try:
            self.changes.put_nowait(change)
        except asyncio.QueueFull:
            self.missed = True
        self.something.set()


class _Feed:
    def __init__(self) -> None:
        self.subscribers: set[Subscriber] = set()
        self.seq: int | None = None
        self.wake = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []


class Feeds:
    """The feeds of this process, made with their first subscriber and gone with their last."""

    def __init__(
        self, database: Database, broadcast: Broadcast, *, poll: float, depth: int
    ) -> None:
        self._database = database
        self._broadcast = broadcast
        self._poll = poll
        self._depth = depth
        self._feeds: defaultdict[UUID, _Feed] = defaultdict(_Feed)

    def join(self, account_id: UUID) -> Subscriber:
        """A new subscriber of an account's changes, from now on."""
        subscriber = Subscriber(self._depth)
        found = self._feeds[account_id]
        found.subscribers.add(subscriber)
        if not found.tasks:
            found.tasks = [
                asyncio.create_task(self._read(account_id, found)),
                asyncio.create_task(self._listen(account_id, found)),
            ]
        return subscriber

    def leave(self, account_id: UUID, subscriber: Subscriber) -> None:
        """End a subscription."""
        found = self._feeds[account_id]
        found.subscribers.discard(subscriber)
        if not found.subscribers:
            for task in found.tasks:
                task.cancel()
            del self._feeds[account_id]

    async def poll(self) -> None:
        """Ask for ever, in one query, which subscribed accounts moved: NOTIFY may be lost."""
        while True:
            await asyncio.sleep(self._poll * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
            with suppress(OSError, DBAPIError, InterfaceError):
                async with self._database.read() as connection:
                    states = await feed.states(connection, list(self._feeds))
                for state in states:
                    known = self._feeds.get(state.account_id)
                    if known is not None and known.seq != state.seq:
                        known.wake.set()

    async def _listen(self, account_id: UUID, found: _Feed) -> None:
        async with self._broadcast.subscribe(feed_channel(account_id)) as events:
            async for _ in events:  # type: ignore[union-attr]
                found.wake.set()

    async def _read(self, account_id: UUID, found: _Feed) -> None:
        found.wake.set()
        while True:
            await found.wake.wait()
            found.wake.clear()
            try:
                await self._hand_out(account_id, found)
            except (OSError, DBAPIError, InterfaceError) as error:
                log.warning("a feed cannot be read", account=str(account_id), error=repr(error))
                await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - jitter
                found.wake.set()

    async def _hand_out(self, account_id: UUID, found: _Feed) -> None:
        async with self._database.read() as connection:
            if found.seq is None:
                # Whoever joined before this line reads its beginning after it registered.
                found.seq = (await feed.states(connection, [account_id]))[0].seq
                for subscriber in found.subscribers:
                    subscriber.missed = True
                    subscriber.something.set()
                return
            changes = await feed.since(connection, {account_id: found.seq}, _BATCH)
        for change in changes:
            found.seq = change.seq
            for subscriber in found.subscribers:
                subscriber.give(change)
        if len(changes) == _BATCH:
            found.wake.set()
