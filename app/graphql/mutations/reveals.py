"""Mutations that show secrets: mutations, because each leaves a line in the audit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar
from uuid import UUID

import strawberry

from app.db.session import Session
from app.domain.ids import NodeType
from app.domain.viewer import TokenScope, Viewer
from app.graphql.environment import variable
from app.graphql.mutations.edge import given, key_of
from app.graphql.nodes import Info
from app.graphql.reveals import (
    DatabaseCredentials,
    ExportVariablesPayload,
    RevealDatabaseCredentialsPayload,
    RevealTerminalCredentialsPayload,
    RevealVariablePayload,
    TerminalCredentials,
)
from app.secrets.keyring import KeyRing
from app.services import reveals

T = TypeVar("T")


@strawberry.type
class RevealMutations:
    """Everything that shows a secret."""

    @strawberry.mutation(
        description="Show the value of one variable; recorded in the audit before it is given."
    )
    async def reveal_variable(self, info: Info, id: strawberry.ID) -> RevealVariablePayload | None:
        """Show a variable."""
        row, value = await _reveal(info, reveals.variable, (id, NodeType.VARIABLE, "id"))
        keys = info.context.state.makers.keys
        return RevealVariablePayload(variable=variable(row, keys), value=value)

    @strawberry.mutation(
        description=(
            "The variables of a project as a .env file, secret ones too; recorded in the audit"
            " before it is given."
        )
    )
    async def export_variables(
        self,
        info: Info,
        project_id: strawberry.ID,
        category: str | None = strawberry.UNSET,
    ) -> ExportVariablesPayload | None:
        """Export variables."""
        verb = partial(reveals.variables, category=given(category))
        text = await _reveal(info, verb, (project_id, NodeType.PROJECT, "projectId"))
        return ExportVariablesPayload(dotenv=text)

    @strawberry.mutation(
        description=("Show how to connect to a database; recorded in the audit before it is given.")
    )
    async def reveal_database_credentials(
        self, info: Info, database_id: strawberry.ID
    ) -> RevealDatabaseCredentialsPayload | None:
        """Show a database's credentials."""
        whose = (database_id, NodeType.DATABASE, "databaseId")
        access = await _reveal(info, reveals.database, whose)
        if access is None:
            return RevealDatabaseCredentialsPayload(credentials=None)
        return RevealDatabaseCredentialsPayload(
            credentials=DatabaseCredentials(
                host=access.host,
                port=access.port,
                database=access.database,
                username=access.username,
                password=access.password,
                url=access.url,
            )
        )

    @strawberry.mutation(
        description=(
            "Show what the terminal of a sandbox asks for; recorded in the audit before it is"
            " given."
        )
    )
    async def reveal_terminal_credentials(
        self, info: Info, sandbox_id: strawberry.ID
    ) -> RevealTerminalCredentialsPayload | None:
        """Show a terminal's credentials."""
        whose = (sandbox_id, NodeType.SANDBOX, "sandboxId")
        access = await _reveal(info, reveals.terminal, whose)
        return RevealTerminalCredentialsPayload(
            credentials=TerminalCredentials(
                username=access.username, password=access.password, url=access.url
            )
        )


async def _reveal(
    info: Info,
    verb: Callable[[Session, Viewer, KeyRing, UUID], Awaitable[T]],
    whose: tuple[str, NodeType, str],
) -> T:
    """What a verb shows of the thing with a global id, once its line is committed."""
    viewer, state = info.context.viewer(TokenScope.SECRETS_READ), info.context.state
    key = key_of(*whose)
    return await state.database.transact(
        viewer, lambda session: verb(session, viewer, state.makers.keys, key)
    )
