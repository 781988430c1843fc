"""A wish that names the generation it was made of is carried out at that one, or not at all."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db import environment
from app.db.databases import DATABASES
from app.db.environment import NewVariable
from app.db.sandboxes import SANDBOXES
from app.db.session import Database
from app.domain import ids
from app.domain.ids import NodeType, new_id
from app.domain.viewer import API, Viewer
from app.services import projects
from app.services.projects import NewProject
from tests.integration.app.graphql.conftest import Ask
from tests.integration.app.graphql.walk import EXAMPLES, contents, fields_of, walked
from tests.integration.world import KEYS, MAKERS, viewer_of

# What acts on one thing by its id, and what each has it for.
OF = {
    f"{verb}{kind}": NodeType[kind.upper()]
    for kind in ("Project", "Sandbox", "Database")
    for verb in ("start", "stop", "update", "delete", "retry")
} | {
    "exposePort": NodeType.SANDBOX,
    "unexposePort": NodeType.SANDBOX,
    "releaseDatabase": NodeType.DATABASE,
    "setVariable": NodeType.PROJECT,
    "replaceVariables": NodeType.PROJECT,
    "importVariables": NodeType.PROJECT,
    # At the generation of its project.
    "deleteVariable": NodeType.VARIABLE,
}


def test_what_acts_on_one_thing_takes_its_generation() -> None:
    taking = {name for name, one in fields_of(walked().mutation_type) if "ifGeneration" in one.args}

    assert taking == set(OF)


async def made(database: Database) -> tuple[Viewer, dict[NodeType, UUID]]:
    """A user, and a project of hers with a sandbox, a database and a variable."""
    viewer = await viewer_of(database)
    async with database.begin(viewer) as session:
        row = await projects.create(session, viewer, MAKERS, NewProject("shop"))
        [sandbox] = await SANDBOXES.of_projects(session, viewer, [row.id])
        [kept] = await DATABASES.of_projects(session, viewer, [row.id])
        mode = new_id()
        sealed = KEYS.seal("fast", environment.TABLE, mode, environment.COLUMN)
        put = [NewVariable(mode, "MODE", sealed, "general", is_secret=False)]
        await environment.put(session, account_id=row.account_id, project_id=row.id, rows=put)
    return viewer, {
        NodeType.PROJECT: row.id,
        NodeType.SANDBOX: sandbox.id,
        NodeType.DATABASE: kept.id,
        NodeType.VARIABLE: mode,
    }


async def blocked(database: Database, key: UUID) -> None:
    """Its deletion is wanted, and does not get on."""
    stuck = text(
        "UPDATE resource SET desired_state = 'DELETED', reason = 'DeleteBlocked' WHERE id = :id"
    )
    async with database.begin(API) as session:
        await session.execute(stuck, {"id": key})


async def calls(ask: Ask, viewer: Viewer, name: str, key: UUID, generation: int | None) -> Any:
    """The answer of a mutation on this, at this generation."""
    field = walked().mutation_type.fields[name]  # type: ignore[union-attr]
    by = next(one for one in ("id", "sandboxId", "projectId") if one in field.args)
    declared, passed, variables = "", "", {}
    if "input" in field.args:
        wanted = str(field.args["input"].type)
        declared, passed = f", $input: {wanted}", ", input: $input"
        variables = {"input": EXAMPLES[wanted.removesuffix("!")]}
    document = (
        f"mutation ($id: ID!, $at: Int{declared}) {{"
        f" {name}({by}: $id, ifGeneration: $at{passed}) {{ __typename }} }}"
    )
    global_id = ids.encode(OF[name], key)
    return await ask(viewer, document, id=global_id, at=generation, **variables)


@pytest.mark.parametrize("name", OF)
async def test_a_wish_of_another_generation_is_refused_with_that_of_now_and_changes_nothing(
    database: Database, ask: Ask, name: str
) -> None:
    viewer, keys = await made(database)
    key = keys[OF[name]]
    if name == "releaseDatabase":
        await blocked(database, key)
    before = await contents(database)

    late = [await calls(ask, viewer, name, key, other) for other in (0, 2, -1)]
    after = await contents(database)
    good = await calls(ask, viewer, name, key, 1)

    for answer in late:
        [error] = answer["errors"]
        assert answer["data"] == {name: None}
        told = error["extensions"]
        assert told["code"] == "GENERATION_MISMATCH"
        assert (told["field"], told["generation"]) == (["ifGeneration"], 1)
    assert after == before
    assert good["errors"] == []


@pytest.mark.parametrize("name", [name for name in OF if name != "releaseDatabase"])
async def test_a_wish_that_names_no_generation_is_carried_out_at_any(
    database: Database, ask: Ask, name: str
) -> None:
    viewer, keys = await made(database)

    answer = await calls(ask, viewer, name, keys[OF[name]], None)

    assert answer["errors"] == []


SET = """mutation ($id: ID!, $at: Int, $value: String!, $category: String) {
  setVariable(
    projectId: $id, ifGeneration: $at, input: {key: "MODE", value: $value, category: $category}
  ) { project { generation } } }"""


async def test_a_value_that_comes_after_a_newer_one_is_refused(
    database: Database, ask: Ask
) -> None:
    viewer, keys = await made(database)
    project = ids.encode(NodeType.PROJECT, keys[NodeType.PROJECT])

    first = await ask(viewer, SET, id=project, at=1, value="slow", category="general")
    moved = await ask(viewer, SET, id=project, at=2, value="slow", category="tuning")
    late = await ask(viewer, SET, id=project, at=2, value="slow", category="general")

    told = [one["data"]["setVariable"]["project"]["generation"] for one in (first, moved)]
    assert told == [2, 3]
    assert late["errors"][0]["extensions"]["generation"] == 3


NOW = "desiredState generation name"
STOP = f"""mutation ($id: ID!, $at: Int) {{
  stopProject(id: $id, ifGeneration: $at) {{ project {{ {NOW} }} }} }}"""
START = STOP.replace("stop", "start")
RENAME = f"""mutation ($id: ID!, $at: Int, $name: String) {{
  updateProject(id: $id, input: {{name: $name}}, ifGeneration: $at) {{ project {{ {NOW} }} }} }}"""


async def test_a_stop_that_comes_after_the_start_which_followed_it_is_refused(
    database: Database, ask: Ask
) -> None:
    viewer, keys = await made(database)
    project = ids.encode(NodeType.PROJECT, keys[NodeType.PROJECT])

    await ask(viewer, STOP, id=project, at=1)
    started = await ask(viewer, START, id=project, at=2)
    late = await ask(viewer, STOP, id=project, at=1)
    again = await ask(viewer, START, id=project, at=3)

    assert late["errors"][0]["extensions"]["generation"] == 3
    now = {"desiredState": "RUNNING", "generation": 3, "name": "shop"}
    assert [one["data"]["startProject"]["project"] for one in (started, again)] == [now, now]


async def test_a_new_name_that_comes_after_a_newer_one_is_refused(
    database: Database, ask: Ask
) -> None:
    viewer, keys = await made(database)
    project = ids.encode(NodeType.PROJECT, keys[NodeType.PROJECT])

    first = await ask(viewer, RENAME, id=project, at=1, name="one")
    await ask(viewer, RENAME, id=project, at=2, name="two")
    late = await ask(viewer, RENAME, id=project, at=1, name="one")
    same = await ask(viewer, RENAME, id=project, at=3, name="two")

    assert first["data"]["updateProject"]["project"]["generation"] == 2
    assert late["errors"][0]["extensions"]["code"] == "GENERATION_MISMATCH"
    assert same["data"]["updateProject"]["project"] == {
        "desiredState": "RUNNING",
        "generation": 3,
        "name": "two",
    }
