"""Pages of history where the log has been pruned, and for whom they are not meant."""

from uuid import UUID

from sqlalchemy import text

from app.db import history
from app.db.feed import Change
from app.db.session import Database
from app.domain.pages import Page, Window
from app.domain.states import DesiredState
from app.domain.viewer import API, Viewer
from app.services import projects
from tests.integration.world import project_of, viewer_of


async def read(database: Database, viewer: Viewer, key: UUID, window: Window) -> Page[Change]:
    async with database.read(API) as connection:
        [page] = (await history.pages(connection, viewer, [key], window)).values()
    return page


async def test_where_the_line_of_a_cursor_was_pruned_the_page_says_what_is_there(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    key = await project_of(database, viewer)
    async with database.begin(viewer) as session:
        await projects.want(session, viewer, key, DesiredState.STOPPED)
    whole = await read(database, viewer, key, Window())
    newest, *_, oldest = whole.items
    async with database.begin(API) as session:
        await session.execute(text("DELETE FROM change WHERE seq < :s"), {"s": newest.seq})

    older = await read(database, viewer, key, Window(after=history.place(oldest)))
    newer = await read(database, viewer, key, Window(backward=True, before=history.place(oldest)))

    assert older == Page((), has_next=False, has_previous=True)
    assert newer == Page((newest,), has_next=False, has_previous=False)


async def test_another_users_history_is_not_there(database: Database) -> None:
    ada, bob = await viewer_of(database), await viewer_of(database, "bob")
    key = await project_of(database, ada)
    [place] = [history.place(c) for c in (await read(database, ada, key, Window(1))).items]

    for window in (Window(), Window(after=place), Window(backward=True, before=place)):
        assert await read(database, bob, key, window) == Page((), False, False)
