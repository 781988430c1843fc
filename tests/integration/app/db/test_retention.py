"""What is older than its time goes, in two rounds, and never in anybody's way."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from app.db import feed, retention
from app.db.retention import Keep
from app.db.session import Database
from app.domain.viewer import API, Viewer
from app.settings import Settings
from tests.integration.world import becomes, project_of, viewer_of

DAY = timedelta(days=1)
KEEP = Keep(DAY, 400 * DAY)


async def age(url: str, table: str, column: str, where: str = "true") -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        f"UPDATE {table} SET {column} = {column} - interval '2 days' WHERE {where}"
    )
    await connection.close()


async def log_of(database: Database, viewer: Viewer) -> tuple[int, list[int]]:
    """The floor, and the seqs of the changes that are there."""
    async with database.read(API) as connection:
        [state] = await feed.states(connection, viewer.accounts)
        changes = await feed.since(connection, viewer, {viewer.home: 0}, 100)
    return state.floor, [change.seq for change in changes]


async def test_old_changes_are_below_the_floor_for_a_round_before_they_go(
    database: Database, url: str
) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    await age(url, "change", "at")
    await project_of(database, viewer)

    await retention.prune(database, KEEP)
    first = await log_of(database, viewer)
    await retention.prune(database, KEEP)
    second = await log_of(database, viewer)

    assert first == (2, [1, 2, 3, 4])
    assert second == (2, [3, 4])


async def test_more_than_one_statement_takes_goes_too(
    database: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_MOST", 1)
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    await age(url, "change", "at")

    for _ in range(2):
        await retention.prune(database, KEEP)

    assert await log_of(database, viewer) == (2, [])


async def test_a_feed_that_is_written_to_is_left_for_the_next_round(
    database: Database, url: str
) -> None:
    ada, bob = await viewer_of(database), await viewer_of(database, "bob")
    for viewer in (ada, bob):
        await project_of(database, viewer)
    await age(url, "change", "at")
    connection = await asyncpg.connect(url)

    async with connection.transaction():
        await connection.execute("UPDATE feed SET seq = seq WHERE account_id = $1", ada.home)
        await retention.prune(database, KEEP)
    await connection.close()

    assert (await log_of(database, ada))[0] == 0
    assert (await log_of(database, bob))[0] == 2


async def test_one_process_at_a_time(database: Database, url: str) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    await age(url, "change", "at")
    connection = await asyncpg.connect(url)

    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", retention._LOCK)
        await retention.prune(database, KEEP)
    await connection.close()

    assert (await log_of(database, viewer))[0] == 0


async def test_answers_to_keys_are_kept_for_a_day(database: Database, url: str) -> None:
    connection = await asyncpg.connect(url)
    for key in ("old", "new"):
        await connection.execute(
            "INSERT INTO idempotency (user_id, mutation, key, request_hash)"
            " VALUES (gen_random_uuid(), 'createProject', $1, '')",
            key,
        )
    await age(url, "idempotency", "created_at", "key = 'old'")

    await retention.prune(database, KEEP)

    left = await connection.fetch("SELECT key FROM idempotency")
    await connection.close()
    assert [row["key"] for row in left] == ["new"]


async def test_the_role_of_the_api_may_do_it_and_may_take_nothing_else_away(
    database: Database, api_database: Database, url: str
) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)

    await retention.prune(api_database, Keep(timedelta(0), timedelta(0)))
    await retention.prune(api_database, Keep(timedelta(0), timedelta(0)))
    young = await log_of(database, viewer)
    await age(url, "change", "at")
    for _ in range(2):
        await retention.prune(api_database, KEEP)

    assert young == (0, [1, 2])
    assert await log_of(database, viewer) == (2, [])
    for statement in ("DELETE FROM change", "UPDATE feed SET floor = 0"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with api_database.begin(viewer) as session:
                await session.execute(text(statement))


def test_less_than_a_day_is_refused() -> None:
    with pytest.raises(ValidationError, match="86400"):
        Settings(keep_changes=86399)


async def test_a_process_that_is_too_busy_for_a_round_goes_on_with_the_next(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = Database(url, pool=1)
    monkeypatch.setattr(busy._writes.pool, "_timeout", 0.01)
    viewer = await viewer_of(busy)
    await project_of(busy, viewer)
    await age(url, "change", "at")

    async def said() -> bool:
        return bool(logs)

    async def pruned() -> bool:
        return (await log_of(busy, viewer))[1] == []

    with capture_logs() as logs:
        async with busy.begin(API) as session:
            await session.execute(text("SELECT 1"))
            running = asyncio.create_task(retention.run(busy, KEEP, 0.01))
            await becomes(said)
        await becomes(pruned)
    running.cancel()
    await busy.close()
