"""Whose request a resource's row names: that of its last intent, or of a retry since."""

from uuid import UUID

from sqlalchemy import text

from app.db import resources
from app.db.session import Database
from app.domain import trace
from app.domain.states import DesiredState
from app.domain.viewer import API, RECONCILER
from app.services import projects
from tests.integration.world import project_of, viewer_of


async def named(database: Database) -> UUID | None:
    """The id in the one row."""
    async with database.read(API) as connection:
        found = await connection.execute(text("SELECT trace_id FROM resource"))
        key: UUID | None = found.scalar_one()
        return key


async def test_each_intent_and_retry_leaves_the_id_of_its_request(database: Database) -> None:
    viewer = await viewer_of(database)

    created = trace.begin()
    project = await project_of(database, viewer)

    assert await named(database) == created

    stopped = trace.begin()
    async with database.begin(viewer) as session:
        await projects.want(session, viewer, project, DesiredState.STOPPED)

    assert await named(database) == stopped

    async with database.begin(API) as session:
        await session.execute(text("UPDATE resource SET reason = 'Internal', attempts = 1"))
    retried = trace.begin()
    async with database.begin(viewer) as session:
        await projects.retry(session, viewer, project)

    assert await named(database) == retried


async def test_who_only_asks_for_a_look_leaves_it(database: Database) -> None:
    created = trace.begin()
    await project_of(database, await viewer_of(database))
    trace.follow(None)

    async with database.autocommit(RECONCILER) as connection:
        found = await connection.execute(text("SELECT id FROM resource"))
        await resources.ask(connection, [found.scalar_one()])

    assert await named(database) == created
