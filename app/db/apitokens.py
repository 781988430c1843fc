"""Statements on API tokens: their owner's list, and the viewer behind one.

The table has no policy (`policies`): like a password it is read before anybody knows who asks. All
but `viewer` and `touch` therefore name the owner.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db import accounts
from app.db.rows import Executor, columns, read
from app.db.session import Session
from app.domain.viewer import NEVER, Grant, TokenScope, Viewer


@dataclass(frozen=True, slots=True)
class ApiTokenRow:
    """A token as its owner sees it; `project_ids` None: all projects; `expires_at` None: never."""

    id: UUID
    name: str
    hint: str
    scopes: list[str]
    project_ids: list[UUID] | None
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Presented:
    """A token that came with a request: who it acts as, and when it was last noted as used."""

    viewer: Viewer
    last_used_at: datetime | None


_OF_USER = text(f"""
SELECT {columns(ApiTokenRow, "t")} FROM api_token t
WHERE t.user_id = :user_id ORDER BY t.id DESC
""")
_BY_IDS = text(f"""
SELECT {columns(ApiTokenRow, "t")} FROM api_token t
WHERE t.user_id = :user_id AND t.id = ANY(CAST(:ids AS uuid[]))
""")
# Of two at once the second waits here and then counts the first one's.
_LOCK_OWNER = text('SELECT 1 FROM "user" WHERE id = :user_id FOR NO KEY UPDATE')
_COUNT = text("SELECT count(*) FROM api_token WHERE user_id = :user_id")
_INSERT = text(f"""
INSERT INTO api_token AS t (id, user_id, name, hash, hint, scopes, project_ids, expires_at)
VALUES (:id, :user_id, :name, :hash, :hint, CAST(:scopes AS text[]),
  CAST(:project_ids AS uuid[]), CAST(:expires_at AS timestamptz))
ON CONFLICT (user_id, name) DO NOTHING RETURNING {columns(ApiTokenRow, "t")}
""")
_DELETE = text(f"""
DELETE FROM api_token t WHERE t.id = :id AND t.user_id = :user_id
RETURNING {columns(ApiTokenRow, "t")}
""")
# The token's row comes with the viewer's: one round trip, as for a session.
_VIEWER = text(f"""
SELECT {accounts.VIEWER}, t.id AS token_id, t.name AS token_name, t.scopes, t.project_ids,
  t.expires_at, t.last_used_at
FROM api_token t, {accounts.OF_VIEWER} WHERE t.hash = :hash AND u.id = t.user_id
ORDER BY f.number
""")
_TOUCH = text("""
UPDATE api_token SET last_used_at = mooring_now() WHERE id IN (
  SELECT id FROM api_token WHERE id = ANY(CAST(:ids AS uuid[]))
    AND (last_used_at IS NULL OR last_used_at < mooring_now() - interval '1 minute')
  FOR NO KEY UPDATE SKIP LOCKED)
""")


async def of_user(executor: Executor, user_id: UUID) -> list[ApiTokenRow]:
    """All of a user, newest first."""
    return read(ApiTokenRow, await executor.execute(_OF_USER, {"user_id": user_id}))


async def by_ids(executor: Executor, user_id: UUID, ids: Collection[UUID]) -> list[ApiTokenRow]:
    """Those of `ids` that the user has, in any order."""
    binds = {"user_id": user_id, "ids": list(ids)}
    return read(ApiTokenRow, await executor.execute(_BY_IDS, binds))


async def count(session: Session, user_id: UUID) -> int:
    """How many a user has; nobody adds one until the transaction ends."""
    await session.execute(_LOCK_OWNER, {"user_id": user_id})
    found: int = (await session.execute(_COUNT, {"user_id": user_id})).scalar_one()
    return found


async def insert(
    session: Session, user_id: UUID, row: ApiTokenRow, key: bytes
) -> ApiTokenRow | None:
    """Write a new one, found by `key`; None when the user has one of this name."""
    binds = {
        "id": row.id,
        "user_id": user_id,
        "name": row.name,
        "hash": key,
        "hint": row.hint,
        "scopes": row.scopes,
        "project_ids": row.project_ids,
        "expires_at": row.expires_at,
    }
    return next(iter(read(ApiTokenRow, await session.execute(_INSERT, binds))), None)


async def delete(session: Session, user_id: UUID, token_id: UUID) -> ApiTokenRow | None:
    """Take one away, whatever uses it; None when the user has none of this id."""
    binds = {"id": token_id, "user_id": user_id}
    return next(iter(read(ApiTokenRow, await session.execute(_DELETE, binds))), None)


async def presented(executor: Executor, key: bytes) -> Presented | None:
    """Who asks with the token that is found by `key`; None when there is none (any more)."""
    rows = (await executor.execute(_VIEWER, {"hash": key})).all()
    if not rows:
        return None
    row = rows[0]
    grant = Grant(
        token_id=row.token_id,
        token_name=row.token_name,
        scopes=frozenset(map(TokenScope, row.scopes)),
        projects=None if row.project_ids is None else tuple(row.project_ids),
    )
    return Presented(accounts.viewer_of(rows, row.expires_at or NEVER, grant), row.last_used_at)


async def touch(session: Session, ids: Collection[UUID]) -> None:
    """Note that these are in use, unless that was noted within the last minute."""
    await session.execute(_TOUCH, {"ids": list(ids)})
