"""Streams of a token that is limited to projects: of the others they show nothing, at any time."""

from dataclasses import replace
from uuid import UUID

import pytest

from app.db.session import Database
from app.domain import cursors
from app.domain.errors import NotFound
from app.domain.states import DesiredState
from app.domain.viewer import Viewer
from app.live.streams import EventKind
from app.services import projects
from app.services.projects import NewProject
from tests.integration.app.live.test_streams import flip, reaches, reading
from tests.integration.live import live
from tests.integration.world import MAKERS, project_of, viewer_of


def limited(viewer: Viewer, *only: UUID) -> Viewer:
    return replace(viewer, grant=replace(viewer.grant, projects=only))


async def empty_project(database: Database, viewer: Viewer) -> UUID:
    async with database.begin(viewer) as session:
        new = NewProject("empty", sandboxes=(), databases=())
        return (await projects.create(session, viewer, MAKERS, new)).id


async def test_snapshot_changes_and_what_is_resumed_are_of_its_projects_alone(url: str) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        own, other = [await project_of(api.database, viewer) for _ in range(2)]
        token = limited(viewer, own)
        async with reading(api.stream(token)) as whole:
            await whole.synced()
            await flip(api.database, viewer, other, 2)
            middle = await flip(api.database, viewer, own, 2)
            await whole.until(reaches(middle))
            await flip(api.database, viewer, other, 2)
            last = await flip(api.database, viewer, own, 2)
            await whole.until(reaches(last))

        assert {event.project_id for event in whole.seen if event.project_id} == {own}
        assert whole.kinds[:2] == [EventKind.SNAPSHOT, EventKind.SYNCED]
        assert len(whole.seqs) == 8
        for place, event in enumerate(whole.seen):
            async with reading(api.stream(token), event.cursor) as resumed:
                await resumed.synced()
            assert resumed.seqs == [e.change.seq for e in whole.seen[place + 1 :] if e.change]
            assert {e.project_id for e in resumed.seen if e.project_id} <= {own}


async def test_a_project_that_comes_or_goes_is_not_told_of(url: str) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        own = await project_of(api.database, viewer)
        async with reading(api.stream(limited(viewer, own))) as reader:
            await reader.synced()
            gone = await empty_project(api.database, viewer)
            async with api.database.begin(viewer) as session:
                await projects.want(session, viewer, gone, DesiredState.DELETED)
            last = await flip(api.database, viewer, own, 1)
            await reader.until(reaches(last))

    assert {event.project_id for event in reader.seen if event.project_id} == {own}
    assert EventKind.DELETED not in reader.kinds


async def test_the_stream_of_another_project_is_as_of_one_that_there_is_not(url: str) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        own = await project_of(api.database, viewer)
        going = await empty_project(api.database, viewer)
        token = limited(viewer, own)
        async with reading(api.stream(viewer)) as reader:
            await reader.synced()
        cursor = cursors.decode(reader.seen[-1].cursor)
        with pytest.raises(NotFound):
            await api.stream(token, going).check(None)
        async with api.database.begin(viewer) as session:
            await projects.want(session, viewer, going, DesiredState.DELETED)

        await api.stream(viewer, going).check(cursor)
        with pytest.raises(NotFound):
            await api.stream(token, going).check(cursor)


async def test_one_that_fell_behind_is_caught_up_with_its_projects_alone(url: str) -> None:
    async with live(url, depth=1) as api:
        viewer = await viewer_of(api.database)
        own, other = [await project_of(api.database, viewer) for _ in range(2)]
        async with reading(api.stream(limited(viewer, own))) as slow:
            await slow.synced()
            await flip(api.database, viewer, other, 6)
            last = await flip(api.database, viewer, own, 3)
            await slow.until(reaches(last))

    assert {event.project_id for event in slow.seen if event.project_id} == {own}
    assert len(slow.seqs) == 6
