"""Statements on sessions, all of them by the database's clock.

Only a session's own user may end it, so each statement that names one names its user too. What a
viewer's session may do is read with the viewer (`app.db.accounts`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Interval, bindparam, text

from app.db.rows import Executor, columns, read
from app.domain.ids import new_id
from app.domain.sessions import Standing


@dataclass(frozen=True, slots=True)
class SignIn:
    """How and from where somebody signed in; `device` is the User-Agent."""

    provider: str
    device: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """How long things last: `access` of a token, `idle` of a session that nobody renews, `longest`
    of one that is renewed, `grace` of a refresh token that was just replaced."""

    access: timedelta
    idle: timedelta
    longest: timedelta
    grace: timedelta


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session; `rotation` is that of its newest refresh token."""

    id: UUID
    user_id: UUID
    provider: str
    device: str | None
    address: str | None
    rotation: int
    access_until: datetime
    expires_at: datetime
    last_used_at: datetime
    created_at: datetime


_COLUMNS = columns(SessionRow, "session")
_TERMS = [bindparam(name, type_=Interval) for name in ("access", "idle", "longest")]
_OPEN = text(f"""
INSERT INTO session (id, user_id, provider, device, address, access_until, expires_at)
VALUES (:id, :user_id, :provider, :device, :address,
  mooring_now() + least(:access, :idle, :longest), mooring_now() + least(:idle, :longest))
RETURNING {_COLUMNS}
""").bindparams(*_TERMS)
_TRIM = text("""
DELETE FROM session WHERE user_id = :user_id AND id IN (
  SELECT id FROM session WHERE user_id = :user_id ORDER BY id DESC OFFSET :most)
""")
_STANDING = text("""
SELECT rotation, rotated_at > mooring_clock() - CAST(:grace AS interval) AS fresh,
  expires_at <= mooring_clock() AS over
FROM session WHERE id = :id AND user_id = :user_id FOR NO KEY UPDATE
""")
_RENEW = text(f"""
UPDATE session SET rotation = :rotation, last_used_at = mooring_now(),
  rotated_at = CASE WHEN rotation = :rotation THEN rotated_at ELSE mooring_clock() END,
  access_until = least(mooring_now() + :access, created_at + :longest),
  expires_at = least(mooring_now() + :idle, created_at + :longest)
WHERE id = :id RETURNING {_COLUMNS}
""").bindparams(*_TERMS)
_PROVED = text("""
UPDATE session SET authenticated_at = mooring_now() WHERE id = :id AND user_id = :user_id
""")
_END = text("DELETE FROM session WHERE id = :id AND user_id = :user_id RETURNING id")
_END_ALL = text("""
DELETE FROM session WHERE user_id = :user_id AND id IS DISTINCT FROM CAST(:kept AS uuid)
RETURNING id
""")
_OF_USER = text(f"""
SELECT {_COLUMNS} FROM session
WHERE user_id = :user_id AND expires_at > mooring_now() ORDER BY id DESC
""")
# Whoever ends several of them holds what we would wait for, and may wait for what we hold.
_USED = text("""
UPDATE session SET last_used_at = mooring_now() WHERE id IN (
  SELECT id FROM session WHERE id = ANY(CAST(:ids AS uuid[])) FOR NO KEY UPDATE SKIP LOCKED)
""")


async def open_session(
    executor: Executor, user_id: UUID, sign_in: SignIn, terms: Terms
) -> SessionRow:
    """A new session of a user."""
    binds = {
        "id": new_id(),
        "user_id": user_id,
        "provider": sign_in.provider,
        "device": sign_in.device,
        "address": sign_in.address,
        "access": terms.access,
        "idle": terms.idle,
        "longest": terms.longest,
    }
    [row] = read(SessionRow, await executor.execute(_OPEN, binds))
    return row


async def trim(executor: Executor, user_id: UUID, most: int) -> None:
    """End the user's oldest sessions beyond `most`."""
    await executor.execute(_TRIM, {"user_id": user_id, "most": most})


async def standing(
    executor: Executor, user_id: UUID, session_id: UUID, grace: timedelta
) -> Standing | None:
    """Where the session's refresh tokens stand; it is locked. None: there is no such session."""
    binds = {"id": session_id, "user_id": user_id, "grace": grace}
    row = (await executor.execute(_STANDING, binds)).first()
    return Standing(row.rotation, row.fresh, row.over) if row else None


async def renew(executor: Executor, session_id: UUID, rotation: int, terms: Terms) -> SessionRow:
    """A locked session, lengthened; `rotation` is that of the refresh token that is given out."""
    binds = {
        "id": session_id,
        "rotation": rotation,
        "access": terms.access,
        "idle": terms.idle,
        "longest": terms.longest,
    }
    [row] = read(SessionRow, await executor.execute(_RENEW, binds))
    return row


async def end(executor: Executor, user_id: UUID, session_id: UUID) -> bool:
    """End a session of this user; whether there was one."""
    ended = await executor.execute(_END, {"id": session_id, "user_id": user_id})
    return ended.first() is not None


async def proved(executor: Executor, user_id: UUID, session_id: UUID) -> None:
    """The user of this session proved again who it is."""
    await executor.execute(_PROVED, {"id": session_id, "user_id": user_id})


async def end_all(executor: Executor, user_id: UUID, kept: UUID | None) -> int:
    """End all sessions of a user but `kept`; how many."""
    return len((await executor.execute(_END_ALL, {"user_id": user_id, "kept": kept})).all())


async def of_user(executor: Executor, user_id: UUID) -> list[SessionRow]:
    """The sessions of a user, newest first."""
    return read(SessionRow, await executor.execute(_OF_USER, {"user_id": user_id}))


async def used(executor: Executor, ids: Collection[UUID]) -> None:
    """Note that these were used just now."""
    await executor.execute(_USED, {"ids": list(ids)})
