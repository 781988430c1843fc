"""The way to Postgres that everything takes: asyncpg reads the URL, as libpq would.

SQLAlchemy would hand its query on word for word, and `sslmode` of a URL as clouds print it is none
of the driver's arguments.
"""

from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def plain(url: str) -> str:
    """The URL without the name of a driver, which only SQLAlchemy knows."""
    return "postgresql://" + url.partition("://")[2]


def engine_to(url: str, **options: Any) -> AsyncEngine:
    """An engine of connections to `url`; `options` are those of `create_async_engine`."""
    address = plain(url)

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(address)

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, **options)
