"""Mutations that take what a Sealos desktop gives."""

from __future__ import annotations

import strawberry

from app.auth.by_sealos import BySealos
from app.auth.kubeconfigs import written_rules
from app.auth.sealos import SEALOS
from app.domain.errors import InvalidInput
from app.domain.viewer import TokenScope
from app.graphql import sessions
from app.graphql.identities import (
    LinkSealosPayload,
    SealosInput,
    SignInWithSealosPayload,
    identity,
)
from app.graphql.mutations.edge import as_data
from app.graphql.nodes import Info
from app.services import identities


@strawberry.type
class SealosMutations:
    """Signing in from Sealos, and linking it."""

    @strawberry.mutation(
        description=(
            "Sign in from a Sealos desktop; BAD_CREDENTIALS for a token that is not good, or of"
            " somebody new where new users do not come this way. The kubeconfig becomes the"
            " user's, as by setKubeconfig."
        )
    )
    async def sign_in_with_sealos(
        self, info: Info, input: SealosInput
    ) -> SignInWithSealosPayload | None:
        """Sign in from a Sealos desktop."""
        state = info.context.state
        try:
            state.entrance.check(SEALOS)
            made = await _by_sealos(info).sign_in(
                state.sessions,
                info.context.connection.sign_in(SEALOS),
                input.token,
                input.kubeconfig,
            )
        except InvalidInput as wrong:
            return SignInWithSealosPayload(credentials=None, errors=as_data(info, wrong))
        return SignInWithSealosPayload(credentials=sessions.credentials(made), errors=[])

    @strawberry.mutation(
        description=(
            "Make Sealos a way of yours to sign in, and the kubeconfig yours; needs a fresh"
            " sign-in."
        )
    )
    async def link_sealos(self, info: Info, input: SealosInput) -> LinkSealosPayload | None:
        """Make Sealos a way to sign in."""
        state = info.context.state
        viewer = identities.may_change(
            info.context.viewer(TokenScope.ACCOUNT), state.settings.fresh_sign_in
        )
        try:
            state.entrance.check(SEALOS)
            row = await _by_sealos(info).link(viewer, input.token, input.kubeconfig)
        except InvalidInput as wrong:
            return LinkSealosPayload(identity=None, errors=as_data(info, wrong))
        return LinkSealosPayload(identity=identity(row), errors=[])


def _by_sealos(info: Info) -> BySealos:
    state = info.context.state
    rules = written_rules(state.settings)
    return BySealos(state.database, state.entrance, state.makers.keys, rules)
