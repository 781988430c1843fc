"""Mutations of users: signing up and in."""

from __future__ import annotations

import strawberry

from app.db.accounts import PASSWORD
from app.domain.errors import InvalidInput
from app.graphql import sessions
from app.graphql.inputs import SignInInput, SignUpInput
from app.graphql.mutations.edge import as_data
from app.graphql.nodes import Info
from app.graphql.payloads import SignInPayload, SignUpPayload


@strawberry.type
class UserMutations:
    """Signing up and in."""

    @strawberry.mutation(description="Make a user and sign in.")
    async def sign_up(self, info: Info, input: SignUpInput) -> SignUpPayload | None:
        """Make a user and sign in."""
        state, sign_in = info.context.state, info.context.connection.sign_in(PASSWORD)
        try:
            state.entrance.check_sign_up(PASSWORD)
            made = await state.by_password.sign_up(input.login, input.password, sign_in)
        except InvalidInput as wrong:
            return SignUpPayload(credentials=None, errors=as_data(info, wrong))
        return SignUpPayload(credentials=sessions.credentials(made), errors=[])

    @strawberry.mutation(
        description="Sign in with a password; BAD_CREDENTIALS whichever of the two is wrong."
    )
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload | None:
        """Sign in with a password."""
        state, sign_in = info.context.state, info.context.connection.sign_in(PASSWORD)
        state.entrance.check(PASSWORD)
        made = await state.by_password.sign_in(
            input.login, input.password, sign_in, registers=state.settings.register_at_sign_in
        )
        return SignInPayload(credentials=sessions.credentials(made))
