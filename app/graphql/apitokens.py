"""API tokens in the schema: the type, what makes one, and what comes of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from app.db.apitokens import ApiTokenRow
from app.domain import ids
from app.domain.ids import NodeType
from app.domain.viewer import TokenScope
from app.graphql.hiding import hiding
from app.graphql.nodes import Info, Node
from app.graphql.payloads import InputError

if TYPE_CHECKING:
    from app.graphql.nodes import Project


async def _projects(
    root: strawberry.Parent[ApiToken], info: Info
) -> list[Annotated[Project, strawberry.lazy("app.graphql.nodes")]] | None:
    keys = root.project_keys
    return None if keys is None else await info.context.loaders.projects_by(keys)


@strawberry.type(description="A credential of a program; acts for its owner, within its scopes.")
class ApiToken(Node):
    """A credential of a program."""

    project_keys: strawberry.Private[Any]
    name: str = strawberry.field(
        description="1 to 100 characters, unique among the owner's; the history shows it."
    )
    hint: str = strawberry.field(description="How it begins, to know it again by.")
    scopes: list[TokenScope] = strawberry.field(description="What it may do.")
    projects: list[Annotated[Project, strawberry.lazy("app.graphql.nodes")]] | None = (
        strawberry.field(
            resolver=_projects,
            description=(
                "The projects that it is limited to, without those that are gone; null: all that "
                "its owner may see. At most 20."
            ),
        )
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(
        description="When it ends, and subscriptions with it; null: when it is deleted."
    )
    last_used_at: datetime | None = strawberry.field(
        description="When it was last used, to the minute; null: never."
    )


@strawberry.input(description="An API token to be made.")
class CreateApiTokenInput:
    """An API token to be made."""

    name: str = strawberry.field(
        description="1 to 100 characters; no other of your tokens may have it."
    )
    scopes: list[TokenScope] = strawberry.field(description="What it may do; at least one.")
    project_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "The only projects that it may see, 1 to 20; left out: all that you may see, "
            "later ones too. A token with a limit can neither have ACCOUNT nor create projects."
        ),
    )
    expires_at: datetime | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "When it ends, with its offset from UTC; left out: when it is deleted, unless the "
            "operator asks for an end."
        ),
    )


@hiding("secret")
@strawberry.type(description="What createApiToken gives.")
class CreateApiTokenPayload:
    """What createApiToken gives."""

    api_token: ApiToken | None = strawberry.field(
        description="The token's entry in your list; null when there are errors."
    )
    secret: str | None = strawberry.field(
        description=(
            "The token itself, shown this once: send it as `Authorization: Bearer …`, or in "
            "connection_init. Null when there are errors."
        )
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What deleteApiToken gives.")
class DeleteApiTokenPayload:
    """What deleteApiToken gives."""

    api_token: ApiToken = strawberry.field(description="The token, as it was.")


def api_token(row: ApiTokenRow) -> ApiToken:
    """The object of a row."""
    return ApiToken(
        project_keys=row.project_ids,
        id=strawberry.ID(ids.encode(NodeType.API_TOKEN, row.id)),
        name=row.name,
        hint=row.hint,
        scopes=[TokenScope(scope) for scope in row.scopes],
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
