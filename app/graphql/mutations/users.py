"""Mutations of users: signing up and in."""

from __future__ import annotations

import strawberry

from app.auth import by_password
from app.db.accounts import PASSWORD, UserRow
from app.domain.errors import InvalidInput
from app.domain.viewer import API
from app.graphql import sessions
from app.graphql.inputs import SignInInput, SignUpInput
from app.graphql.mutations.edge import as_data
from app.graphql.nodes import Info
from app.graphql.payloads import SignInPayload, SignUpPayload
from app.graphql.sessions import Credentials


@strawberry.type
class UserMutations:
    """Signing up and in."""

    @strawberry.mutation(description="Make a user and sign in.")
    async def sign_up(self, info: Info, input: SignUpInput) -> SignUpPayload | None:
        """Make a user and sign in."""
        state, address = info.context.state, info.context.connection.address
        try:
            state.entrance.check_sign_up(PASSWORD)
            made = await by_password.sign_up(
                state.database, state.entrance, input.login, input.password, address
            )
        except InvalidInput as wrong:
            return SignUpPayload(credentials=None, errors=as_data(info, wrong))
        return SignUpPayload(credentials=await _credentials(info, made), errors=[])

    @strawberry.mutation(
        description="Sign in with a password; BAD_CREDENTIALS whichever of the two is wrong."
    )
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload | None:
        """Sign in with a password."""
        state, address = info.context.state, info.context.connection.address
        state.entrance.check(PASSWORD)
        user = await by_password.sign_in(
            state.database,
            state.entrance,
            input.login,
            input.password,
            address,
            registers=state.settings.register_at_sign_in,
        )
        return SignInPayload(credentials=await _credentials(info, user))


async def _credentials(info: Info, user: UserRow) -> Credentials:
    state, sign_in = info.context.state, info.context.connection.sign_in(PASSWORD)
    made = await state.database.transact(
        API, lambda session: state.sessions.open(session, user, sign_in)
    )
    return sessions.credentials(made)
