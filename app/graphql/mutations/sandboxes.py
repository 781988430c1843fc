"""Mutations of sandboxes."""

from __future__ import annotations

import strawberry

from app.db.sandboxes import SANDBOXES, SandboxRow
from app.domain.errors import InvalidInput
from app.domain.ids import NodeType
from app.domain.viewer import TokenScope
from app.graphql import build
from app.graphql.inputs import PortInput, SandboxInput, UpdateSandboxInput
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
    key_of,
    on_resource,
    update,
)
from app.graphql.nodes import Info, Sandbox
from app.graphql.payloads import (
    CreateSandboxPayload,
    DeleteSandboxPayload,
    ExposePortPayload,
    RetrySandboxPayload,
    StartSandboxPayload,
    StopSandboxPayload,
    UnexposePortPayload,
    UpdateSandboxPayload,
)
from app.services import ports
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

    @strawberry.mutation(
        description=(
            "Change its image or sizes. One that is up restarts once, but for its disk, which grows"
            " as it is; one that is down stays down."
        )
    )
    async def update_sandbox(
        self,
        info: Info,
        id: strawberry.ID,
        input: UpdateSandboxInput,
        if_generation: IfGeneration = strawberry.UNSET,
    ) -> UpdateSandboxPayload | None:
        """Change its image or sizes."""
        maker = info.context.state.makers.sandboxes
        try:
            row = await update(
                info,
                maker,
                id,
                NodeType.SANDBOX,
                edited(input),
                if_generation=given(if_generation),
            )
        except InvalidInput as wrong:
            return UpdateSandboxPayload(sandbox=None, errors=as_data(info, wrong))
        return UpdateSandboxPayload(sandbox=build.sandbox(row), errors=[])

    @strawberry.mutation(
        description=(
            "Have one more port of a sandbox reached, at a host of its own; nothing restarts. At"
            " most 5; the same port again changes nothing."
        )
    )
    async def expose_port(
        self,
        info: Info,
        sandbox_id: strawberry.ID,
        input: PortInput,
        if_generation: IfGeneration = strawberry.UNSET,
    ) -> ExposePortPayload | None:
        """Have one more port reached."""
        try:
            row = await _on_port(info, sandbox_id, input.port, at(ports.expose, if_generation))
        except InvalidInput as wrong:
            return ExposePortPayload(sandbox=None, errors=as_data(info, wrong))
        return ExposePortPayload(sandbox=build.sandbox(row), errors=[])

    @strawberry.mutation(
        description=(
            "Have a port that was exposed reached no more; one that is not exposed changes nothing."
        )
    )
    async def unexpose_port(
        self,
        info: Info,
        sandbox_id: strawberry.ID,
        input: PortInput,
        if_generation: IfGeneration = strawberry.UNSET,
    ) -> UnexposePortPayload | None:
        """Have a port reached no more."""
        try:
            row = await _on_port(info, sandbox_id, input.port, at(ports.unexpose, if_generation))
        except InvalidInput as wrong:
            return UnexposePortPayload(sandbox=None, errors=as_data(info, wrong))
        return UnexposePortPayload(sandbox=build.sandbox(row), errors=[])

    @strawberry.mutation(description="Want it RUNNING.")
    async def start_sandbox(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> StartSandboxPayload | None:
        """Want it RUNNING."""
        return StartSandboxPayload(sandbox=await _on(info, id, at(START, if_generation)))

    @strawberry.mutation(description="Want it STOPPED; its disk is kept.")
    async def stop_sandbox(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> StopSandboxPayload | None:
        """Want it STOPPED; its disk is kept."""
        return StopSandboxPayload(sandbox=await _on(info, id, at(STOP, if_generation)))

    @strawberry.mutation(description="Want it and its disk gone; cannot be taken back.")
    async def delete_sandbox(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> DeleteSandboxPayload | None:
        """Want it and its disk gone; cannot be taken back."""
        return DeleteSandboxPayload(sandbox=await _on(info, id, at(DELETE, if_generation)))

    @strawberry.mutation(description="Look again now, if it failed, was given up or waits.")
    async def retry_sandbox(
        self, info: Info, id: strawberry.ID, if_generation: IfGeneration = strawberry.UNSET
    ) -> RetrySandboxPayload | None:
        """Look again now, if it failed, was given up or waits."""
        return RetrySandboxPayload(sandbox=await _on(info, id, at(RETRY, if_generation)))


async def _on(info: Info, global_id: str, verb: Verb) -> Sandbox:
    row = await on_resource(info, global_id, SANDBOXES, NodeType.SANDBOX, verb)
    return build.sandbox(row)


async def _on_port(
    info: Info,
    global_id: str,
    port: int,
    verb: Verb,
) -> SandboxRow:
    viewer = info.context.viewer(TokenScope.PROJECTS_WRITE)
    key = key_of(global_id, NodeType.SANDBOX, "sandboxId")
    row: SandboxRow = await info.context.state.database.transact(
        viewer, lambda session: verb(session, viewer, key, port)
    )
    return row


def new_sandbox(input: SandboxInput) -> NewSandbox:
    """What is asked for, as the verbs take it."""
    return NewSandbox(
        input.name,
        given(input.image),
        given(input.cpu),
        given(input.memory),
        given(input.storage),
    )
