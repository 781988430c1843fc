"""Mutations of the ways to sign in, and of the password."""

from __future__ import annotations

import strawberry

from app.db.accounts import PASSWORD
from app.domain.errors import InvalidInput
from app.domain.ids import NodeType
from app.domain.viewer import TokenScope, Viewer
from app.graphql.identities import (
    ChangePasswordInput,
    ChangePasswordPayload,
    SetPasswordInput,
    SetPasswordPayload,
    SetPrimaryIdentityPayload,
    UnlinkIdentityPayload,
    identity,
)
from app.graphql.mutations.edge import as_data, key_of
from app.graphql.nodes import Info
from app.services import identities


@strawberry.type
class IdentityMutations:
    """Linking, unlinking, and the password."""

    @strawberry.mutation(
        description=(
            "Give yourself a password, if you have none; needs a fresh sign-in. Providers that"
            " browsers sign in at are linked by `POST` to the path in SignInMethod.url with /link"
            " after it, which answers the address to open."
        )
    )
    async def set_password(self, info: Info, input: SetPasswordInput) -> SetPasswordPayload | None:
        """Give yourself a password."""
        viewer, state = _fresh(info), info.context.state
        try:
            state.entrance.check(PASSWORD)
            row = await state.by_password.set_first(viewer, input.password)
        except InvalidInput as wrong:
            return SetPasswordPayload(identity=None, errors=as_data(info, wrong))
        return SetPasswordPayload(identity=identity(row), errors=[])

    @strawberry.mutation(
        description=(
            "Change your password, with the one of now as proof (else BAD_CREDENTIALS); your other"
            " sessions end."
        )
    )
    async def change_password(
        self, info: Info, input: ChangePasswordInput
    ) -> ChangePasswordPayload | None:
        """Change your password."""
        viewer = identities.in_person(info.context.viewer(TokenScope.ACCOUNT))
        state = info.context.state
        try:
            row = await state.by_password.change(viewer, input.current_password, input.new_password)
        except InvalidInput as wrong:
            return ChangePasswordPayload(identity=None, errors=as_data(info, wrong))
        return ChangePasswordPayload(identity=identity(row), errors=[])

    @strawberry.mutation(
        description=(
            "Take a way to sign in away, but not the last one that works; needs a fresh sign-in."
            " Other sessions that began with it end."
        )
    )
    async def unlink_identity(self, info: Info, id: strawberry.ID) -> UnlinkIdentityPayload | None:
        """Take a way to sign in away."""
        viewer, state, key = _fresh(info), info.context.state, key_of(id, NodeType.IDENTITY)
        usable = {way.provider for way in state.entrance.ways}
        try:
            rows = await state.database.transact(
                viewer, lambda session: identities.unlink(session, viewer, key, usable=usable)
            )
        except InvalidInput as wrong:
            return UnlinkIdentityPayload(identities=[], errors=as_data(info, wrong))
        return UnlinkIdentityPayload(identities=[identity(row) for row in rows], errors=[])

    @strawberry.mutation(
        description="Make a way to sign in the one that stands for you; needs a fresh sign-in."
    )
    async def set_primary_identity(
        self, info: Info, id: strawberry.ID
    ) -> SetPrimaryIdentityPayload | None:
        """Make a way the primary one."""
        viewer, key = _fresh(info), key_of(id, NodeType.IDENTITY)
        rows = await info.context.state.database.transact(
            viewer, lambda session: identities.set_primary(session, viewer, key)
        )
        return SetPrimaryIdentityPayload(identities=[identity(row) for row in rows])


def _fresh(info: Info) -> Viewer:
    viewer = info.context.viewer(TokenScope.ACCOUNT)
    return identities.may_change(viewer, info.context.state.settings.fresh_sign_in)
