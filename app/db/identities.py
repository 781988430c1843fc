"""Statements on the ways to sign in: a user has one or several, and each belongs to one user.

`about` is what the provider says of the user (name, e-mail); its tokens are sealed, and a password
is its argon2id hash. What changes a user's set of ways locks the user's row first, so that the last
one cannot go twice.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from app.db.accounts import PASSWORD, UserRow
from app.db.rows import Executor
from app.db.session import Session


@dataclass(frozen=True, slots=True)
class PasswordRow:
    """A user's way to sign in with a password; `home` is the user's own account."""

    id: UUID
    user: UserRow
    home: UUID
    secret: str


_PASSWORD = text("""
SELECT i.id, i.secret, u.id AS user_id, u.login, u.created_at, a.id AS home
FROM user_identity i JOIN "user" u ON u.id = i.user_id JOIN account a ON a.owner_id = u.id
WHERE i.provider = :provider AND u.login = :login
""")
_REHASHED = text("UPDATE user_identity SET secret = :new WHERE id = :id AND secret = :old")
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


async def rehash(session: Session, key: UUID, old: str, new: str) -> None:
    """Keep another hash of the same password, unless the password changed meanwhile."""
    await session.execute(_REHASHED, {"id": key, "old": old, "new": new})


async def used(session: Session, key: UUID) -> None:
    """Note that somebody signed in this way."""
    await session.execute(_USED, {"id": key})
