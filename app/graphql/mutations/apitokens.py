"""Mutations of API tokens."""

from __future__ import annotations

from uuid import UUID

import strawberry

from app.domain import ids
from app.domain.errors import InvalidInput
from app.domain.ids import NodeType
from app.domain.viewer import TokenScope
from app.graphql.apitokens import (
    CreateApiTokenInput,
    CreateApiTokenPayload,
    DeleteApiTokenPayload,
    api_token,
)
from app.graphql.mutations.edge import as_data, given, key_of
from app.graphql.nodes import Info
from app.services import apitokens
from app.services.apitokens import NewApiToken


@strawberry.type
class ApiTokenMutations:
    """Making and taking away API tokens."""

    # No idempotency key: its answer would have to be kept, secret and all. A repetition is TAKEN.
    @strawberry.mutation(
        description=(
            "Make an API token; needs a fresh sign-in (FRESH_SIGN_IN_REQUIRED), an API token is "
            "FORBIDDEN. Its secret is shown once: if that answer got lost, find it by its name in "
            "`me.apiTokens`, delete it and make another."
        )
    )
    async def create_api_token(
        self, info: Info, input: CreateApiTokenInput
    ) -> CreateApiTokenPayload | None:
        """Make an API token."""
        viewer, state = info.context.viewer(TokenScope.ACCOUNT), info.context.state
        projects = given(input.project_ids)
        new = NewApiToken(
            name=input.name,
            scopes=input.scopes,
            projects=None if projects is None else [_project(one) for one in projects],
            expires_at=given(input.expires_at),
        )
        try:
            row, secret = await state.database.transact(
                viewer, lambda session: apitokens.create(session, viewer, state.settings, new)
            )
        except InvalidInput as wrong:
            return CreateApiTokenPayload(api_token=None, secret=None, errors=as_data(info, wrong))
        return CreateApiTokenPayload(api_token=api_token(row), secret=secret, errors=[])

    @strawberry.mutation(
        description="Take an API token away: it is refused from now on, and its subscriptions end."
    )
    async def delete_api_token(self, info: Info, id: strawberry.ID) -> DeleteApiTokenPayload | None:
        """Take an API token away."""
        viewer, key = info.context.viewer(TokenScope.ACCOUNT), key_of(id, NodeType.API_TOKEN)
        row = await info.context.state.database.transact(
            viewer, lambda session: apitokens.delete(session, viewer, key)
        )
        return DeleteApiTokenPayload(api_token=api_token(row))


def _project(global_id: str) -> UUID | None:
    found = ids.decode(global_id)
    return found[1] if found is not None and found[0] == NodeType.PROJECT else None
