"""What a token may: every field of the roots with every scope, and only its own projects."""

from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from app.db.session import Database
from app.domain import ids
from app.domain.ids import NodeType, new_id
from app.domain.scopes import NEEDS
from app.domain.viewer import TokenScope
from tests.integration.app.graphql.conftest import Ask, Follow
from tests.integration.app.graphql.walk import call, fields_of, takes_id, value_for, walked
from tests.integration.world import project_of, token_of, viewer_of

pytestmark = pytest.mark.security

SCHEMA = walked()
ROOTS = {
    "query": SCHEMA.query_type,
    "mutation": SCHEMA.mutation_type,
    "subscription": SCHEMA.subscription_type,
}
OF_ROOTS = [
    (operation, f"{root.name}.{name}")
    for operation, root in ROOTS.items()
    if root is not None
    for name, _ in fields_of(root)
]
TAKE_IDS = [
    (operation, f"{root.name}.{name}")
    for operation, root in ROOTS.items()
    if root is not None
    for name, field in fields_of(root)
    if takes_id(field)
]


def request(operation: str, field: str, global_id: str) -> tuple[str, dict[str, Any]]:
    """A document that asks for a field of a root with this id, and its variables."""
    name, root = field.partition(".")[2], ROOTS[operation]
    assert root is not None
    document, used = call(operation, name, root.fields[name])
    return document, {it: value_for(root.fields[name], it, global_id) for it in used}


def of_users() -> dict[str, str]:
    """What hangs on a user, and how to ask for it."""
    user = SCHEMA.type_map["User"]
    assert isinstance(user, GraphQLObjectType)
    found = {}
    for name, field in user.fields.items():
        kind = get_named_type(field.type)
        if not is_leaf_type(kind):
            found[name] = f"{{ me {{ {name} {{ __typename }} }} }}"
    return found


def test_the_table_has_every_field_of_the_roots_and_of_users_and_no_other() -> None:
    roots = {field for _, field in OF_ROOTS}

    # A new field: say in app.domain.scopes what it needs.
    assert roots | {f"User.{name}" for name in of_users()} == set(NEEDS)


@pytest.mark.parametrize(("operation", "field"), OF_ROOTS)
async def test_a_field_of_a_root_needs_the_scope_that_is_published(
    ask: Ask, follow: Follow, database: Database, operation: str, field: str
) -> None:
    need, viewer = NEEDS[field], await viewer_of(database)
    document, given = request(operation, field, ids.encode(NodeType.PROJECT, new_id()))
    answer_of = follow if operation == "subscription" else ask

    for scope in TokenScope:
        _, token = await token_of(database, viewer, scope.value, scopes=[scope])
        answer = await answer_of(token, document, **given)

        if need.session and scope == need.scope:
            assert answer["codes"] == ["FORBIDDEN"]
            assert "rule" in answer["errors"][0]["extensions"]
        elif need.scope in (None, scope):
            assert "FORBIDDEN" not in answer["codes"], scope
        else:
            assert answer["codes"] == ["FORBIDDEN"], scope
            assert answer["errors"][0]["extensions"]["scope"] == need.scope


async def test_what_hangs_on_a_user_needs_the_scope_that_is_published(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    for scope in TokenScope:
        _, token = await token_of(database, viewer, scope.value, scopes=[scope])
        for name, document in of_users().items():
            answer = await ask(token, document)

            allowed = NEEDS[f"User.{name}"].scope == scope
            assert answer["codes"] == ([] if allowed else ["FORBIDDEN"]), (name, scope)


async def test_an_id_of_what_is_ones_own_needs_the_account_alone(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    row, token = await token_of(database, viewer, scopes=[TokenScope.ACCOUNT])
    _, other = await token_of(database, viewer, "other", scopes=[TokenScope.PROJECTS_READ])
    document = "query ($id: ID!) { node(id: $id) { ... on ApiToken { name } } }"
    key = ids.encode(NodeType.API_TOKEN, row.id)

    assert (await ask(token, document, id=key))["data"] == {"node": {"name": "ci"}}
    assert (await ask(other, document, id=key))["codes"] == ["FORBIDDEN"]


async def test_a_token_that_only_writes_is_not_shown_what_hangs_on_a_project(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    project = ids.encode(NodeType.PROJECT, await project_of(database, viewer))
    _, token = await token_of(database, viewer, scopes=[TokenScope.PROJECTS_WRITE])
    document = "mutation ($id: ID!) { stopProject(id: $id) { project { status %s } } }"

    own = await ask(token, document % "", id=project)
    more = await ask(token, document % "sandboxes { name }", id=project)

    assert own["data"] == {"stopProject": {"project": {"status": "STOPPING"}}}
    assert more["errors"][0]["extensions"] == {"code": "FORBIDDEN", "scope": "projects:read"}


async def test_a_token_that_is_limited_to_projects_creates_none(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    _, token = await token_of(database, viewer, scopes=[TokenScope.PROJECTS_WRITE], only=[project])

    answer = await ask(token, 'mutation { createProject(input: {name: "x"}) { __typename } }')

    assert answer["codes"] == ["FORBIDDEN"]
    assert "rule" in answer["errors"][0]["extensions"]


async def test_to_a_limited_token_other_projects_are_as_those_that_there_are_not(
    ask: Ask, follow: Follow, database: Database
) -> None:
    viewer = await viewer_of(database)
    own, other = await project_of(database, viewer, "own"), await project_of(database, viewer)
    scopes = [TokenScope.PROJECTS_READ, TokenScope.PROJECTS_WRITE, TokenScope.SECRETS_READ]
    _, token = await token_of(database, viewer, scopes=scopes, only=[own])
    hidden = await of_project(ask, viewer, other)

    for operation, field in TAKE_IDS:
        answer_of = follow if operation == "subscription" else ask
        for node, key in hidden.items():
            absent = ids.encode(node, new_id(), 1 if node == NodeType.CHANGE else None)
            document, given = request(operation, field, key)
            foreign = await answer_of(token, document, **given)
            document, given = request(operation, field, absent)
            assert foreign == await answer_of(token, document, **given), (field, node)

    listed = await ask(
        token, "{ projects { totalCount nodes { name history { nodes { action } } } } }"
    )
    [shown] = listed["data"]["projects"]["nodes"]
    assert listed["data"]["projects"]["totalCount"] == 1
    assert shown["name"] == "own"
    assert {line["action"] for line in shown["history"]["nodes"]} == {
        "project.create",
        "sandbox.create",
    }


async def of_project(ask: Ask, viewer: Any, key: Any) -> dict[NodeType, str]:
    """Ids of all that is in a project, by kind."""
    whole = """query ($id: ID!) { project(id: $id) { id sandboxes { id } databases { id }
      history { nodes { id } } } }"""
    global_id = ids.encode(NodeType.PROJECT, key)
    made = (
        'mutation ($id: ID!) { createDatabase(projectId: $id, input: {name: "d"}) { __typename } }'
    )
    await ask(viewer, made, id=global_id)
    project = (await ask(viewer, whole, id=global_id))["data"]["project"]
    return {
        NodeType.PROJECT: global_id,
        NodeType.SANDBOX: project["sandboxes"][0]["id"],
        NodeType.DATABASE: project["databases"][0]["id"],
        NodeType.CHANGE: project["history"]["nodes"][0]["id"],
    }
