"""A migrated database for each test, as good as new: of copies of a template that is made once."""

from collections.abc import AsyncIterator

import pytest_asyncio

from app.db import migrations, roles
from app.db.session import Database
from app.postgres import EmbeddedPostgres
from tests.postgres import PASSWORDS, Databases, as_role, make_database, postgres

__all__ = ["postgres"]


@pytest_asyncio.fixture(scope="session")
async def template(postgres: EmbeddedPostgres) -> str:
    """The name of a database at the newest revision, with the roles of the processes."""
    url = await make_database(postgres, "mooring_template")
    await migrations.upgrade(url)
    assert await roles.ensure(url, PASSWORDS)
    return "mooring_template"


@pytest_asyncio.fixture(scope="session")
async def databases(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Databases]:
    """The databases of this process's tests."""
    made = Databases(postgres, template)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def url(databases: Databases) -> AsyncIterator[str]:
    """The owner's URL of a database for one test."""
    async with databases.lent() as made:
        yield made


@pytest_asyncio.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """The database of one test, as its owner: no policy is in the way of what a test looks at."""
    opened = Database(url, pool=5)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def api_database(url: str) -> AsyncIterator[Database]:
    """The same, as an API process is connected."""
    opened = Database(as_role(url, roles.API), pool=5)
    yield opened
    await opened.close()
