"""The stream of one subscription: a beginning, SYNCED, then every change once and in order.

The subscriber joins the feed first and reads its beginning afterwards: a snapshot with the cursor
from the same REPEATABLE READ transaction, or the changes since the cursor it brought. Each event
carries the whole cursor at that event and the state of now. One that fell behind reads from its
own cursor; RESYNC only when the log no longer has it, or when it is too far behind.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from app.db import feed, members, projects
from app.db.feed import Change, FeedState
from app.db.members import NONE, Members
from app.db.projects import ProjectRow
from app.db.rows import Executor
from app.db.session import Database
from app.domain.cursors import StreamCursor, encode
from app.domain.errors import NotFound
from app.domain.viewer import Viewer
from app.live import news
from app.live.feeds import Feeds, Subscriber
from app.live.news import News


class EventKind(StrEnum):
    """What an event says."""

    SNAPSHOT = "SNAPSHOT"
    CHANGED = "CHANGED"
    DELETED = "DELETED"
    SYNCED = "SYNCED"
    RESYNC = "RESYNC"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: the change, if any, and the project as it is now with its resources."""

    kind: EventKind
    cursor: str
    change: Change | None = None
    project_id: UUID | None = None
    project: ProjectRow | None = None
    members: Members = NONE


class Stream:
    """One subscriber of one project, or of all that the viewer may see (`project_id` None)."""

    def __init__(
        self,
        database: Database,
        feeds: Feeds,
        viewer: Viewer,
        project_id: UUID | None,
        resync_after: int,
    ) -> None:
        self._database = database
        self._feeds = feeds
        self._viewer = viewer
        self._project_id = project_id
        self._resync_after = resync_after
        self._numbers = {p.account_id: p.number for p in viewer.positions}
        self._seqs: dict[UUID, int] = {}
        self._epoch = viewer.epoch
        self._only = viewer.projects
        self._over = False

    async def check(self, after: StreamCursor | None) -> None:
        """NOT_FOUND when there is no such project, and none that went since `after`."""
        if self._project_id is None:
            return
        async with self._database.read(self._viewer) as connection:
            if await projects.by_ids(connection, self._viewer, [self._project_id]):
                return
            if after is not None and await self._resumable(connection, after):
                changes = await feed.since(connection, self._viewer, self._seqs, self._resync_after)
                if any(c.project_id == self._project_id for c in self._allowed(changes)):
                    return
        raise NotFound(field=["id"])

    async def events(self, after: StreamCursor | None) -> AsyncGenerator[Event, None]:
        """The stream; ends after DELETED of its project."""
        with self._feeds.joined(self._viewer.accounts) as subscriber:
            async for event in self._beginning(after):
                yield event
            while not self._over:
                async for event in self._next(subscriber):
                    yield event

    async def _beginning(self, after: StreamCursor | None) -> AsyncIterator[Event]:
        async with self._database.read(self._viewer) as connection:
            resumes = after is not None and await self._resumable(connection, after)
        if resumes:
            async for event in self._since():
                yield event
            if not self._over:
                yield self._event(EventKind.SYNCED)
            return
        async for event in self._snapshot(resync=after is not None):
            yield event

    async def _next(self, subscriber: Subscriber) -> AsyncIterator[Event]:
        items = await subscriber.take()
        if items is not None:
            fresh = (item for item in items if item.change.seq > self._seqs[item.change.account_id])
            for event in self._changed(fresh):
                yield event
            return
        async with self._database.read(self._viewer) as connection:
            kept = self._covers(await feed.states(connection, self._viewer.accounts))
        async for event in self._since() if kept else self._snapshot(resync=True):
            yield event

    async def _since(self) -> AsyncIterator[Event]:
        while not self._over:
            async with self._database.read(self._viewer) as connection:
                items = await news.since(connection, self._viewer, self._seqs, self._resync_after)
            for event in self._changed(items):
                yield event
            if len(items) < self._resync_after:
                return

    async def _snapshot(self, *, resync: bool) -> AsyncIterator[Event]:
        async with self._database.snapshot(self._viewer) as connection:
            states = await feed.states(connection, self._viewer.accounts)
            self._epoch = await feed.epoch(connection)
            keys = await self._keys(connection)
            rows = await projects.by_ids(connection, self._viewer, keys)
            owned = await members.of_projects(connection, self._viewer, keys)
        self._seqs = {state.account_id: state.seq for state in states}
        if resync:
            yield self._event(EventKind.RESYNC)
        for row in sorted(rows, key=lambda row: row.id):
            yield self._event(
                EventKind.SNAPSHOT, project_id=row.id, project=row, members=owned[row.id]
            )
        # Its project went unseen: that it is not among the SNAPSHOTs says so, and ends the stream.
        self._over = self._project_id is not None and not rows
        yield self._event(EventKind.SYNCED)

    def _changed(self, items: Iterable[News]) -> Iterable[Event]:
        for item in items:
            change = item.change
            self._seqs[change.account_id] = change.seq
            if self._project_id not in (None, change.project_id):
                continue
            if not any(self._allowed([change])):
                continue
            gone = change.action == "project.gone"
            yield self._event(
                EventKind.DELETED if gone else EventKind.CHANGED,
                change=change,
                project_id=change.project_id,
                project=item.project,
                members=item.members,
            )
            if gone and self._project_id is not None:
                self._over = True
                return

    def _allowed(self, changes: Iterable[Change]) -> Iterable[Change]:
        return (c for c in changes if self._only is None or c.project_id in self._only)

    async def _keys(self, connection: Executor) -> list[UUID]:
        if self._project_id is not None:
            return [self._project_id]
        return await projects.all_ids(connection, self._viewer)

    async def _resumable(self, connection: Executor, after: StreamCursor) -> bool:
        """Whether the log still has all since `after`; then that is where we are."""
        if after.epoch != await feed.epoch(connection):
            return False
        if any(number not in after.seqs for number in self._numbers.values()):
            return False
        self._seqs = {account: after.seqs[number] for account, number in self._numbers.items()}
        return self._covers(await feed.states(connection, self._viewer.accounts))

    def _covers(self, states: list[FeedState]) -> bool:
        return all(
            state.floor <= self._seqs[state.account_id] <= state.seq
            and state.seq - self._seqs[state.account_id] <= self._resync_after
            for state in states
        )

    def _event(
        self,
        kind: EventKind,
        *,
        change: Change | None = None,
        project_id: UUID | None = None,
        project: ProjectRow | None = None,
        members: Members = NONE,
    ) -> Event:
        seqs = {self._numbers[account]: seq for account, seq in self._seqs.items()}
        cursor = encode(StreamCursor(self._epoch, seqs))
        return Event(kind, cursor, change, project_id, project, members)
