"""updateDatabase: what is asked for is the row's at once, an intent, and a line that says what."""

import pytest
from sqlalchemy import text

from app.db.databases import DATABASES, DatabaseRow
from app.db.session import Database
from app.domain import ids
from app.domain.ids import NodeType
from app.domain.viewer import API, Viewer
from app.services import projects
from app.services.projects import NewProject
from tests.integration.app.graphql.conftest import Ask
from tests.integration.world import MAKERS, viewer_of

UPDATE = """mutation ($id: ID!, $input: UpdateDatabaseInput!) {
  updateDatabase(id: $id, input: $input) {
    database { version replicas cpu memory storage generation status }
    errors { code field message }
  }
}"""
STOP = "mutation ($id: ID!) { stopDatabase(id: $id) { database { status } } }"
DELETE = "mutation ($id: ID!) { deleteDatabase(id: $id) { database { status } } }"
SEEN = text("""UPDATE resource SET phase = :phase, observed_generation = generation
WHERE kind = 'DATABASE'""")


async def database_of(database: Database, viewer: Viewer) -> DatabaseRow:
    async with database.begin(viewer) as session:
        project = await projects.create(session, viewer, MAKERS, NewProject("shop"))
        [row] = await DATABASES.of_projects(session, viewer, [project.id])
    return row


async def seen(database: Database, phase: str) -> None:
    """What a pass over the newest generation saw."""
    async with database.begin(API) as session:
        await session.execute(SEEN, {"phase": phase})


async def test_what_a_database_is_made_from_changes_as_one_intent(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    row = await database_of(database, viewer)
    key = ids.encode(NodeType.DATABASE, row.id)
    given = {"version": "16.4.0", "replicas": 2, "cpu": "2", "memory": "2Gi", "storage": "5Gi"}
    await seen(database, "running")

    answer = await ask(viewer, UPDATE, id=key, input=given)
    again = await ask(viewer, UPDATE, id=key, input=given)

    wanted = {**given, "generation": row.generation + 1, "status": "STARTING"}
    assert answer["data"]["updateDatabase"] == {"database": wanted, "errors": []}
    assert again["data"]["updateDatabase"] == {"database": wanted, "errors": []}
    async with database.read(API) as connection:
        found = await connection.execute(
            text("SELECT action, message FROM change WHERE action = 'database.update'")
        )
        assert [row.message for row in found] == [
            "version 16.4.0, replicas 2, cpu 2, memory 2Gi, storage 5Gi"
        ]
        asked = await connection.execute(
            text("SELECT asked, lane FROM resource WHERE kind = 'DATABASE'")
        )
        assert asked.one() == (2, 0)  # once for its creation


async def test_one_that_is_down_stays_down(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    key = ids.encode(NodeType.DATABASE, (await database_of(database, viewer)).id)
    await ask(viewer, STOP, id=key)
    await seen(database, "stopped")

    answer = await ask(viewer, UPDATE, id=key, input={"cpu": "2"})

    assert answer["data"]["updateDatabase"]["database"]["status"] == "STOPPED"


async def test_one_that_is_to_go_is_changed_no_more(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    key = ids.encode(NodeType.DATABASE, (await database_of(database, viewer)).id)
    await ask(viewer, DELETE, id=key)

    answer = await ask(viewer, UPDATE, id=key, input={"cpu": "not even a size"})

    assert answer["codes"] == ["DELETION_REQUESTED"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"version": "17"}, "version"),
        ({"version": "16.3"}, "version"),
        ({"storage": "2Gi"}, "storage"),
    ],
)
async def test_data_is_kept_and_readable(
    ask: Ask, database: Database, given: dict[str, object], field: str
) -> None:
    viewer = await viewer_of(database)
    row = await database_of(database, viewer)
    async with database.begin(API) as session:
        await session.execute(text("UPDATE database SET observed_version = '16.4.0'"))

    answer = await ask(
        viewer, UPDATE, id=ids.encode(NodeType.DATABASE, row.id), input={"cpu": "3", **given}
    )

    errors = answer["data"]["updateDatabase"]["errors"]
    assert [(e["code"], e["field"]) for e in errors] == [("NOT_ALLOWED", [field])]
    async with database.read(viewer) as connection:
        [after] = await DATABASES.by_ids(connection, viewer, [row.id])
    assert (after.cpu, after.generation) == (row.cpu, row.generation)


@pytest.mark.parametrize(
    ("seen_version", "asked", "kept"),
    [("16.4.0", "16", "16.4.0"), ("16.4.0", "16.4", "16.4.0"), (None, "15.7.0", "15.7.0")],
)
async def test_a_version_that_runs_already_or_never_ran(
    ask: Ask, database: Database, seen_version: str | None, asked: str, kept: str
) -> None:
    viewer = await viewer_of(database)
    key = ids.encode(NodeType.DATABASE, (await database_of(database, viewer)).id)
    async with database.begin(API) as session:
        await session.execute(
            text("UPDATE database SET version = '16.4.0', observed_version = :seen"),
            {"seen": seen_version},
        )

    answer = await ask(viewer, UPDATE, id=key, input={"version": asked})

    found = answer["data"]["updateDatabase"]
    assert found["errors"] == []
    assert found["database"]["version"] == kept
    assert found["database"]["generation"] == (1 if seen_version else 2)


RELEASE = "mutation ($id: ID!) { releaseDatabase(id: $id) { database { status } } }"


@pytest.mark.parametrize(
    ("desired", "reason", "codes"),
    [
        ("DELETED", "DeleteBlocked", []),
        ("DELETED", "ClusterUnavailable", ["BAD_REQUEST"]),
        ("STOPPED", "DeleteBlocked", ["BAD_REQUEST"]),
    ],
)
async def test_only_a_blocked_deletion_is_released(
    ask: Ask, database: Database, desired: str, reason: str, codes: list[str]
) -> None:
    viewer = await viewer_of(database)
    row = await database_of(database, viewer)
    async with database.begin(API) as session:
        await session.execute(
            text(
                "UPDATE resource SET desired_state = :desired, reason = :reason,"
                " message = 'Still there: Cluster/x.' WHERE kind = 'DATABASE'"
            ),
            {"desired": desired, "reason": reason},
        )

    answer = await ask(viewer, RELEASE, id=ids.encode(NodeType.DATABASE, row.id))

    assert answer["codes"] == codes
    async with database.read(API) as connection:
        kept = await connection.execute(text("SELECT released FROM database"))
        assert kept.scalar_one() is (not codes)
        line = text("SELECT message FROM change WHERE action = 'database.release'")
        said = (await connection.execute(line)).scalars().all()
        assert said == ([] if codes else ["Still there: Cluster/x."])
