"""Mutations of variables; each is one intent, whatever the number of variables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar
from uuid import UUID

import strawberry

from app.db.projects import ProjectRow
from app.db.session import Session
from app.domain.environment import Given
from app.domain.errors import InvalidInput
from app.domain.ids import NodeType
from app.domain.viewer import TokenScope, Viewer
from app.graphql import build
from app.graphql.environment import (
    DeleteVariablePayload,
    ImportVariablesInput,
    ImportVariablesPayload,
    ReplaceVariablesInput,
    ReplaceVariablesPayload,
    SetVariableInput,
    SetVariablePayload,
    VariableInput,
    variable,
)
from app.graphql.mutations.edge import IfGeneration, as_data, given, key_of
from app.graphql.nodes import Info, Project
from app.secrets.keyring import KeyRing
from app.services import environment, projects

T = TypeVar("T")


@strawberry.type
class EnvironmentMutations:
    """Everything that can be done to variables."""

    @strawberry.mutation(
        description=(
            "Set one variable of a project. Its sandboxes restart once to have it; those that are"
            " down have it when they start. The same value again changes nothing."
        )
    )
    async def set_variable(
        self,
        info: Info,
        project_id: strawberry.ID,
        input: SetVariableInput,
        if_generation: IfGeneration = strawberry.UNSET,
    ) -> SetVariablePayload | None:
        """Set one variable."""
        asked = _asked(input, given(input.category))
        try:
            verb = partial(environment.put, given=asked, if_generation=given(if_generation))
            row, project = await _edit(info, project_id, verb)
        except InvalidInput as wrong:
            return SetVariablePayload(variable=None, project=None, errors=as_data(info, wrong))
        made = variable(row, info.context.state.makers.keys)
        return SetVariablePayload(variable=made, project=project, errors=[])

    @strawberry.mutation(
        description=(
            "Make these the variables of one category of a project, all at once or not at all."
        )
    )
    async def replace_variables(
        self,
        info: Info,
        project_id: strawberry.ID,
        input: ReplaceVariablesInput,
        if_generation: IfGeneration = strawberry.UNSET,
    ) -> ReplaceVariablesPayload | None:
        """Replace a category."""
        asked = [_asked(one) for one in input.variables]
        verb = partial(
            environment.replace,
            category=input.category,
            given=asked,
            if_generation=given(if_generation),
        )
        try:
            _, project = await _edit(info, project_id, verb)
        except InvalidInput as wrong:
            return ReplaceVariablesPayload(project=None, errors=as_data(info, wrong))
        return ReplaceVariablesPayload(project=project, errors=[])

    @strawberry.mutation(
        description=(
            "Set the variables that a .env file names, all at once or not at all; others stay."
        )
    )
    async def import_variables(
        self,
        info: Info,
        project_id: strawberry.ID,
        input: ImportVariablesInput,
        if_generation: IfGeneration = strawberry.UNSET,
    ) -> ImportVariablesPayload | None:
        """Import a .env file."""
        verb = partial(
            environment.merge,
            text=input.dotenv,
            category=given(input.category),
            is_secret=given(input.is_secret),
            if_generation=given(if_generation),
        )
        try:
            _, project = await _edit(info, project_id, verb)
        except InvalidInput as wrong:
            return ImportVariablesPayload(project=None, errors=as_data(info, wrong))
        return ImportVariablesPayload(project=project, errors=[])

    @strawberry.mutation(
        description="Remove one variable of a project, whose generation `ifGeneration` is."
    )
    async def delete_variable(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> DeleteVariablePayload | None:
        """Remove one variable."""
        viewer, key = info.context.viewer(TokenScope.PROJECTS_WRITE), key_of(id, NodeType.VARIABLE)
        keys = info.context.state.makers.keys

        async def work(session: Session) -> ProjectRow:
            at = given(if_generation)
            owner = await environment.delete(session, viewer, keys, key, if_generation=at)
            return await projects.read(session, viewer, owner)

        project = await info.context.state.database.transact(viewer, work)
        return DeleteVariablePayload(project=build.project(project), deleted_id=id)


async def _edit(
    info: Info, global_id: str, verb: Callable[[Session, Viewer, KeyRing, UUID], Awaitable[T]]
) -> tuple[T, Project]:
    """What a verb on a project's variables gives, and the project after it."""
    viewer = info.context.viewer(TokenScope.PROJECTS_WRITE)
    keys, owner = info.context.state.makers.keys, key_of(global_id, NodeType.PROJECT, "projectId")

    async def work(session: Session) -> tuple[T, Project]:
        made = await verb(session, viewer, keys, owner)
        return made, build.project(await projects.read(session, viewer, owner))

    return await info.context.state.database.transact(viewer, work)


def _asked(input: VariableInput, category: str | None = None) -> Given:
    return Given(input.key, input.value, category, given(input.is_secret))
