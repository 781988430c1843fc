"""Mutations of users: signing up and in."""

from __future__ import annotations

import strawberry

from app.auth import passwords
from app.db.accounts import UserRow
from app.domain.errors import BadCredentials, InvalidInput
from app.domain.viewer import API
from app.graphql import build
from app.graphql.inputs import SignInInput, SignUpInput
from app.graphql.mutations.edge import as_data
from app.graphql.nodes import Info
from app.graphql.payloads import Credentials, SignInPayload, SignUpPayload
from app.services import users


@strawberry.type
class UserMutations:
    """Signing up and in."""

    @strawberry.mutation(description="Make a user and sign in.")
    async def sign_up(self, info: Info, input: SignUpInput) -> SignUpPayload | None:
        """Make a user and sign in."""
        try:
            users.check_sign_up(input.login, input.password)
            secret = await passwords.hashed(input.password)
            made = await info.context.state.database.transact(
                API, lambda session: users.sign_up(session, input.login, secret)
            )
        except InvalidInput as wrong:
            return SignUpPayload(credentials=None, errors=as_data(info, wrong))
        return SignUpPayload(credentials=_credentials(info, made), errors=[])

    @strawberry.mutation(
        description="Sign in with a password; BAD_CREDENTIALS whichever of the two is wrong."
    )
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload | None:
        """Sign in with a password."""
        async with info.context.state.database.read(API) as connection:
            user, secret = await users.sign_in(connection, input.login)
        if not await passwords.matches(secret, input.password) or user is None:
            raise BadCredentials
        return SignInPayload(credentials=_credentials(info, user))


def _credentials(info: Info, user: UserRow) -> Credentials:
    token, expires_at = info.context.state.tokens.issue(user.id)
    return Credentials(access_token=token, expires_at=expires_at, user=build.user(user))
