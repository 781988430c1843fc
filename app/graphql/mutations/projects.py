"""Mutations of projects."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import strawberry

from app.db.projects import ProjectRow
from app.domain.errors import InvalidInput
from app.domain.ids import NodeType
from app.domain.states import DesiredState
from app.domain.viewer import TokenScope
from app.graphql import build
from app.graphql.inputs import CreateProjectInput, UpdateProjectInput
from app.graphql.mutations.databases import new_database
from app.graphql.mutations.edge import (
    IfGeneration,
    Verb,
    as_data,
    at,
    given,
    idempotency,
    key_of,
    once,
)
from app.graphql.mutations.sandboxes import new_sandbox
from app.graphql.nodes import Info, Project
from app.graphql.payloads import (
    CreateProjectPayload,
    DeleteProjectPayload,
    RetryProjectPayload,
    StartProjectPayload,
    StopProjectPayload,
    UpdateProjectPayload,
)
from app.services import projects
from app.services.projects import NewProject

G = TypeVar("G")
N = TypeVar("N")

_start_project = partial(projects.want, desired=DesiredState.RUNNING)
_stop_project = partial(projects.want, desired=DesiredState.STOPPED)
_delete_project = partial(projects.want, desired=DesiredState.DELETED)


@strawberry.type
class ProjectMutations:
    """Everything that can be done to projects."""

    @strawberry.mutation(
        description="Make a project with its sandboxes and databases, and start them."
    )
    async def create_project(
        self,
        info: Info,
        input: CreateProjectInput,
        idempotency_key: str | None = strawberry.UNSET,
    ) -> CreateProjectPayload | None:
        """Make a project; with a key once in 24 hours."""
        viewer, state = info.context.viewer(TokenScope.PROJECTS_WRITE), info.context.state
        new = NewProject(
            name=input.name,
            description=input.description or None,
            github_repo=given(input.github_repo),
            sandboxes=_each(new_sandbox, input.sandboxes),
            databases=_each(new_database, input.databases),
        )
        key = idempotency(viewer.user_id, "createProject", idempotency_key, repr(new))
        try:
            row = await state.database.transact(
                viewer,
                lambda session: once(
                    session,
                    key,
                    ProjectRow,
                    lambda: projects.create(session, viewer, state.makers, new),
                ),
            )
        except InvalidInput as wrong:
            return CreateProjectPayload(project=None, errors=as_data(info, wrong))
        return CreateProjectPayload(project=build.project(row), errors=[])

    @strawberry.mutation(
        description="Change what is known about a project; touches nothing that runs."
    )
    async def update_project(
        self,
        info: Info,
        id: strawberry.ID,
        input: UpdateProjectInput,
        if_generation: IfGeneration = strawberry.UNSET,
    ) -> UpdateProjectPayload | None:
        """Change what is known about a project."""
        changed = {
            name: value
            for name, value in (
                ("name", input.name),
                ("description", input.description),
                ("github_repo", input.github_repo),
            )
            if value is not strawberry.UNSET
        }
        viewer, key = info.context.viewer(TokenScope.PROJECTS_WRITE), key_of(id, NodeType.PROJECT)
        try:
            row = await info.context.state.database.transact(
                viewer,
                lambda session: projects.update(
                    session, viewer, key, changed, if_generation=given(if_generation)
                ),
            )
        except InvalidInput as wrong:
            return UpdateProjectPayload(project=None, errors=as_data(info, wrong))
        return UpdateProjectPayload(project=build.project(row), errors=[])

    @strawberry.mutation(description="Want every resource of the project RUNNING.")
    async def start_project(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> StartProjectPayload | None:
        """Want every resource of the project RUNNING."""
        return StartProjectPayload(
            project=await _on_project(info, id, at(_start_project, if_generation))
        )

    @strawberry.mutation(description="Want every resource of the project STOPPED; data is kept.")
    async def stop_project(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> StopProjectPayload | None:
        """Want every resource of the project STOPPED; data is kept."""
        return StopProjectPayload(
            project=await _on_project(info, id, at(_stop_project, if_generation))
        )

    @strawberry.mutation(
        description="Want the project and all its data gone; cannot be taken back."
    )
    async def delete_project(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> DeleteProjectPayload | None:
        """Want the project and all its data gone; cannot be taken back."""
        return DeleteProjectPayload(
            project=await _on_project(info, id, at(_delete_project, if_generation))
        )

    @strawberry.mutation(
        description=(
            "Look again now at everything in the project that failed, was given up or waits."
        )
    )
    async def retry_project(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> RetryProjectPayload | None:
        """Look again now at everything in the project that failed, was given up or waits."""
        return RetryProjectPayload(
            project=await _on_project(info, id, at(projects.retry, if_generation))
        )


async def _on_project(info: Info, global_id: str, verb: Verb) -> Project:
    viewer, key = (
        info.context.viewer(TokenScope.PROJECTS_WRITE),
        key_of(global_id, NodeType.PROJECT),
    )
    row = await info.context.state.database.transact(
        viewer, lambda session: verb(session, viewer, key)
    )
    return build.project(row)


def _each(make: Callable[[G], N], given: list[G] | None) -> tuple[N, ...] | None:
    if given is None or given is strawberry.UNSET:
        return None
    return tuple(make(one) for one in given)
