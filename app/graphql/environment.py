"""Variables of a project as clients see and give them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from app.db.environment import VariableRow
from app.domain import ids
from app.domain.ids import NodeType
from app.graphql.hiding import hiding
from app.graphql.nodes import Info, Node, Project
from app.graphql.payloads import InputError
from app.secrets.keyring import KeyRing
from app.services import environment


def _value(root: strawberry.Parent[Variable], info: Info) -> str | None:
    return info.context.show(root.shown)


@hiding("shown")
@strawberry.type(description="One variable of the sandboxes of a project.")
class Variable(Node):
    """One variable of the sandboxes of a project."""

    shown: strawberry.Private[str | None]
    key: str = strawberry.field(description="Its name, unique in the project.")
    category: str = strawberry.field(description="The word that it is grouped by.")
    is_secret: bool = strawberry.field(
        description="Its value is shown by revealVariable and exportVariables alone."
    )
    value: str | None = strawberry.field(
        resolver=_value, description="What it holds; null when it is secret."
    )
    created_at: datetime = strawberry.field(description="When it was set first.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")


def variable(row: VariableRow, keys: KeyRing) -> Variable:
    """A variable, masked when it is secret."""
    return Variable(
        id=strawberry.ID(ids.encode(NodeType.VARIABLE, row.id)),
        key=row.key,
        category=row.category,
        is_secret=row.is_secret,
        shown=None if row.is_secret else environment.opened(keys, row),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


@hiding("value")
@strawberry.input(description="One variable.")
class VariableInput:
    """One variable."""

    key: str = strawberry.field(
        description=(
            "1 to 128 characters of A-Z, a-z, 0-9 and _, no digit at the beginning; not"
            " PROJECT_NAME, PORT and TTYD_*, which Mooring sets."
        )
    )
    value: str = strawberry.field(description="At most 32 KiB of UTF-8, without NUL.")
    is_secret: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Left out or null: as it is, or true for a new one.",
    )


@strawberry.input(description="One variable and its category.")
class SetVariableInput(VariableInput):
    """One variable and its category."""

    category: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "1 to 32 characters of a-z, 0-9 and -; left out or null: as it is, or general for a"
            " new one."
        ),
    )


@strawberry.input(description="All variables of a category.")
class ReplaceVariablesInput:
    """All variables of a category."""

    category: str = strawberry.field(description="1 to 32 characters of a-z, 0-9 and -.")
    variables: list[VariableInput] = strawberry.field(
        description=(
            "At most 200, each named once; others of the category are deleted, those of another"
            " category that are named here move to this one."
        )
    )


@hiding("dotenv")
@strawberry.input(description="Variables as a .env file.")
class ImportVariablesInput:
    """Variables as a .env file."""

    dotenv: str = strawberry.field(
        description=(
            "Lines KEY=value, `export ` before them or not, values bare, in single or in double"
            " quotes, quoted ones over many lines too; # begins a comment. Nothing is interpolated."
        )
    )
    category: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "1 to 32 characters of a-z, 0-9 and -; left out or null: as they are, or general for"
            " new ones."
        ),
    )
    is_secret: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Left out or null: as they are, or true for new ones.",
    )


@strawberry.type(description="What setVariable gives.")
class SetVariablePayload:
    """What setVariable gives."""

    variable: Variable | None = strawberry.field(
        description="The variable; null when there are errors."
    )
    project: Project | None = strawberry.field(
        description="Its project, already with its new generation; null when there are errors."
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What replaceVariables gives.")
class ReplaceVariablesPayload:
    """What replaceVariables gives."""

    project: Project | None = strawberry.field(
        description="The project, already with its new generation; null when there are errors."
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What importVariables gives.")
class ImportVariablesPayload:
    """What importVariables gives."""

    project: Project | None = strawberry.field(
        description="The project, already with its new generation; null when there are errors."
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the file, each with its line; empty on success."
    )


@strawberry.type(description="What deleteVariable gives.")
class DeleteVariablePayload:
    """What deleteVariable gives."""

    project: Project = strawberry.field(description="Its project, already with its new generation.")
    deleted_id: strawberry.ID = strawberry.field(
        description="The variable that is gone, for caches to drop."
    )
