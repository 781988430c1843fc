"""Mutations of sandboxes."""

from __future__ import annotations

import strawberry

from app.db.sandboxes import SANDBOXES
from app.domain.errors import InvalidInput
from app.domain.ids import NodeType
from app.graphql import build
from app.graphql.inputs import SandboxInput
from app.graphql.mutations.edge import (
    DELETE,
    RETRY,
    START,
    STOP,
    Verb,
    as_data,
    create,
    given,
    on_resource,
)
from app.graphql.nodes import Info, Sandbox
from app.graphql.payloads import (
    CreateSandboxPayload,
    DeleteSandboxPayload,
    RetrySandboxPayload,
    StartSandboxPayload,
    StopSandboxPayload,
)
from app.services.sandboxes import NewSandbox


@strawberry.type
class SandboxMutations:
    """Everything that can be done to sandboxes."""

    @strawberry.mutation(description="Add a sandbox to a project and start it.")
    async def create_sandbox(
        self,
        info: Info,
        project_id: strawberry.ID,
        input: SandboxInput,
        idempotency_key: str | None = strawberry.UNSET,
    ) -> CreateSandboxPayload | None:
        """Add a sandbox; with a key once in 24 hours."""
        maker, new = info.context.state.makers.sandboxes, new_sandbox(input)
        try:
            row = await create(info, maker, project_id, new, idempotency_key)
        except InvalidInput as wrong:
            return CreateSandboxPayload(sandbox=None, errors=as_data(info, wrong))
        return CreateSandboxPayload(sandbox=build.sandbox(row), errors=[])

    @strawberry.mutation(description="Want it RUNNING.")
    async def start_sandbox(self, info: Info, id: strawberry.ID) -> StartSandboxPayload | None:
        """Want it RUNNING."""
        return StartSandboxPayload(sandbox=await _on(info, id, START))

    @strawberry.mutation(description="Want it STOPPED; its disk is kept.")
    async def stop_sandbox(self, info: Info, id: strawberry.ID) -> StopSandboxPayload | None:
        """Want it STOPPED; its disk is kept."""
        return StopSandboxPayload(sandbox=await _on(info, id, STOP))

    @strawberry.mutation(description="Want it and its disk gone; cannot be taken back.")
    async def delete_sandbox(self, info: Info, id: strawberry.ID) -> DeleteSandboxPayload | None:
        """Want it and its disk gone; cannot be taken back."""
        return DeleteSandboxPayload(sandbox=await _on(info, id, DELETE))

    @strawberry.mutation(description="Look again now, if it failed, was given up or waits.")
    async def retry_sandbox(self, info: Info, id: strawberry.ID) -> RetrySandboxPayload | None:
        """Look again now, if it failed, was given up or waits."""
        return RetrySandboxPayload(sandbox=await _on(info, id, RETRY))


async def _on(info: Info, global_id: str, verb: Verb) -> Sandbox:
    row = await on_resource(info, global_id, SANDBOXES, NodeType.SANDBOX, verb)
    return build.sandbox(row)


def new_sandbox(input: SandboxInput) -> NewSandbox:
    """What is asked for, as the verbs take it."""
    return NewSandbox(
        input.name,
        given(input.image),
        given(input.cpu),
        given(input.memory),
        given(input.storage),
    )
