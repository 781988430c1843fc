"""One reader per account for all its subscribers in this process.

A feed wakes by NOTIFY or by the poll that makes up for a lost one, reads once what is new, with the
state that goes with it, and hands it to the bounded queues of its subscribers: however many there
are, Postgres is asked once. A subscriber joins first and reads its beginning afterwards, and passes
over what the beginning already held; so nothing is lost in between. One that falls behind is told
so and reads from its own cursor.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import structlog
from broadcaster import Broadcast

from app.db import feed
from app.db.session import Database
from app.db.wakeups import feed_channel
from app.domain.viewer import API, Account
from app.live import news
from app.live.news import News

log = structlog.get_logger(__name__)
_BATCH = 500


class Subscriber:
    """The bounded queue of one stream over the accounts that it joined."""

    def __init__(self, depth: int) -> None:
        self._news: asyncio.Queue[News] = asyncio.Queue(depth)
        self._missed = False
        self._something = asyncio.Event()

    def give(self, item: News) -> None:
        """Hand news over without ever waiting."""
        try:
            self._news.put_nowait(item)
        except asyncio.QueueFull:
            self._missed = True
        self._something.set()

    def miss(self) -> None:
        """Say that something may have been missed."""
        self._missed = True
        self._something.set()

    async def take(self) -> list[News] | None:
        """What has come, waiting for it; None: it may not be all, read from your own cursor."""
        await self._something.wait()
        self._something.clear()
        taken = []
        while not self._news.empty():
            taken.append(self._news.get_nowait())
        missed, self._missed = self._missed, False
        return None if missed else taken


class _Feed:
    def __init__(self, account_id: UUID) -> None:
        self.account_id = account_id
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
        self._feeds: dict[UUID, _Feed] = {}

    @contextmanager
    def joined(self, accounts: Sequence[UUID]) -> Iterator[Subscriber]:
        """A subscriber of all changes of these accounts, from now to the end of the block."""
        subscriber = Subscriber(self._depth)
        for account_id in accounts:
            self._join(account_id, subscriber)
        try:
            yield subscriber
        finally:
            for account_id in accounts:
                self._leave(account_id, subscriber)

    @contextmanager
    def woken(self, channel: str) -> Iterator[asyncio.Event]:
        """An event that is set by each wake-up of `channel`, to the end of the block."""
        woken = asyncio.Event()

        async def listen() -> None:
            async with self._broadcast.subscribe(channel) as events:
                async for _ in events:  # type: ignore[union-attr]
                    woken.set()

        task = asyncio.create_task(listen())
        try:
            yield woken
        finally:
            task.cancel()

    def _join(self, account_id: UUID, subscriber: Subscriber) -> None:
        found = self._feeds.get(account_id)
        if found is None:
            found = self._feeds[account_id] = _Feed(account_id)
            found.tasks = [
                asyncio.create_task(self._read(found)),
                asyncio.create_task(self._listen(found)),
            ]
        found.subscribers.add(subscriber)

    def _leave(self, account_id: UUID, subscriber: Subscriber) -> None:
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
            if not self._feeds:
                continue
            try:
                async with self._database.read(API) as connection:
                    states = await feed.states(connection, list(self._feeds))
            except Exception as error:
                log.warning("feeds cannot be polled", error=repr(error))
                continue
            for state in states:
                known = self._feeds.get(state.account_id)
                if known is not None and known.seq != state.seq:
                    known.wake.set()

    async def _listen(self, found: _Feed) -> None:
        async with self._broadcast.subscribe(feed_channel(found.account_id)) as events:
            async for _ in events:  # type: ignore[union-attr]
                found.wake.set()

    async def _read(self, found: _Feed) -> None:
        while True:
            try:
                await self._hand_out(found)
            except Exception as error:
                log.warning("a feed cannot be read", error=repr(error))
                await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - jitter
                continue
            await found.wake.wait()
            found.wake.clear()

    async def _hand_out(self, found: _Feed) -> None:
        """Give all that is new to everybody; the first time only find out where the log stands."""
        scope = Account(found.account_id)
        async with self._database.read(scope) as connection:
            if found.seq is None:
                [state] = await feed.states(connection, scope.accounts)
                found.seq = state.seq
                for subscriber in found.subscribers:
                    subscriber.miss()
                return
            items = await news.since(connection, scope, {found.account_id: found.seq}, _BATCH)
        for item in items:
            found.seq = item.change.seq
            for subscriber in found.subscribers:
                subscriber.give(item)
        if len(items) == _BATCH:
            found.wake.set()
