"""Mutations of one's account as a whole."""

from __future__ import annotations

import strawberry

from app.domain.viewer import TokenScope
from app.graphql.nodes import Info
from app.graphql.payloads import DeleteAccountPayload
from app.services import accounts, identities


@strawberry.type
class AccountMutations:
    """Leaving."""

    @strawberry.mutation(
        description=(
            "Delete yourself with all projects; needs a fresh sign-in. All sessions, API tokens and"
            " ways to sign in end at once; your login can be taken again when the last project is"
            " gone. There is no way back."
        )
    )
    async def delete_account(self, info: Info) -> DeleteAccountPayload | None:
        """Delete yourself with all projects."""
        viewer, state = info.context.viewer(TokenScope.ACCOUNT), info.context.state
        identities.may_change(viewer, state.settings.fresh_sign_in)
        projects = await state.database.transact(
            viewer, lambda session: accounts.delete(session, viewer)
        )
        return DeleteAccountPayload(deleted_login=viewer.login, projects=projects)
