"""What ends streams and websockets with the session or API token that they came with.

One watcher per process looks, in one query for all that live, whether each grant is still good and
until when: at once for a user whose grants were changed (a wake-up), every two seconds for all
(it may have been lost), and when the first of them ends. A session that was renewed meanwhile is
good for longer, so whoever renews it carries all its streams on. While Postgres cannot be asked,
what was known last holds.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import structlog
from broadcaster import Broadcast

from app.db import grants
from app.db.session import AWAY, Database
from app.db.wakeups import grants_channel
from app.domain.viewer import API, Viewer

log = structlog.get_logger(__name__)

# Why a stream ends: the reason of UNAUTHENTICATED.
Ended = asyncio.Future[str]


@dataclass
class _Watched:
    """One grant that something lives by, to `until` on the loop's clock as far as is known."""

    until: float
    streams: set[Ended] = field(default_factory=set)
    listening: asyncio.Task[None] | None = None

    def end(self, reason: str) -> None:
        for ended in self.streams:
            if not ended.done():
                ended.set_result(reason)


class Grants:
    """The grants that streams of this process live by; `run` is a task of the process."""

    def __init__(self, database: Database, broadcast: Broadcast, *, poll: float) -> None:
        self._database = database
        self._broadcast = broadcast
        self._poll = poll
        self._watched: dict[UUID, _Watched] = {}
        self._changed: set[UUID] = set()
        self._something = asyncio.Event()
        self._next = float("inf")

    @contextmanager
    def held(self, viewer: Viewer) -> Iterator[Ended]:
        """For the block: what has a result, REVOKED or EXPIRED, once the viewer's grant is over."""
        key = viewer.grant.session_id or viewer.grant.token_id
        ended: Ended = asyncio.get_running_loop().create_future()
        if key is None:
            yield ended
            return
        watched = self._watched.get(key) or self._watch(key, viewer)
        watched.streams.add(ended)
        try:
            yield ended
        finally:
            ended.cancel()
            watched.streams.discard(ended)
            if not watched.streams and watched.listening:
                watched.listening.cancel()
                self._watched.pop(key, None)

    def _watch(self, key: UUID, viewer: Viewer) -> _Watched:
        now = asyncio.get_running_loop().time()
        watched = _Watched(now + (viewer.expires_at - datetime.now(UTC)).total_seconds())
        watched.listening = asyncio.create_task(self._listen(key, viewer.user_id))
        self._watched[key] = watched
        if watched.until < self._next:
            self._something.set()
        return watched

    async def run(self) -> None:
        """Look for ever."""
        loop = asyncio.get_running_loop()
        poll = loop.time()
        while True:
            self._next = min([poll, *(it.until for it in self._watched.values())])
            try:
                async with asyncio.timeout_at(self._next):
                    await self._something.wait()
            except TimeoutError:
                self._changed.update(self._watched)
            self._something.clear()
            if loop.time() >= poll:
                poll = loop.time() + self._poll * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
            keys, self._changed = self._changed & set(self._watched), set()
            if keys:
                await self._look(keys)

    async def _look(self, keys: set[UUID]) -> None:
        left: dict[UUID, float] | None = None
        try:
            async with self._database.read(API) as connection:
                left = await grants.left(connection, keys)
        except AWAY as error:
            log.warning("sessions cannot be watched", error=repr(error))
        now = asyncio.get_running_loop().time()
        for key in keys:
            watched = self._watched.get(key)
            if watched is None:
                continue
            if left is not None and key not in left:
                watched.end("REVOKED")
                watched.until = float("inf")
                continue
            if left is not None:
                watched.until = now + left[key]
            if watched.until <= now:
                watched.end("EXPIRED")
                watched.until = float("inf")

    async def _listen(self, key: UUID, user_id: UUID) -> None:
        async with self._broadcast.subscribe(grants_channel(user_id)) as events:
            async for _ in events:  # type: ignore[union-attr]
                self._changed.add(key)
                self._something.set()
