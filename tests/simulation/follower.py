"""A subscriber of each user, through the live part of an API process, who has to end up with what
there is: he folds what he is told, and holds that each change comes once and in order."""

import asyncio
from uuid import UUID

from broadcaster import Broadcast

from app.db.session import AWAY, Database
from app.domain.cursors import StreamCursor, decode
from app.domain.viewer import Viewer
from app.live.backend import WakeupBackend
from app.live.feeds import Feeds
from app.live.streams import Event, EventKind, Stream
from tests.simulation.checks import Broken
from tests.simulation.scheduler import Scheduler
from tests.simulation.stepping import Actor
from tests.simulation.wire import Wire

# Status of the project, and of each of its resources.
Told = tuple[str, dict[UUID, str]]


class _Wired(WakeupBackend):
    def __init__(self, wire: Wire) -> None:
        super().__init__("", enabled=False)
        wire.listeners.append(self._hear)


class Followers:
    """Of an API process of their own."""

    def __init__(self, database: Database, scheduler: Scheduler, wire: Wire) -> None:
        self._database = database
        self._scheduler = scheduler
        self._wire = wire
        self._told: dict[UUID, dict[UUID, Told]] = {}
        self._seqs: dict[UUID, int] = {}
        self.actor = Actor("live")
        self.changes = self.resumed = 0

    async def begin(self, viewers: list[Viewer]) -> None:
        """Follow, for each of them, all that he may see."""
        broadcast = Broadcast(backend=_Wired(self._wire))
        await broadcast.connect()
        self._broadcast = broadcast
        feeds = Feeds(self._database, broadcast, poll=2, depth=64)
        self._tasks = [self._scheduler.spawn(self.actor, feeds.poll())]
        for viewer in viewers:
            self._tasks.append(self._scheduler.spawn(self.actor, self._follow(viewer, feeds)))

    async def end(self) -> None:
        """Nobody follows any more."""
        await self._scheduler.kill(self.actor)
        await self._broadcast.disconnect()

    def failed(self) -> list[BaseException]:
        """What ended following."""
        over = [task for task in self._tasks if task.done()]
        return [found for task in over if (found := task.exception()) is not None]

    def knows(self, user: UUID) -> dict[UUID, Told]:
        """What this user was told."""
        return self._told.get(user, {})

    async def _follow(self, viewer: Viewer, feeds: Feeds) -> None:
        """For ever: one whose stream breaks goes on from where he was."""
        after: StreamCursor | None = None
        while True:
            stream = Stream(self._database, feeds, viewer, None, resync_after=1000)
            try:
                async for event in stream.events(after):
                    self._take(viewer.user_id, event)
                    after = decode(event.cursor)
            except AWAY:
                self.resumed += 1
                await asyncio.sleep(0.5)

    def _take(self, user: UUID, event: Event) -> None:
        known = self._told.setdefault(user, {})
        if event.kind is EventKind.RESYNC:
            known.clear()
            self._seqs.pop(user, None)
        if event.change is not None:
            self.changes += 1
            seq, last = event.change.seq, self._seqs.get(user)
            if last is not None and seq != last + 1:
                raise Broken(f"a subscriber was told of change {seq} after {last}")
            self._seqs[user] = seq
        if event.project_id is None:
            return
        if event.project is None:
            known.pop(event.project_id, None)
            return
        members = {one.id: str(one.status) for one in event.members.all}
        known[event.project_id] = (str(event.project.status), members)
