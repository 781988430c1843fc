"""A connection on which nothing comes back any more costs no more than its limit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from app.db.rows import Executor
from app.db.session import AWAY, Database, is_lost
from app.domain.viewer import API, RECONCILER
from tests.chaos.proxy import Proxy, proxied
from tests.integration.world import project_of, viewer_of

LIMIT = 0.2
# Seconds; Postgres' own limit is LIMIT, and a machine may be slow.
BOUND = 20 * LIMIT
LOCK = text("SELECT id FROM project FOR NO KEY UPDATE")


@asynccontextmanager
async def through(url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A way to the server of `url`, which has a unix socket alone, and its own URL."""
    parts = urlsplit(url)
    [folder], [port] = (parse_qs(parts.query)[name] for name in ("host", "port"))
    user = parts.netloc.rpartition("@")[0]
    async with proxied(Path(folder) / f".s.PGSQL.{port}") as proxy:
        yield proxy, f"{parts.scheme}://{user}@127.0.0.1:{proxy.port}{parts.path}"


@asynccontextmanager
async def wired(url: str) -> AsyncIterator[tuple[Proxy, Database]]:
    """A process that has its limit, and its way to Postgres."""
    async with through(url) as (proxy, there):
        database = Database(there, pool=4, limit=LIMIT)
        yield proxy, database
        await database.close()


async def one(connection: Executor) -> int:
    """A statement that takes no time."""
    found: int = (await connection.execute(text("SELECT 1"))).scalar_one()
    return found


async def test_what_is_under_way_is_given_up_and_what_comes_after_goes_another_way(
    url: str,
) -> None:
    async with wired(url) as (proxy, database):
        async with database.read(RECONCILER) as first, database.read(RECONCILER) as second:
            await one(first)
            await one(second)
        proxy.hole = True
        with pytest.raises(AWAY) as raised:
            async with asyncio.timeout(BOUND), database.read(RECONCILER) as connection:
                await one(connection)
        before = proxy.taken
        proxy.hole = False
        async with (
            asyncio.timeout(BOUND),
            database.read(RECONCILER) as first,
            database.read(RECONCILER) as second,
        ):
            answers = [await one(first), await one(second)]

    assert is_lost(raised.value)
    assert answers == [1, 1]
    assert proxy.taken >= before + 2  # those that were there are not believed any more


async def test_a_transaction_that_falls_silent_is_given_up_whatever_it_was_about_to_say(
    url: str,
) -> None:
    async with wired(url) as (proxy, database):
        with pytest.raises(AWAY) as raised:
            async with asyncio.timeout(BOUND), database.begin(API) as session:
                await one(session)
                proxy.hole = True
        proxy.hole = False
        async with asyncio.timeout(BOUND), database.begin(API) as session:
            found = await one(session)

    assert is_lost(raised.value)
    assert found == 1


async def test_a_connection_that_cannot_be_made_is_given_up(url: str) -> None:
    async with wired(url) as (proxy, database):
        proxy.hole = True
        with pytest.raises(AWAY) as raised:
            async with asyncio.timeout(BOUND), database.read(RECONCILER) as connection:
                await one(connection)

    assert is_lost(raised.value)


async def test_who_cannot_be_reached_any_more_holds_no_lock(database: Database, url: str) -> None:
    await project_of(database, await viewer_of(database))

    async with wired(url) as (proxy, silent):
        with pytest.raises(AWAY):
            async with silent.begin(API) as session:
                await session.execute(LOCK)
                proxy.hole = True
                async with asyncio.timeout(BOUND), database.begin(API) as other:
                    await other.execute(LOCK)
        proxy.hole = False


async def test_who_waits_too_long_for_a_lock_is_told_by_postgres_and_keeps_the_connection(
    database: Database, url: str
) -> None:
    await project_of(database, await viewer_of(database))

    async with wired(url) as (proxy, waiting):
        async with waiting.begin(API) as session:
            await one(session)
        taken = proxy.taken
        async with database.begin(API) as session:
            await session.execute(LOCK)
            with pytest.raises(AWAY) as raised:
                async with asyncio.timeout(BOUND), waiting.begin(API) as other:
                    await other.execute(LOCK)
        async with waiting.begin(API) as session:
            await one(session)

    assert is_lost(raised.value)
    assert proxy.taken == taken
