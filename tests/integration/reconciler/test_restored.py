"""A database out of a backup: what is in the cluster is newer, until the operator says so."""

from sqlalchemy import text

from app.db import feed
from app.db.restoration import restored
from app.db.sealed import OPERATOR
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API
from reconciler.manifests.identity import RESOURCE
from reconciler.manifests.kinds import CLUSTER
from tests.integration.reconciler.stage import Stage
from tests.integration.reconciler.test_database_failures import database_of
from tests.integration.reconciler.test_loop import want

OF_THE_BACKUP = text(
    "UPDATE resource SET generation = 1, desired_generation = 1, observed_generation = 1,"
    " due_at = mooring_now(), asked = asked + 1"
)

AGREED = text("SELECT p.status, r.status FROM project p JOIN resource r ON r.project_id = p.id")


async def test_what_is_newer_than_a_backup_is_left_alone_until_it_is_said_to_be_one(
    stage: Stage,
) -> None:
    async with stage.running() as loop:
        viewer, project = await stage.project()
        await stage.shows("RUNNING")
        for desired, status in (
            (DesiredState.STOPPED, "STOPPED"),
            (DesiredState.RUNNING, "RUNNING"),
        ):
            await want(stage.database, viewer, project, desired)
            loop.wake()
            await stage.shows(status)
    async with stage.database.begin(OPERATOR) as session:
        await session.execute(OF_THE_BACKUP)
        before = await feed.epoch(session)

    async with stage.running():
        await stage.shows("RUNNING", Reason.NEWER_GENERATION)
    async with stage.database.begin(OPERATOR) as session:
        number = await restored(session)
        agree = await session.execute(AGREED)
        assert [tuple(row) for row in agree] == [("STARTING", "STARTING")]
    async with stage.running():
        await stage.shows("RUNNING")

    async with stage.database.read(API) as connection:
        assert await feed.epoch(connection) != before
    assert number == 1


async def test_what_was_made_since_a_backup_goes_with_its_row(stage: Stage) -> None:
    async with stage.running():
        viewer, project = await database_of(stage)
        await stage.shows("RUNNING")
    async with stage.database.begin(OPERATOR) as session:
        await session.execute(text("UPDATE database SET definitions = '{}'"))
        await restored(session)

    await want(stage.database, viewer, project, DesiredState.DELETED)
    async with stage.running(watch=False):
        await stage.gone()

    assert not await stage.cluster.list_all(CLUSTER, "mooring", RESOURCE)
