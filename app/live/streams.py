"""The stream of one subscription: a beginning, SYNCED, then every change once and in order.

The subscriber joins the feed first and reads its beginning afterwards: a snapshot with the cursor
from the same REPEATABLE READ transaction, or the changes since the cursor it brought. Each event
carries the whole cursor at that event and the state of now. One that fell behind reads from its
own cursor; RESYNC only when the log no longer has it, or when it is too far behind.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from app.db import feed, projects, sandboxes
from app.db.feed import Change, FeedState
from app.db.projects import ProjectRow
from app.db.rows import Executor
from app.db.sandboxes import SandboxRow
from app.db.session import Database
from app.domain.cursors import StreamCursor, encode
from app.domain.errors import NotFound, Unauthenticated
from app.domain.viewer import Viewer
from app.live.feeds import Feeds, Subscriber


class EventKind(StrEnum):
    """What an event says."""

    SNAPSHOT = "SNAPSHOT"
    CHANGED = "CHANGED"
    DELETED = "DELETED"
    SYNCED = "SYNCED"
    RESYNC = "RESYNC"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: the change, if any, and the project as it is now with its sandboxes."""

    kind: EventKind
    cursor: str
    change: Change | None = None
    project_id: UUID | None = None
    project: ProjectRow | None = None
    members: tuple[SandboxRow, ...] = ()


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
        self._something = asyncio.Event()

    async def check(self, after: StreamCursor | None) -> None:
        """NOT_FOUND when there is no such project, and none that went since `after`."""
        if self._project_id is None:
            return
        async with self._database.read() as connection:
            if await projects.by_ids(connection, self._viewer, [self._project_id]):
                return
            if after is not None and await self._resumable(connection, after):
                changes = await feed.since(connection, self._seqs, self._resync_after)
                if any(c.project_id == self._project_id for c in changes):
                    return
        raise NotFound(field=["id"])

    async def events(self, after: StreamCursor | None) -> AsyncGenerator[Event, None]:
        """The stream; ends after DELETED of its project, UNAUTHENTICATED when the session ends."""
        joined = {account: self._feeds.join(account) for account in self._viewer.accounts}
        for subscriber in joined.values():
            subscriber.something = self._something
        try:
            async for event in self._begin(after):
                yield event
                if self._ends(event):
                    return
            while True:
                await self._wait()
                async for event in self._news(joined):
                    yield event
                    if self._ends(event):
                        return
        finally:
            for account, subscriber in joined.items():
                self._feeds.leave(account, subscriber)

    async def _begin(self, after: StreamCursor | None) -> AsyncIterator[Event]:
        async with self._database.read() as connection:
            resumes = after is not None and await self._resumable(connection, after)
        if after is not None and resumes:
            async for event in self._since():
                yield event
        else:
            async for event in self._snapshot(resync=after is not None):
                yield event
        yield self._event(EventKind.SYNCED)

    async def _news(self, joined: Mapping[UUID, Subscriber]) -> AsyncIterator[Event]:
        changes: list[Change] = []
        missed = False
        for subscriber in joined.values():
            missed = missed or subscriber.missed
            subscriber.missed = False
            while not subscriber.changes.empty():
                changes.append(subscriber.changes.get_nowait())
        if missed:
            async for event in self._catch_up():
                yield event
            return
        fresh = [c for c in changes if c.seq > self._seqs[c.account_id]]
        async for event in self._changed(fresh):
            yield event

    async def _catch_up(self) -> AsyncIterator[Event]:
        async with self._database.read() as connection:
            lost = not self._covers(await feed.states(connection, self._viewer.accounts))
        if not lost:
            async for event in self._since():
                yield event
            return
        async for event in self._snapshot(resync=True):
            yield event
        yield self._event(EventKind.SYNCED)

    async def _since(self) -> AsyncIterator[Event]:
        while True:
            async with self._database.read() as connection:
                changes = await feed.since(connection, self._seqs, self._resync_after)
            if not changes:
                return
            async for event in self._changed(changes):
                yield event

    async def _snapshot(self, *, resync: bool) -> AsyncIterator[Event]:
        async with self._database.snapshot() as connection:
            states = await feed.states(connection, self._viewer.accounts)
            self._epoch = await feed.epoch(connection)
            keys = await self._keys(connection)
            rows = await projects.by_ids(connection, self._viewer, keys)
            members = await sandboxes.of_projects(connection, self._viewer, keys)
        self._seqs = {state.account_id: state.seq for state in states}
        if resync:
            yield self._event(EventKind.RESYNC)
        for row in sorted(rows, key=lambda row: row.id):
            own = tuple(m for m in members if m.project_id == row.id)
            yield self._event(EventKind.SNAPSHOT, project_id=row.id, project=row, members=own)

    async def _changed(self, changes: list[Change]) -> AsyncIterator[Event]:
        wanted = [c for c in changes if self._project_id in (None, c.project_id)]
        keys = list({c.project_id for c in wanted})
        rows: dict[UUID, ProjectRow] = {}
        members: list[SandboxRow] = []
        if keys:
            async with self._database.read() as connection:
                found = await projects.by_ids(connection, self._viewer, keys)
                members = await sandboxes.of_projects(connection, self._viewer, keys)
            rows = {row.id: row for row in found}
        for change in changes:
            self._seqs[change.account_id] = change.seq
            if self._project_id in (None, change.project_id):
                gone = change.action == "project.gone"
                yield self._event(
                    EventKind.DELETED if gone else EventKind.CHANGED,
                    change=change,
                    project_id=change.project_id,
                    project=rows.get(change.project_id),
                    members=tuple(m for m in members if m.project_id == change.project_id),
                )

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
            state.floor <= self._seqs.get(state.account_id, -1) <= state.seq
            and state.seq - self._seqs[state.account_id] <= self._resync_after
            for state in states
        )

    async def _wait(self) -> None:
        left = (self._viewer.expires_at - datetime.now(UTC)).total_seconds()
        try:
            async with asyncio.timeout(max(left, 0)):
                await self._something.wait()
        except TimeoutError as error:
            raise Unauthenticated(reason="EXPIRED") from error
        self._something.clear()

    def _ends(self, event: Event) -> bool:
        return event.kind == EventKind.DELETED and self._project_id is not None

    def _event(
        self,
        kind: EventKind,
        *,
        change: Change | None = None,
        project_id: UUID | None = None,
        project: ProjectRow | None = None,
        members: tuple[SandboxRow, ...] = (),
    ) -> Event:
        seqs = {self._numbers[account]: seq for account, seq in self._seqs.items()}
        return Event(
            kind, encode(StreamCursor(self._epoch, seqs)), change, project_id, project, members
        )
