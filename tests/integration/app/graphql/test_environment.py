"""Variables of a project: what an edit changes, what it shows, and what it leaves alone."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from app.db.session import Database
from app.domain import ids
from app.domain.environment import Given
from app.domain.errors import InvalidInput
from app.domain.ids import NodeType
from app.domain.states import DesiredState
from app.domain.viewer import API, Viewer
from app.services import environment, projects
from app.services.projects import NewProject
from tests.integration.app.graphql.conftest import Ask
from tests.integration.app.graphql.walk import contents
from tests.integration.world import KEYS, MAKERS, project_of, viewer_of

CANARY = "canary-4711"
SET = """mutation ($to: ID!, $input: SetVariableInput!) {
  setVariable(projectId: $to, input: $input) {
    variable { id key value category isSecret } project { generation } errors { code field } } }"""
REPLACE = """mutation ($to: ID!, $input: ReplaceVariablesInput!) {
  replaceVariables(projectId: $to, input: $input) { errors { code }
    project { generation environment { key value category isSecret } } } }"""
DELETE = """mutation ($id: ID!) { deleteVariable(id: $id) { deletedId
  project { generation environment { key } } } }"""
SEEN = """query ($to: ID!) { project(id: $to) { generation environment { id key value }
  sandboxes { generation } databases { generation }
  history { nodes { action message } } } }"""


async def whole_project(database: Database, viewer: Viewer) -> str:
    """A project with a sandbox and a database."""
    async with database.begin(viewer) as session:
        row = await projects.create(session, viewer, MAKERS, NewProject("shop"))
    return ids.encode(NodeType.PROJECT, row.id)


async def set_to(ask: Ask, viewer: Viewer, project: str, **given: object) -> Any:
    answer = await ask(viewer, SET, to=project, input=given)
    assert not answer["errors"]
    return answer["data"]["setVariable"]


async def test_a_variable_is_one_intent_of_the_sandboxes_alone_and_is_shown_masked(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    project = await whole_project(database, viewer)

    made = await set_to(ask, viewer, project, key="TOKEN", value=CANARY)

    seen = (await ask(viewer, SEEN, to=project))["data"]["project"]
    assert made["variable"] | {"id": ""} == {
        "id": "",
        "key": "TOKEN",
        "value": None,
        "category": "general",
        "isSecret": True,
    }
    assert made["project"]["generation"] == seen["generation"] == 2
    assert seen["sandboxes"] == [{"generation": 2}]
    assert seen["databases"] == [{"generation": 1}]
    assert seen["history"]["nodes"][:2] == [
        {"action": "project.environment", "message": "Set TOKEN."},
        {"action": "sandbox.environment", "message": None},
    ]
    assert CANARY not in str(seen)
    assert CANARY not in str(await contents(database))


async def test_the_same_again_changes_nothing(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    project = await whole_project(database, viewer)
    await set_to(ask, viewer, project, key="LEVEL", value="debug", isSecret=False, category="log")
    before = await contents(database)

    again = [
        await set_to(ask, viewer, project, key="LEVEL", value="debug"),
        await set_to(ask, viewer, project, key="LEVEL", value="debug", category="log"),
    ]
    whole = {"category": "log", "variables": [{"key": "LEVEL", "value": "debug"}]}
    await ask(viewer, REPLACE, to=project, input=whole)

    assert [one["variable"]["value"] for one in again] == ["debug", "debug"]
    assert await contents(database) == before


async def test_another_category_or_mask_of_the_same_value_restarts_nothing(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    project = await whole_project(database, viewer)
    await set_to(ask, viewer, project, key="LEVEL", value="debug", isSecret=False)

    moved = await set_to(ask, viewer, project, key="LEVEL", value="debug", category="log")
    masked = await set_to(ask, viewer, project, key="LEVEL", value="debug", isSecret=True)

    seen = (await ask(viewer, SEEN, to=project))["data"]["project"]
    assert moved["variable"]["category"] == "log"
    assert masked["variable"]["value"] is None
    assert seen["sandboxes"] == [{"generation": 2}]
    assert [line["action"] for line in seen["history"]["nodes"][:3]] == [
        "project.environment",
        "project.environment",
        "project.environment",
    ]


async def test_a_category_is_replaced_at_once_or_not_at_all(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    project = await whole_project(database, viewer)
    for key, category in (("KEPT", "other"), ("GOES", "web"), ("MOVES", "other")):
        await set_to(ask, viewer, project, key=key, value="1", category=category, isSecret=False)
    new = [{"key": "COMES", "value": "2"}, {"key": "MOVES", "value": "1"}]
    bad = [*new, {"key": "1BAD", "value": "2"}]

    refused = await ask(viewer, REPLACE, to=project, input={"category": "web", "variables": bad})
    done = await ask(viewer, REPLACE, to=project, input={"category": "web", "variables": new})

    after = done["data"]["replaceVariables"]["project"]
    assert refused["data"]["replaceVariables"]["errors"] == [{"code": "INVALID"}]
    assert after["generation"] == 5
    assert [(v["key"], v["category"], v["value"]) for v in after["environment"]] == [
        ("COMES", "web", None),
        ("KEPT", "other", "1"),
        ("MOVES", "web", "1"),
    ]
    history = (await ask(viewer, SEEN, to=project))["data"]["project"]["history"]["nodes"]
    assert history[0]["message"] == "Set COMES, MOVES. Deleted GOES."


async def test_a_deleted_variable_is_gone_and_cannot_be_deleted_again(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    project = await whole_project(database, viewer)
    made = await set_to(ask, viewer, project, key="TOKEN", value="1")

    gone = await ask(viewer, DELETE, id=made["variable"]["id"])
    again = await ask(viewer, DELETE, id=made["variable"]["id"])

    assert gone["data"]["deleteVariable"] == {
        "deletedId": made["variable"]["id"],
        "project": {"generation": 3, "environment": []},
    }
    assert again["codes"] == ["NOT_FOUND"]


async def test_a_project_that_is_to_go_takes_no_variable(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    key = await project_of(database, viewer)
    async with database.begin(viewer) as session:
        await projects.want(session, viewer, key, DesiredState.DELETED)

    answer = await ask(
        viewer, SET, to=ids.encode(NodeType.PROJECT, key), input={"key": "A", "value": "1"}
    )

    assert answer["codes"] == ["DELETION_REQUESTED"]


async def test_the_limit_of_all_together_holds_when_edits_meet(database: Database) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)

    async def add(category: str) -> bool:
        given = [Given(f"{category}{n}", "x" * 32_000) for n in range(6)]
        try:
            async with database.begin(viewer) as session:
                await environment.replace(
                    session, viewer, KEYS, project, category=category.lower(), given=given
                )
        except InvalidInput:
            return False
        return True

    done = await asyncio.gather(*(add(name) for name in ("A", "B", "C", "D")))

    async with database.read(API) as connection:
        query = text("SELECT count(*) FROM environment")
        count = (await connection.execute(query)).scalar_one()
    assert sorted(done) == [False, False, True, True]
    assert count == 12


async def test_no_more_variables_than_a_project_may_have_one_by_one(database: Database) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    most = [Given(f"K{n}", "") for n in range(200)]
    async with database.begin(viewer) as session:
        await environment.replace(session, viewer, KEYS, project, category="a", given=most)

    async def put(key: str) -> None:
        async with database.begin(viewer) as session:
            await environment.put(session, viewer, KEYS, project, Given(key, "1"))

    await put("K0")
    with pytest.raises(InvalidInput):
        await put("ONE_MORE")


async def test_an_answer_has_no_more_than_4_mib_of_values(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    most = [Given(f"K{n:02}", "x" * 32_765, is_secret=False) for n in range(16)]
    for _ in range(9):
        project = await project_of(database, viewer)
        async with database.begin(viewer) as session:
            await environment.replace(session, viewer, KEYS, project, category="a", given=most)
    one = f'project(id: "{ids.encode(NodeType.PROJECT, project)}") {{ environment {{ value }} }}'

    alone = await ask(viewer, f"{{ {one} }}")
    all_at_once = await ask(viewer, "{ projects { nodes { environment { value } } } }")
    again_and_again = await ask(viewer, f"{{ {' '.join(f'p{n}: {one}' for n in range(9))} }}")

    assert alone["codes"] == []
    assert sum(len(v["value"]) for v in alone["data"]["project"]["environment"]) == 16 * 32_765
    assert set(all_at_once["codes"]) == {"TOO_COMPLEX"}
    assert set(again_and_again["codes"]) == {"TOO_COMPLEX"}


async def test_a_value_copied_to_another_variable_does_not_open(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    project = await whole_project(database, viewer)
    for key in ("A", "B"):
        await set_to(ask, viewer, project, key=key, value=key, isSecret=False)
    async with database.begin(API) as session:
        await session.execute(
            text(
                "UPDATE environment SET value = (SELECT value FROM environment WHERE key = 'A')"
                " WHERE key = 'B'"
            )
        )

    answer = await ask(viewer, SEEN, to=project)

    assert answer["codes"] == ["INTERNAL"]
