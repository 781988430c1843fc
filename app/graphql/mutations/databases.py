"""Mutations of databases."""

from __future__ import annotations

import strawberry

from app.db.databases import DATABASES
from app.domain.errors import InvalidInput
from app.domain.ids import NodeType
from app.graphql import build
from app.graphql.inputs import DatabaseInput, UpdateDatabaseInput
from app.graphql.mutations.edge import (
    DELETE,
    RETRY,
    START,
    STOP,
    IfGeneration,
    Verb,
    as_data,
    at,
    create,
    edited,
    given,
    on_resource,
    update,
)
from app.graphql.nodes import Database, Info
from app.graphql.payloads import (
    CreateDatabasePayload,
    DeleteDatabasePayload,
    ReleaseDatabasePayload,
    RetryDatabasePayload,
    StartDatabasePayload,
    StopDatabasePayload,
    UpdateDatabasePayload,
)
from app.services.databases import NewDatabase, release


@strawberry.type
class DatabaseMutations:
    """Everything that can be done to databases."""

    @strawberry.mutation(description="Add a database to a project and start it.")
    async def create_database(
        self,
        info: Info,
        project_id: strawberry.ID,
        input: DatabaseInput,
        idempotency_key: str | None = strawberry.UNSET,
    ) -> CreateDatabasePayload | None:
        """Add a database; with a key once in 24 hours."""
        maker, new = info.context.state.makers.databases, new_database(input)
        try:
            row = await create(info, maker, project_id, new, idempotency_key)
        except InvalidInput as wrong:
            return CreateDatabasePayload(database=None, errors=as_data(info, wrong))
        return CreateDatabasePayload(database=build.database(row), errors=[])

    @strawberry.mutation(
        description="Change its version, replicas or sizes; one that is down stays down."
    )
    async def update_database(
        self,
        info: Info,
        id: strawberry.ID,
        input: UpdateDatabaseInput,
        if_generation: IfGeneration = strawberry.UNSET,
    ) -> UpdateDatabasePayload | None:
        """Change its version, replicas or sizes."""
        maker = info.context.state.makers.databases
        try:
            row = await update(
                info,
                maker,
                id,
                NodeType.DATABASE,
                edited(input),
                if_generation=given(if_generation),
            )
        except InvalidInput as wrong:
            return UpdateDatabasePayload(database=None, errors=as_data(info, wrong))
        return UpdateDatabasePayload(database=build.database(row), errors=[])

    @strawberry.mutation(description="Want it RUNNING.")
    async def start_database(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> StartDatabasePayload | None:
        """Want it RUNNING."""
        return StartDatabasePayload(database=await _on(info, id, at(START, if_generation)))

    @strawberry.mutation(description="Want it STOPPED; its data is kept.")
    async def stop_database(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> StopDatabasePayload | None:
        """Want it STOPPED; its data is kept."""
        return StopDatabasePayload(database=await _on(info, id, at(STOP, if_generation)))

    @strawberry.mutation(description="Want it and its data gone; cannot be taken back.")
    async def delete_database(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> DeleteDatabasePayload | None:
        """Want it and its data gone; cannot be taken back."""
        return DeleteDatabasePayload(database=await _on(info, id, at(DELETE, if_generation)))

    @strawberry.mutation(description="Look again now, if it failed, was given up or waits.")
    async def retry_database(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> RetryDatabasePayload | None:
        """Look again now, if it failed, was given up or waits."""
        return RetryDatabasePayload(database=await _on(info, id, at(RETRY, if_generation)))

    @strawberry.mutation(
        description=(
            "Have finalizers that hold its objects taken off, once its deletion is wanted and `why`"
            " says DeleteBlocked; BAD_REQUEST before. For a database operator that is gone for"
            " good: what it would have removed may stay in the cluster. The audit has what it was."
        )
    )
    async def release_database(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> ReleaseDatabasePayload | None:
        """Have finalizers that hold its objects taken off."""
        return ReleaseDatabasePayload(database=await _on(info, id, at(release, if_generation)))


async def _on(info: Info, global_id: str, verb: Verb) -> Database:
    row = await on_resource(info, global_id, DATABASES, NodeType.DATABASE, verb)
    return build.database(row)


def new_database(input: DatabaseInput) -> NewDatabase:
    """What is asked for, as the verbs take it."""
    return NewDatabase(
        input.name,
        given(input.version),
        given(input.replicas),
        given(input.cpu),
        given(input.memory),
        given(input.storage),
    )
