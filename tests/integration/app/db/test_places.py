"""Where new resources go in the operator's cluster."""

from sqlalchemy import text

from app.db.session import Database
from app.domain.viewer import API
from app.services import resources
from app.services.databases import NewDatabase
from app.services.projects import Makers
from app.settings import Settings
from tests.integration.world import KEYS, SHARED, project_of, viewer_of


async def test_what_is_added_to_a_project_goes_to_the_namespace_of_its_others(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    makers = Makers(Settings(sandbox_namespace=None), KEYS)

    async with database.begin(viewer) as session:
        await resources.create(session, viewer, makers.databases, project, NewDatabase("db"))

    async with database.read(API) as connection:
        found = await connection.execute(text("SELECT k8s_namespace FROM database"))
        assert found.scalar_one() == SHARED
