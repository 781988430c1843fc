"""Two users: whatever takes an id answers another's as it answers one that does not exist.

By both walls together, and by the second alone: there the condition of every statement is made to
hold for every row on its way to Postgres, which knows of whom it was told.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from app.db.session import Database
from app.domain import ids
from app.domain.environment import Given
from app.domain.ids import NodeType, new_id
from app.domain.viewer import API, Viewer
from app.services import environment, projects, settings
from app.services.projects import NewProject
from tests.integration.app.graphql.conftest import Ask, Follow
from tests.integration.app.graphql.walk import (
    call,
    contents,
    fields_of,
    takes_id,
    value_for,
    walked,
)
from tests.integration.world import KEYS, MAKERS, token_of, viewer_of

SCHEMA = walked()
ROOTS = {
    "query": SCHEMA.query_type,
    "mutation": SCHEMA.mutation_type,
    "subscription": SCHEMA.subscription_type,
}
CALLS = [
    (operation, name)
    for operation, root in ROOTS.items()
    for name, field in fields_of(root)
    if takes_id(field)
]


async def everything_of(database: Database, viewer: Viewer) -> dict[NodeType, str]:
    """One id of each type that is this viewer's."""
    async with database.begin(viewer) as session:
        project = (await projects.create(session, viewer, MAKERS, NewProject("secret"))).id
        given = Given("TOKEN", "secret", is_secret=False)
        variable = await environment.put(session, viewer, KEYS, project, given)
        setting = await settings.put(session, viewer, KEYS, given, None)
    token, _ = await token_of(database, viewer, "secret token")
    assert viewer.grant.session_id is not None
    keys: dict[NodeType, UUID] = {
        NodeType.USER: viewer.user_id,
        NodeType.PROJECT: project,
        NodeType.SESSION: viewer.grant.session_id,
        NodeType.API_TOKEN: token.id,
        NodeType.VARIABLE: variable.id,
        NodeType.SETTING: setting.id,
    }
    async with database.read(API) as connection:
        for row in await connection.execute(text("SELECT id, kind FROM resource")):
            keys[NodeType[row.kind]] = row.id
        ways = text("SELECT id FROM user_identity WHERE user_id = :user_id")
        found_ways = await connection.execute(ways, {"user_id": viewer.user_id})
        keys[NodeType.IDENTITY] = found_ways.scalar_one()
        line = await connection.execute(text("SELECT id FROM audit LIMIT 1"))
        keys[NodeType.AUDIT_ENTRY] = line.scalar_one()
    found = {kind: ids.encode(kind, key) for kind, key in keys.items()}
    return found | {NodeType.CHANGE: ids.encode(NodeType.CHANGE, viewer.home, 1)}


async def without_audit(database: Database) -> dict[str, list[str]]:
    """All else that there is: what was refused is a line of the audit."""
    return {name: rows for name, rows in (await contents(database)).items() if name != "audit"}


def absent(kind: NodeType) -> str:
    """An id of that type that nobody has."""
    return ids.encode(kind, new_id(), 1 if kind == NodeType.CHANGE else None)


CONDITION = re.compile(r"\w+\.account_id = ANY\(CAST\(\$\d+\S* AS uuid\[\]\)\)")


@pytest.fixture(params=["both walls", "the second wall alone"])
def opened(request: pytest.FixtureRequest) -> Iterator[list[str] | None]:
    """The statements whose condition was taken away; None while both walls stand."""
    if request.param == "both walls":
        yield None
        return
    found: list[str] = []

    def forget(*given: Any) -> tuple[str, Any]:
        statement, parameters = given[2:4]
        changed = CONDITION.sub(r"(\g<0> OR true)", statement)
        if changed != statement:
            found.append(changed)
        return changed, parameters

    event.listen(Engine, "before_cursor_execute", forget, retval=True, named=False)
    yield found
    event.remove(Engine, "before_cursor_execute", forget)


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(("operation", "name"), CALLS)
async def test_anothers_id_is_answered_as_one_that_does_not_exist(
    ask: Ask, follow: Follow, database: Database, operation: str, name: str
) -> None:
    ada, bob = await viewer_of(database, "ada"), await viewer_of(database, "bob")
    hers = await everything_of(database, ada)
    root = ROOTS[operation]
    assert root is not None
    field = root.fields[name]
    document, used = call(operation, name, field)
    before = await without_audit(database)

    async def answers(global_id: str) -> Any:
        given = {argument: value_for(field, argument, global_id) for argument in used}
        if operation == "subscription":
            return await follow(bob, document, **given)
        return await ask(bob, document, **given)

    assert set(hers) == set(NodeType)
    for kind, global_id in hers.items():
        foreign, nothing = await answers(global_id), await answers(absent(kind))
        assert foreign == nothing, kind
        assert foreign["errors"] or foreign["data"] in ({name: None}, {name: [None]})
    assert await without_audit(database) == before


async def test_nothing_that_takes_no_id_shows_anything_of_another(
    ask: Ask, database: Database, opened: list[str] | None
) -> None:
    ada, bob = await viewer_of(database, "ada"), await viewer_of(database, "bob")
    hers = await everything_of(database, ada)
    document = """{ me { id login sessions { id } apiTokens { id name } } changeCursor
      projects { totalCount nodes { id name sandboxes { id } databases { id } }
        edges { cursor node { id } } } }"""

    answer = await ask(bob, document)

    assert not answer["errors"]
    assert answer["data"]["projects"]["totalCount"] == 0
    assert not any(global_id in str(answer) for global_id in hers.values())
    assert "secret" not in str(answer)
    assert opened is None or any("FROM project" in statement for statement in opened)
