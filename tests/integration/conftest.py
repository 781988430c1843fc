"""A migrated database for each test, copied from a template that is made once."""

from collections.abc import AsyncIterator

import pytest_asyncio

from app.db import migrations
from app.db.session import Database
from app.postgres import EmbeddedPostgres
from tests.postgres import make_database, new_database, postgres

__all__ = ["postgres"]


@pytest_asyncio.fixture(scope="session")
async def template(postgres: EmbeddedPostgres) -> str:
    """The name of a database at the newest revision."""
    await migrations.upgrade(await make_database(postgres, "mooring_template"))
    return "mooring_template"


@pytest_asyncio.fixture
async def url(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """The owner's URL of a database for one test."""
    async with new_database(postgres, template) as made:
        yield made


@pytest_asyncio.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """The database of one test."""
    opened = Database(url, pool=5)
    yield opened
    await opened.close()
