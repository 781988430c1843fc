"""Streams on a real Postgres: in order, once, none missing, whatever is lost on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import text
from sqlalchemy.engine import Engine

from app.db import feed
from app.db.session import Database
from app.domain import cursors
from app.domain.cursors import StreamCursor
from app.domain.errors import NotFound
from app.domain.states import DesiredState
from app.domain.viewer import API, Viewer
from app.live.streams import Event, EventKind, Stream
from app.services import projects
from app.services.projects import NewProject
from tests.integration.live import live
from tests.integration.world import MAKERS, PATIENCE, project_of, viewer_of

FLIP = (DesiredState.STOPPED, DesiredState.RUNNING)


class Reader:
    """Reads a stream to where a test wants it."""

    def __init__(self, stream: Stream, after: str | None = None) -> None:
        self.seen: list[Event] = []
        self._events = stream.events(cursors.decode(after) if after else None)

    async def until(self, holds: Callable[[Event], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            async for event in self._events:
                self.seen.append(event)
                if holds(event):
                    return

    async def synced(self) -> None:
        await self.until(lambda event: event.kind == EventKind.SYNCED)

    async def close(self) -> None:
        await self._events.aclose()

    @property
    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.seen]

    @property
    def seqs(self) -> list[int]:
        return [event.change.seq for event in self.seen if event.change]


@asynccontextmanager
async def reading(stream: Stream, after: str | None = None) -> AsyncIterator[Reader]:
    reader = Reader(stream, after)
    try:
        yield reader
    finally:
        await reader.close()


async def flip(database: Database, viewer: Viewer, project: UUID, times: int) -> int:
    """Stop and start by turns, two changes each; the last seq."""
    for turn in range(times):
        async with database.begin(viewer) as session:
            await projects.want(session, viewer, project, FLIP[turn % 2])
    async with database.read(API) as connection:
        [state] = await feed.states(connection, viewer.accounts)
    return state.seq


def reaches(seq: int) -> Callable[[Event], bool]:
    return lambda event: event.change is not None and event.change.seq == seq


async def test_a_snapshot_is_followed_by_every_change_once_and_in_order(url: str) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        project = await project_of(api.database, viewer)
        async with reading(api.stream(viewer, project)) as reader:
            await reader.synced()
            last = await flip(api.database, viewer, project, 10)
            await reader.until(reaches(last))

    assert reader.kinds[:2] == [EventKind.SNAPSHOT, EventKind.SYNCED]
    assert reader.seqs == list(range(last - 19, last + 1))


async def test_changes_that_come_while_the_beginning_is_read_are_not_lost(url: str) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        project = await project_of(api.database, viewer)

        async with AsyncExitStack() as stack:
            readers = [
                await stack.enter_async_context(reading(api.stream(viewer, project)))
                for _ in range(10)
            ]
            async with asyncio.TaskGroup() as group:
                for reader in readers:
                    group.create_task(reader.synced())
                writing = group.create_task(flip(api.database, viewer, project, 20))
            last = writing.result()
            async with asyncio.TaskGroup() as group:
                for reader in readers:
                    if reader.seqs[-1:] != [last]:
                        begun = cursors.decode(reader.seen[-1].cursor)
                        assert begun is not None
                        if list(begun.seqs.values()) != [last]:
                            group.create_task(reader.until(reaches(last)))

    for reader in readers:
        start = cursors.decode(reader.seen[0].cursor)
        assert start is not None
        [first] = start.seqs.values()
        assert reader.seqs == list(range(first + 1, last + 1))


async def test_a_change_that_the_beginning_holds_does_not_come_again(
    url: str, database: Database
) -> None:
    async with live(url, notify=False) as api, AsyncExitStack() as stack:
        viewer = await viewer_of(api.database)
        project = await project_of(api.database, viewer)
        first, second = [
            await stack.enter_async_context(reading(api.stream(viewer, project))) for _ in range(2)
        ]
        await first.synced()
        async with AsyncExitStack() as busy:
            # No connection is left for the beginning of the second, which has joined by then.
            for _ in range(5):
                await busy.enter_async_context(api.database.begin(viewer))
            beginning = asyncio.create_task(second.synced())
            held = await flip(database, viewer, project, 2)
            await first.until(reaches(held))
        await beginning
        last = await flip(database, viewer, project, 2)
        await second.until(reaches(last))

    assert second.kinds[:2] == [EventKind.SNAPSHOT, EventKind.SYNCED]
    assert second.seqs == list(range(held + 1, last + 1))


async def test_from_any_cursor_a_stream_goes_on_where_it_was(url: str) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        project = await project_of(api.database, viewer)
        async with reading(api.stream(viewer, project)) as whole:
            await whole.synced()
            last = await flip(api.database, viewer, project, 4)
            await whole.until(reaches(last))

        for place, event in enumerate(whole.seen):
            async with reading(api.stream(viewer, project), event.cursor) as resumed:
                await resumed.synced()
            rest = [e.change.seq for e in whole.seen[place + 1 :] if e.change]
            assert resumed.seqs == rest
            assert resumed.kinds == [EventKind.CHANGED] * len(rest) + [EventKind.SYNCED]


async def test_a_subscriber_that_falls_behind_still_sees_everything(url: str) -> None:
    async with live(url, depth=2) as api:
        viewer = await viewer_of(api.database)
        project = await project_of(api.database, viewer)
        async with (
            reading(api.stream(viewer, project)) as slow,
            reading(api.stream(viewer, project)) as quick,
        ):
            await slow.synced()
            await quick.synced()
            first = await flip(api.database, viewer, project, 1)
            await slow.until(reaches(first))
            await quick.until(reaches(first))
            last = await flip(api.database, viewer, project, 10)
            await quick.until(reaches(last))
            await slow.until(reaches(last))

    assert slow.seqs == quick.seqs == list(range(slow.seqs[0], last + 1))
    assert EventKind.RESYNC not in slow.kinds


@pytest.mark.parametrize("lost", ["too far behind", "pruned", "restored", "from the future"])
async def test_a_cursor_that_the_log_cannot_serve_gets_a_resync(
    database: Database, url: str, lost: str
) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        project = await project_of(api.database, viewer)
        position = viewer.positions[0]
        after = StreamCursor(viewer.epoch, {position.number: 1})
        await flip(api.database, viewer, project, 4)
        behind = api
        if lost == "too far behind":
            behind = replace(api, resync_after=3)
        elif lost == "from the future":
            after = StreamCursor(viewer.epoch, {position.number: 10_000})
        else:
            table, column = ("feed", "floor") if lost == "pruned" else ("installation", "epoch")
            async with database.begin(API) as session:
                await session.execute(text(f"UPDATE {table} SET {column} = {column} + 2"))

        async with reading(behind.stream(viewer, project), cursors.encode(after)) as reader:
            await reader.synced()

    assert reader.kinds == [EventKind.RESYNC, EventKind.SNAPSHOT, EventKind.SYNCED]


async def test_a_listener_that_lost_its_connection_looks_when_it_has_a_new_one(
    url: str, database: Database
) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        project = await project_of(api.database, viewer)
        async with reading(api.stream(viewer, project)) as reader:
            await reader.synced()
            heard = await flip(api.database, viewer, project, 1)
            await reader.until(reaches(heard))
            # Another process whose wake-up was lost.
            unheard = await flip(database, viewer, project, 3)
            async with database.begin(API) as session:
                await session.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
                    )
                )
            await reader.until(reaches(unheard))

    assert reader.seqs == list(range(reader.seqs[0], unheard + 1))


async def test_without_notify_the_poll_brings_every_change(url: str) -> None:
    async with live(url, notify=False) as api:
        viewer = await viewer_of(api.database)
        project = await project_of(api.database, viewer)
        async with reading(api.stream(viewer, project)) as reader:
            await reader.synced()
            # The first of them may be met by the reader of the account, which begins only now.
            for _ in range(2):
                last = await flip(api.database, viewer, project, 2)
                await reader.until(reaches(last))

    assert reader.seqs == list(range(last - 7, last + 1))


async def test_many_first_subscribers_at_once_are_all_reached_by_one_read(url: str) -> None:
    # One of twenty connections for each of twenty at a time: the pool lets nobody wait for long.
    turns = asyncio.Semaphore(20)

    async def synced(reader: Reader) -> None:
        async with turns:
            await reader.synced()

    async with live(url, pool=20) as api:
        viewer = await viewer_of(api.database)
        project = await project_of(api.database, viewer)
        async with AsyncExitStack() as stack:
            readers = [
                await stack.enter_async_context(reading(api.stream(viewer, project)))
                for _ in range(200)
            ]
            async with asyncio.TaskGroup() as group:
                for reader in readers:
                    group.create_task(synced(reader))
            last = await flip(api.database, viewer, project, 1)
            async with asyncio.TaskGroup() as group:
                for reader in readers:
                    group.create_task(reader.until(reaches(last)))

            reads: list[str] = []

            def note(_c: object, _u: object, statement: str, *_rest: object) -> None:
                if "JOIN change" in statement:
                    reads.append(statement)

            sqlalchemy_event.listen(Engine, "before_cursor_execute", note)
            last = await flip(api.database, viewer, project, 2)
            async with asyncio.TaskGroup() as group:
                for reader in readers:
                    group.create_task(reader.until(reaches(last)))
            sqlalchemy_event.remove(Engine, "before_cursor_execute", note)

    assert all(reader.seqs == [last - 3, last - 2, last - 1, last] for reader in readers)
    assert 1 <= len(reads) <= 8


async def test_the_stream_of_all_projects_shows_new_ones_and_goes_on_after_an_end(
    url: str,
) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        async with reading(api.stream(viewer)) as reader:
            await reader.synced()
            async with api.database.begin(viewer) as session:
                row = await projects.create(
                    session, viewer, MAKERS, NewProject("empty", sandboxes=(), databases=())
                )
            async with api.database.begin(viewer) as session:
                gone = await projects.want(session, viewer, row.id, DesiredState.DELETED)
            await reader.until(lambda event: event.kind == EventKind.DELETED)
            other = await project_of(api.database, viewer)
            await reader.until(lambda event: event.project_id == other)

    assert gone.status == "TERMINATED"
    assert [e.change.action for e in reader.seen if e.change][:3] == [
        "project.create",
        "project.delete",
        "project.gone",
    ]


async def test_a_stream_of_one_project_ends_with_it_and_cannot_begin_after_it(url: str) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        async with api.database.begin(viewer) as session:
            row = await projects.create(
                session, viewer, MAKERS, NewProject("empty", sandboxes=(), databases=())
            )
        async with reading(api.stream(viewer, row.id)) as reader:
            await reader.synced()
            before = reader.seen[-1].cursor
            async with api.database.begin(viewer) as session:
                await projects.want(session, viewer, row.id, DesiredState.DELETED)
            await reader.until(lambda _: False)
        async with reading(api.stream(viewer, row.id), before) as resumed:
            await resumed.until(lambda _: False)

        assert reader.kinds[-1] == resumed.kinds[-1] == EventKind.DELETED
        with pytest.raises(NotFound):
            await api.stream(viewer, row.id).check(None)
        await api.stream(viewer, row.id).check(cursors.decode(before))


async def test_another_users_project_has_no_stream(url: str) -> None:
    async with live(url) as api:
        project = await project_of(api.database, await viewer_of(api.database))
        bob = await viewer_of(api.database, "bob")

        with pytest.raises(NotFound):
            await api.stream(bob, project).check(None)
