"""What can be known before anybody is signed in: the ways to do so."""

from __future__ import annotations

import strawberry

from app.graphql.nodes import Info


@strawberry.type(description="A way to sign in that this installation has switched on.")
class SignInMethod:
    """A way to sign in."""

    provider: str = strawberry.field(
        description=(
            "PASSWORD (signIn), SEALOS (signInWithSealos), GITHUB, GOOGLE, or the name that the"
            " operator gave to an OpenID provider."
        )
    )
    sign_up: bool = strawberry.field(description="Whether new users may come by it.")
    url: str | None = strawberry.field(
        description="Where a browser begins, a path of this server; null where it is a mutation."
    )


@strawberry.type
class SignInQueries:
    """The ways to sign in."""

    @strawberry.field(description="The ways to sign in; nobody has to be signed in to ask.")
    def sign_in_methods(self, info: Info) -> list[SignInMethod]:
        """Those that are on."""
        return [
            SignInMethod(provider=way.provider, sign_up=way.sign_up, url=way.path)
            for way in info.context.state.entrance.ways
        ]
