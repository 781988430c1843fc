"""Ways to sign in, as their user sees them, and what comes of changing them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from app.db.identities import IdentityRow
from app.domain import ids
from app.domain.ids import NodeType
from app.graphql.hiding import hiding
from app.graphql.nodes import Node
from app.graphql.payloads import InputError
from app.graphql.sessions import Credentials

_ERRORS = "What is wrong with the input; empty on success."
_IDENTITIES = "All ways to sign in, oldest first, at most 20; empty when there are errors."


@strawberry.type(description="A way of a user to sign in; never shows a token.")
class Identity(Node):
    """A way of a user to sign in."""

    provider: str = strawberry.field(description="As in SignInMethod.")
    provider_user_id: str = strawberry.field(
        description="Who the user is at the provider, for ever; of PASSWORD the login."
    )
    name: str | None = strawberry.field(
        description="What the provider called the user at the last sign-in; may be taken again."
    )
    email: str | None = strawberry.field(
        description="The address that the provider had verified at the last sign-in."
    )
    is_primary: bool = strawberry.field(description="The one that stands for the user.")
    created_at: datetime = strawberry.field(description="When it was linked.")
    last_used_at: datetime | None = strawberry.field(
        description="When it was last signed in with; null: never."
    )


@hiding("password")
@strawberry.input(description="A password for a user who has none.")
class SetPasswordInput:
    """A password for a user who has none."""

    password: str = strawberry.field(
        description="10 to 128 characters; not the login, none of the 10,000 commonest."
    )


@hiding("current_password", "new_password")
@strawberry.input(description="Another password.")
class ChangePasswordInput:
    """Another password."""

    current_password: str = strawberry.field(description="The password of now.")
    new_password: str = strawberry.field(
        description="10 to 128 characters; not the login, none of the 10,000 commonest."
    )


@hiding("token", "kubeconfig")
@strawberry.input(description="What a Sealos desktop gives to an app of its own.")
class SealosInput:
    """What a Sealos desktop gives to an app of its own."""

    token: str = strawberry.field(description="Its token; BAD_CREDENTIALS when it is not good.")
    kubeconfig: str = strawberry.field(
        description=(
            "The user's kubeconfig, as in setKubeconfig; its namespace must be the token's"
            " workspace."
        )
    )


@strawberry.type(description="What signInWithSealos gives.")
class SignInWithSealosPayload:
    """What signInWithSealos gives."""

    credentials: Credentials | None = strawberry.field(description="Null when there are errors.")
    errors: list[InputError] = strawberry.field(description=_ERRORS)


@strawberry.type(description="What linkSealos gives.")
class LinkSealosPayload:
    """What linkSealos gives."""

    identity: Identity | None = strawberry.field(description="Null when there are errors.")
    errors: list[InputError] = strawberry.field(description=_ERRORS)


@strawberry.type(description="What setPassword gives.")
class SetPasswordPayload:
    """What setPassword gives."""

    identity: Identity | None = strawberry.field(description="Null when there are errors.")
    errors: list[InputError] = strawberry.field(description=_ERRORS)


@strawberry.type(description="What changePassword gives.")
class ChangePasswordPayload:
    """What changePassword gives."""

    identity: Identity | None = strawberry.field(description="Null when there are errors.")
    errors: list[InputError] = strawberry.field(description=_ERRORS)


@strawberry.type(description="What unlinkIdentity gives.")
class UnlinkIdentityPayload:
    """What unlinkIdentity gives."""

    identities: list[Identity] = strawberry.field(description=_IDENTITIES)
    errors: list[InputError] = strawberry.field(description=_ERRORS)


@strawberry.type(description="What setPrimaryIdentity gives.")
class SetPrimaryIdentityPayload:
    """What setPrimaryIdentity gives."""

    identities: list[Identity] = strawberry.field(
        description="All ways to sign in, oldest first, at most 20."
    )


def identity(row: IdentityRow) -> Identity:
    """The object of a row."""
    return Identity(
        id=strawberry.ID(ids.encode(NodeType.IDENTITY, row.id)),
        provider=row.provider,
        provider_user_id=row.provider_user_id,
        name=row.about.get("name"),
        email=row.about.get("email"),
        is_primary=row.is_primary,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )
