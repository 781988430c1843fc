"""What tests that walk the schema share: an example of each input, a call of each field."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)
from sqlalchemy import text

from app.db.models import Base
from app.db.session import Database
from app.domain.viewer import API
from app.graphql.schema import schema
from tests.kubeconfigs import good
from tests.sealos import signed

# A good value for every input type that a required argument takes.
EXAMPLES: Mapping[str, Mapping[str, object]] = {
    "SignUpInput": {"login": "carol", "password": "correct horse battery"},
    "SignInInput": {"login": "carol", "password": "correct horse battery"},
    "RefreshSessionInput": {"refreshToken": "x.y.z"},
    "SetPasswordInput": {"password": "correct horse battery"},
    "ChangePasswordInput": {
        "currentPassword": "correct horse battery",
        "newPassword": "staple horse battery",
    },
    "SealosInput": {
        "token": signed(workspaceId="team-a", exp=2**33),
        "kubeconfig": json.dumps(good()),
    },
    "CreateApiTokenInput": {"name": "deploy", "scopes": ["PROJECTS_READ"]},
    "CreateProjectInput": {"name": "shop"},
    "UpdateProjectInput": {"name": "other"},
    "SandboxInput": {"name": "second"},
    "UpdateSandboxInput": {"cpu": "1"},
    "PortInput": {"port": 8080},
    "DatabaseInput": {"name": "second"},
    "UpdateDatabaseInput": {"replicas": 2},
    "SetVariableInput": {"key": "LOG_LEVEL", "value": "debug"},
    "ReplaceVariablesInput": {"category": "general", "variables": []},
    "ImportVariablesInput": {"dotenv": "LOG_LEVEL=debug"},
    "SetSettingInput": {"key": "editor", "value": "vim"},
    "SetAnthropicSettingsInput": {"model": "claude-opus-4-1"},
    "VariableInput": {"key": "LOG_LEVEL", "value": "debug"},
    "KubeconfigInput": {"kubeconfig": json.dumps(good())},
}


def walked() -> GraphQLSchema:
    """The schema as clients see it."""
    return build_schema(schema.as_str())


def fields_of(root: GraphQLObjectType | None) -> Iterator[tuple[str, GraphQLField]]:
    """The fields of a root type."""
    assert root is not None
    yield from root.fields.items()


def takes_id(field: GraphQLField) -> list[str]:
    """The arguments that take an id or several."""
    return [name for name, a in field.args.items() if get_named_type(a.type).name == "ID"]


def call(operation: str, name: str, field: GraphQLField) -> tuple[str, list[str]]:
    """A document that calls the field with its required arguments as variables, and their names."""
    used = [
        argument
        for argument, one in field.args.items()
        if is_required_argument(one) or get_named_type(one.type).name == "ID"
    ]
    declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in used)
    passed = ", ".join(f"{argument}: ${argument}" for argument in used)
    heads = f"({declared})" if used else "", f"({passed})" if used else ""
    return f"{operation} {heads[0]} {{ {name}{heads[1]}{_selection(field)} }}", used


def value_for(field: GraphQLField, argument: str, global_id: str) -> Any:
    """A good value for an argument, with this id where it takes one."""
    wanted = field.args[argument].type
    named = get_named_type(wanted).name
    if named == "ID":
        inner = wanted.of_type if is_non_null_type(wanted) else wanted
        return [global_id] if is_list_type(inner) else global_id
    return EXAMPLES[named]


async def contents(database: Database) -> dict[str, list[str]]:
    """All rows of all tables but the counts of requests, which every request moves: what a refused
    request must not change."""
    found = {}
    async with database.read(API) as connection:
        for table in Base.metadata.sorted_tables:
            if table.name == "throttle":
                continue
            rows = await connection.execute(
                text(f'SELECT t::text FROM "{table.name}" t ORDER BY 1')
            )
            found[table.name] = [row[0] for row in rows]
    return found


def _selection(field: GraphQLField) -> str:
    return "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
