"""Lines of the audit are only ever added, and go when they are too old."""

from datetime import timedelta

import asyncpg
import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db import retention, roles
from app.db.audit import Entry
from app.db.retention import Keep
from app.db.sealed import OPERATOR
from app.db.session import Database
from app.domain.viewer import API
from app.settings import Settings
from tests.integration.world import project_of, viewer_of
from tests.postgres import as_role

NOTHING = Keep(timedelta(days=90), timedelta(0))


async def actions(database: Database) -> list[str]:
    """The lines that are there, oldest first."""
    async with database.read(API) as connection:
        found = await connection.execute(text("SELECT action FROM audit ORDER BY at, id"))
        return list(found.scalars())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET action = 'nothing'",
        "UPDATE audit SET at = mooring_now()",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "INSERT INTO audit (id, at, actor_kind, actor_name, action, outcome)"
        " VALUES (gen_random_uuid(), '2020-01-01', 'USER', 'ada', 'project.stop', 'DONE')",
        "ALTER TABLE audit DISABLE ROW LEVEL SECURITY",
        "DROP TABLE audit",
    ],
)
async def test_the_role_of_the_api_changes_no_line(
    database: Database, api_database: Database, statement: str
) -> None:
    viewer = await viewer_of(database)
    async with api_database.begin(viewer) as session:
        session.entries.append(Entry("project.stop", account_id=viewer.home))

    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        async with api_database.begin(viewer) as session:
            await session.execute(text(statement))

    assert await actions(database) == ["project.stop"]


async def test_the_role_of_the_reconciler_adds_lines_and_reads_and_changes_none(
    url: str, database: Database
) -> None:
    reconciler = Database(as_role(url, roles.RECONCILER), pool=2)
    try:
        async with reconciler.begin(OPERATOR) as session:
            session.entries.append(Entry("orphan.remove"))
        for statement in (
            "SELECT id FROM audit",
            "UPDATE audit SET action = 'nothing'",
            "DELETE FROM audit",
            "INSERT INTO audit (id, at, actor_kind, actor_name, action, outcome)"
            " VALUES (gen_random_uuid(), '2020-01-01', 'USER', 'ada', 'project.stop', 'DONE')",
        ):
            with pytest.raises(DBAPIError, match="permission denied"):
                async with reconciler.begin(OPERATOR) as session:
                    await session.execute(text(statement))
    finally:
        await reconciler.close()

    assert await actions(database) == ["orphan.remove"]


async def test_a_line_is_there_only_if_what_it_says_was_done(
    database: Database, api_database: Database
) -> None:
    viewer = await viewer_of(database)

    with pytest.raises(ZeroDivisionError):
        async with api_database.begin(viewer) as session:
            session.entries.append(Entry("project.stop"))
            raise ZeroDivisionError

    assert await actions(database) == []


async def test_what_is_too_old_goes_and_nothing_younger_whoever_asks(
    database: Database, api_database: Database, url: str
) -> None:
    viewer = await viewer_of(database)
    for name in ("old", "young", "new"):
        await project_of(database, viewer, name)
    owner = await asyncpg.connect(url)
    for name, days in (("old", 91), ("young", 89)):
        await owner.execute(
            "UPDATE audit SET at = at - make_interval(days => $2)"
            " WHERE subject_name = $1 AND action = 'project.create'",
            name,
            days,
        )

    await retention.prune(api_database, NOTHING)

    left = await owner.fetch("SELECT subject_name AS n FROM audit WHERE subject_type = 'Project'")
    await owner.close()
    assert {row["n"] for row in left} == {"young", "new"}


async def test_a_round_keeps_what_is_to_be_kept(
    database: Database, api_database: Database, url: str
) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    owner = await asyncpg.connect(url)
    await owner.execute("UPDATE audit SET at = at - interval '399 days'")
    await owner.close()

    await retention.prune(api_database, Keep(timedelta(days=90), timedelta(days=400)))

    assert len(await actions(database)) == 2


def test_less_than_90_days_is_refused() -> None:
    with pytest.raises(ValidationError, match="7776000"):
        Settings(keep_audit=90 * 86400 - 1)
