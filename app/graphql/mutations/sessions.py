"""Mutations of sessions: to renew one, and to end them."""

from __future__ import annotations

import strawberry

from app.domain.errors import Forbidden
from app.domain.ids import NodeType
from app.domain.viewer import TokenScope
from app.graphql.inputs import RefreshSessionInput
from app.graphql.mutations.edge import given, key_of
from app.graphql.nodes import Info
from app.graphql.sessions import (
    RefreshSessionPayload,
    RevokeSessionPayload,
    SignOutEverywherePayload,
    SignOutPayload,
    credentials,
)
from app.services import sessions


@strawberry.type
class SessionMutations:
    """To renew a session, and to end them."""

    @strawberry.mutation(
        description=(
            "New tokens for a session; its subscriptions and websockets go on to the new end."
            " UNAUTHENTICATED for a refresh token that is expired, revoked or was used before:"
            " sign in."
        )
    )
    async def refresh_session(
        self, info: Info, input: RefreshSessionInput
    ) -> RefreshSessionPayload | None:
        """New tokens for a session."""
        state, address = info.context.state, info.context.connection.address
        made = await state.sessions.renew(state.database, input.refresh_token, address)
        return RefreshSessionPayload(credentials=credentials(made))

    @strawberry.mutation(
        description="End this session: its tokens are no good from now on, its streams end."
    )
    async def sign_out(self, info: Info) -> SignOutPayload | None:
        """End this session."""
        viewer = info.context.viewer(TokenScope.ACCOUNT)
        key = viewer.grant.session_id
        if key is None:
            raise Forbidden(rule="An API token is no session; delete the token instead.")
        await info.context.state.database.transact(
            viewer, lambda session: sessions.end(session, viewer, key)
        )
        return SignOutPayload(signed_out=True)

    @strawberry.mutation(description="End all sessions of the viewer, on every device.")
    async def sign_out_everywhere(
        self,
        info: Info,
        keep_this: bool | None = strawberry.UNSET,
    ) -> SignOutEverywherePayload | None:
        """End all sessions of the viewer."""
        viewer = info.context.viewer(TokenScope.ACCOUNT)
        kept = given(keep_this) or False
        count = await info.context.state.database.transact(
            viewer, lambda session: sessions.end_all(session, viewer, keep_this=kept)
        )
        return SignOutEverywherePayload(ended=count)

    @strawberry.mutation(description="End one session of the viewer, on whatever device it is.")
    async def revoke_session(self, info: Info, id: strawberry.ID) -> RevokeSessionPayload | None:
        """End one session of the viewer."""
        viewer, key = info.context.viewer(TokenScope.ACCOUNT), key_of(id, NodeType.SESSION)
        await info.context.state.database.transact(
            viewer, lambda session: sessions.end(session, viewer, key)
        )
        return RevokeSessionPayload(revoked_id=id)
