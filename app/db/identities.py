"""Statements on the ways to sign in: a user has one or several, and each belongs to one user.

`about` is what the provider says of the user (name, e-mail); its tokens are sealed, and a password
is its argon2id hash. What changes a user's set of ways locks the user's row first, so that the last
one cannot go twice.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from app.db.accounts import PASSWORD, UserRow
from app.db.rows import Executor, columns, read
from app.db.session import Session


@dataclass(frozen=True, slots=True)
class PasswordRow:
    """A user's way to sign in with a password; `home` is the user's own account."""

    id: UUID
    user: UserRow
    home: UUID
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """One way of a user to sign in, without anything secret."""

    id: UUID
    user_id: UUID
    provider: str
    provider_user_id: str
    about: dict[str, Any]
    is_primary: bool
    last_used_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Sealed:
    """A provider's tokens, sealed for one identity."""

    access_token: bytes | None = None
    refresh_token: bytes | None = None
    token_expires_at: datetime | None = None


_PASSWORD = text("""
SELECT i.id, i.secret, u.id AS user_id, u.login, u.created_at, a.id AS home
FROM user_identity i JOIN "user" u ON u.id = i.user_id JOIN account a ON a.owner_id = u.id
WHERE i.provider = :provider AND u.login = :login
""")
_COLUMNS = columns(IdentityRow, "i", about="i.metadata")
_AS_PROVED = text(f"""
SELECT {_COLUMNS} FROM user_identity i
WHERE i.provider = :provider AND i.provider_user_id = :subject
""")
_OF_USER = text(f"""
SELECT {_COLUMNS} FROM user_identity i WHERE i.user_id = :user_id ORDER BY i.id
""")
# Held to the end of the transaction: of two first sign-ins at once the second finds the user.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:provider || ' ' || :subject, 0))")
_LOCK_USER = text('SELECT id FROM "user" WHERE id = :user_id FOR NO KEY UPDATE')
_ADD = text("""
INSERT INTO user_identity (id, user_id, provider, provider_user_id, secret, is_primary)
SELECT :id, :user_id, :provider, :subject, :secret,
  NOT EXISTS (SELECT 1 FROM user_identity WHERE user_id = :user_id AND is_primary)
""")
_KEEP = text("""
UPDATE user_identity SET metadata = :about, access_token = :access_token,
  refresh_token = :refresh_token, token_expires_at = :token_expires_at WHERE id = :id
RETURNING id
""").bindparams(bindparam("about", type_=JSONB))
_REMOVE = text("DELETE FROM user_identity WHERE id = :id AND user_id = :user_id")
# Two statements: the index of primaries is checked row by row.
_NO_PRIMARY = text("UPDATE user_identity SET is_primary = false WHERE user_id = :user_id")
_PRIMARY = text("""
UPDATE user_identity SET is_primary = true WHERE id = :id AND user_id = :user_id
""")
_REHASHED = text(
    "UPDATE user_identity SET secret = :new WHERE id = :id AND secret = :old RETURNING id"
)
_USED = text("""
UPDATE user_identity SET last_used_at = greatest(mooring_now(), last_used_at) WHERE id = :id
""")


async def password_of(executor: Executor, login: str) -> PasswordRow | None:
    """How `login` signs in with a password; None for a user who does not, and for nobody."""
    binds = {"provider": PASSWORD, "login": login}
    row = (await executor.execute(_PASSWORD, binds)).first()
    if row is None:
        return None
    return PasswordRow(
        row.id, UserRow(row.user_id, row.login, row.created_at), row.home, row.secret
    )


async def as_proved(executor: Executor, provider: str, subject: str) -> IdentityRow | None:
    """Whoever is known at a provider by this name."""
    binds = {"provider": provider, "subject": subject}
    return next(iter(read(IdentityRow, await executor.execute(_AS_PROVED, binds))), None)


async def of_user(executor: Executor, user_id: UUID) -> list[IdentityRow]:
    """All ways of a user, oldest first."""
    return read(IdentityRow, await executor.execute(_OF_USER, {"user_id": user_id}))


async def alone(session: Session, provider: str, subject: str) -> None:
    """Wait until no other transaction makes somebody of this account of a provider."""
    await session.execute(_ALONE, {"provider": provider, "subject": subject})


async def lock_user(session: Session, user_id: UUID) -> None:
    """Wait until no other transaction changes the ways of this user."""
    await session.execute(_LOCK_USER, {"user_id": user_id})


async def add(
    session: Session,
    key: UUID,
    *,
    user_id: UUID,
    provider: str,
    subject: str,
    secret: str | None = None,
) -> None:
    """Add a way, the primary one if it is the first; whose it is was looked up under `alone`."""
    binds = {"id": key, "user_id": user_id, "provider": provider, "subject": subject}
    await session.execute(_ADD, binds | {"secret": secret})


async def keep(session: Session, key: UUID, about: dict[str, Any], sealed: Sealed) -> bool:
    """Keep what a provider says of the user, and its tokens; False if this way was taken away."""
    binds = {name: getattr(sealed, name) for name in ("access_token", "refresh_token")}
    until = {"token_expires_at": sealed.token_expires_at}
    kept = await session.execute(_KEEP, binds | until | {"id": key, "about": about})
    return kept.first() is not None


async def remove(session: Session, user_id: UUID, key: UUID) -> None:
    """Take a way of the user away."""
    await session.execute(_REMOVE, {"id": key, "user_id": user_id})


async def make_primary(session: Session, user_id: UUID, key: UUID) -> None:
    """Make this way of the user the primary one, and no other."""
    await session.execute(_NO_PRIMARY, {"user_id": user_id})
    await session.execute(_PRIMARY, {"id": key, "user_id": user_id})


async def rehash(session: Session, key: UUID, old: str, new: str) -> bool:
    """Keep another hash in place of `old`; False if that is no more the one that is kept."""
    changed = await session.execute(_REHASHED, {"id": key, "old": old, "new": new})
    return changed.first() is not None


async def used(session: Session, key: UUID) -> None:
    """Note that somebody signed in this way."""
    await session.execute(_USED, {"id": key})
