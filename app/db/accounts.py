"""Statements on users, their ways to sign in and their accounts, and the viewer of a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db import feed
from app.db.rows import Executor
from app.db.session import Session
from app.domain.errors import Unauthenticated
from app.domain.ids import new_id
from app.domain.viewer import Grant, Position, Viewer

PASSWORD = "PASSWORD"  # noqa: S105 - the name of a provider


@dataclass(frozen=True, slots=True)
class UserRow:
    """Someone who can sign in."""

    id: UUID
    login: str
    created_at: datetime


# The feeds' places come with the row that authenticates: they make changeCursor, read first.
VIEWER = """u.id AS user_id, u.login, u.created_at, a.id AS account_id, a.owner_id = u.id AS home,
  f.number, f.seq, (SELECT epoch FROM installation) AS epoch"""
OF_VIEWER = """"user" u JOIN membership m ON m.user_id = u.id JOIN account a ON a.id = m.account_id
  AND a.closing_since IS NULL JOIN feed f ON f.account_id = a.id"""
_OF_SESSION = text(f"""
SELECT {VIEWER}, s.authenticated_at, least(s.access_until, s.expires_at) AS until,
  least(s.access_until, s.expires_at) <= mooring_now() AS over
FROM session s, {OF_VIEWER}
WHERE s.id = :session_id AND s.user_id = :user_id AND u.id = s.user_id ORDER BY f.number
""")
_USERS = text('SELECT id, login, created_at FROM "user" WHERE id = ANY(CAST(:ids AS uuid[]))')
_TAKEN = text('SELECT 1 FROM "user" WHERE login = :login')
_NEW_USER = text("""
INSERT INTO "user" (id, login) VALUES (:id, :login) ON CONFLICT (login) DO NOTHING
RETURNING created_at
""")
_NEW_IDENTITY = text("""
INSERT INTO user_identity (id, user_id, provider, provider_user_id, secret, is_primary)
VALUES (:id, :user_id, :provider, :login, :secret, true)
""")
_NEW_ACCOUNT = text("""
INSERT INTO account (id, owner_id, login, k8s_namespace)
VALUES (:id, :owner_id, :login, :namespace)
""")
_NEW_MEMBER = text("""
INSERT INTO membership (account_id, user_id, role) VALUES (:account_id, :user_id, 'OWNER')
""")
_OF_NAMESPACES = text("""
SELECT k8s_namespace, id FROM account WHERE k8s_namespace = ANY(CAST(:names AS text[]))
""")
_LOCK = text("SELECT id FROM account WHERE id = :id FOR NO KEY UPDATE")
_SHARE = text("SELECT closing_since FROM account WHERE id = :id FOR SHARE")


async def lock(session: Session, account_id: UUID) -> None:
    """Lock an account for a change of all that is in it; before any project."""
    await session.execute(_LOCK, {"id": account_id})


async def share(session: Session, account_id: UUID) -> None:
    """Wait for whoever changes all that is in an account, and hold the next one off; before any
    project. For what is to be in it from now on; Unauthenticated when it is to go by now."""
    closing = await session.execute(_SHARE, {"id": account_id})
    if closing.scalar_one() is not None:
        raise Unauthenticated(reason="REVOKED")


async def viewer(executor: Executor, user_id: UUID, session_id: UUID) -> Viewer:
    """Who asks in this session, and where the change logs stood; Unauthenticated with reason
    REVOKED or EXPIRED once the session is no more, or has no access token that is good."""
    binds = {"user_id": user_id, "session_id": session_id}
    rows = (await executor.execute(_OF_SESSION, binds)).all()
    if not rows:
        raise Unauthenticated(reason="REVOKED")
    if rows[0].over:
        raise Unauthenticated(reason="EXPIRED")
    grant = Grant(session_id=session_id, authenticated_at=rows[0].authenticated_at)
    return viewer_of(rows, rows[0].until, grant)


def viewer_of(rows: Sequence[Row[Any]], expires_at: datetime, grant: Grant) -> Viewer:
    """The viewer out of the rows of VIEWER, one for each account."""
    return Viewer(
        user_id=rows[0].user_id,
        login=rows[0].login,
        created_at=rows[0].created_at,
        home=next(row.account_id for row in rows if row.home),
        expires_at=expires_at,
        epoch=rows[0].epoch,
        positions=tuple(Position(row.account_id, row.number, row.seq) for row in rows),
        grant=grant,
    )


async def of_namespaces(executor: Executor, names: Sequence[str]) -> dict[str, UUID]:
    """Which of these namespaces of the operator's cluster are accounts', and whose."""
    found = await executor.execute(_OF_NAMESPACES, {"names": list(names)})
    return {row.k8s_namespace: row.id for row in found}


async def users(executor: Executor, ids: list[UUID]) -> list[UserRow]:
    """Those of `ids` that exist."""
    return [UserRow(*row) for row in await executor.execute(_USERS, {"ids": ids})]


async def is_taken(executor: Executor, login: str) -> bool:
    """Whether somebody has this login."""
    return (await executor.execute(_TAKEN, {"login": login})).first() is not None


async def create(
    session: Session, login: str, secret: str | None, namespace: str
) -> UserRow | None:
    """A user with a password, unless it is None, a personal account and its feed; None when the
    login is taken. `namespace`: the account's in the operator's cluster, from now on."""
    user_id, account_id = new_id(), new_id()
    made = (await session.execute(_NEW_USER, {"id": user_id, "login": login})).first()
    if made is None:
        return None
    if secret is not None:
        identity = {"id": new_id(), "user_id": user_id, "provider": PASSWORD}
        await session.execute(_NEW_IDENTITY, identity | {"login": login, "secret": secret})
    account = {"id": account_id, "owner_id": user_id, "login": login, "namespace": namespace}
    await session.execute(_NEW_ACCOUNT, account)
    await session.execute(_NEW_MEMBER, {"account_id": account_id, "user_id": user_id})
    await feed.create(session, account_id)
    return UserRow(user_id, login, made.created_at)
