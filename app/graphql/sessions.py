"""Sessions as their user sees them, and what a sign-in gives."""

from __future__ import annotations

from datetime import datetime

import strawberry

from app.auth.sessions import Credentials as CredentialsRow
from app.db.sessions import SessionRow
from app.domain import ids
from app.domain.ids import NodeType
from app.domain.viewer import Viewer
from app.graphql import build
from app.graphql.hiding import hiding
from app.graphql.nodes import Node, User


@strawberry.type(description="One sign-in on one device; its tokens end with it.")
class Session(Node):
    """One sign-in on one device."""

    device: str | None = strawberry.field(
        description="The User-Agent that signed in, at most 255 characters."
    )
    address: str | None = strawberry.field(description="The address that it signed in from.")
    provider: str = strawberry.field(
        description="What vouched for the user: PASSWORD, GITHUB, SEALOS, GOOGLE…"
    )
    created_at: datetime = strawberry.field(description="When it began.")
    last_used_at: datetime = strawberry.field(
        description="When it was used last, to within some two minutes."
    )
    expires_at: datetime = strawberry.field(description="When it ends unless it is renewed.")
    current: bool = strawberry.field(description="Whether this request comes from it.")


@hiding("access_token", "refresh_token")
@strawberry.type(
    description=("A sign-in: send accessToken as `Authorization: Bearer …`, or in connection_init.")
)
class Credentials:
    """A sign-in: send accessToken as `Authorization: Bearer …`, or in connection_init."""

    access_token: str = strawberry.field(description="The token.")
    expires_at: datetime = strawberry.field(description="When it ends; subscriptions end with it.")
    refresh_token: str = strawberry.field(
        description=(
            "Give it to refreshSession in time, once, for new tokens: the session's subscriptions"
            " then go on. An older one that comes again ends the session, for it must have been"
            " stolen."
        )
    )
    refresh_expires_at: datetime = strawberry.field(
        description="When the session ends unless it is renewed."
    )
    user: User = strawberry.field(description="Who is signed in.")


@strawberry.type(description="What refreshSession gives.")
class RefreshSessionPayload:
    """What refreshSession gives."""

    credentials: Credentials = strawberry.field(description="The new tokens of the session.")


@strawberry.type(description="What signOut gives.")
class SignOutPayload:
    """What signOut gives."""

    signed_out: bool = strawberry.field(description="True: the session is no more.")


@strawberry.type(description="What signOutEverywhere gives.")
class SignOutEverywherePayload:
    """What signOutEverywhere gives."""

    ended: int = strawberry.field(description="How many sessions were ended.")


@strawberry.type(description="What revokeSession gives.")
class RevokeSessionPayload:
    """What revokeSession gives."""

    revoked_id: strawberry.ID = strawberry.field(description="The session that is no more.")


def session(row: SessionRow, viewer: Viewer) -> Session:
    """A session as this viewer sees it."""
    return Session(
        id=strawberry.ID(ids.encode(NodeType.SESSION, row.id)),
        device=row.device,
        address=row.address,
        provider=row.provider,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        current=row.id == viewer.grant.session_id,
    )


def credentials(given: CredentialsRow) -> Credentials:
    """What a sign-in gave."""
    return Credentials(
        access_token=given.access_token,
        expires_at=given.expires_at,
        refresh_token=given.refresh_token,
        refresh_expires_at=given.refresh_expires_at,
        user=build.user(given.user),
    )
