"""Statements on the settings of a user; values are sealed, and opened by whoever asked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.db.rows import Executor, columns, read
from app.db.session import Session
from app.domain.settings import Category

# Where values are sealed for (`KeyRing`).
TABLE: Final = "user_config"
COLUMN: Final = "value"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting with its sealed value."""

    id: UUID
    key: str
    value: bytes
    category: Category
    is_secret: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewSetting:
    """A setting to be written, new or over the one with its id."""

    id: UUID
    key: str
    value: bytes
    category: Category
    is_secret: bool


_SELECT = f"SELECT {columns(SettingRow, 'c')} FROM user_config c WHERE c.user_id = :user_id"
_OF_USER = text(f"{_SELECT} ORDER BY c.key")
_ARRAYS = {"id": "uuid", "key": "text", "value": "bytea", "category": "text", "is_secret": "bool"}
_PUT = text(f"""
INSERT INTO user_config AS c (user_id, {", ".join(_ARRAYS)})
SELECT CAST(:user_id AS uuid), {", ".join(f"i.{name}" for name in _ARRAYS)}
FROM unnest({", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _ARRAYS.items())})
  i({", ".join(_ARRAYS)})
ON CONFLICT (id) DO UPDATE SET value = excluded.value, category = excluded.category,
  is_secret = excluded.is_secret, updated_at = mooring_now() WHERE c.user_id = :user_id
""")
_DELETE = text("""
DELETE FROM user_config WHERE user_id = :user_id AND id = ANY(CAST(:ids AS uuid[]))
""")


async def of_user(executor: Executor, user_id: UUID) -> list[SettingRow]:
    """All of a user, by key."""
    return read(SettingRow, await executor.execute(_OF_USER, {"user_id": user_id}))


async def put(session: Session, user_id: UUID, rows: Sequence[NewSetting]) -> None:
    """Write settings of a user whose account is locked: that is what keeps keys unique."""
    if not rows:
        return
    arrays = {f.name: [getattr(row, f.name) for row in rows] for f in fields(NewSetting)}
    await session.execute(_PUT, {"user_id": user_id} | arrays)


async def delete(session: Session, user_id: UUID, ids: Collection[UUID]) -> None:
    """Remove settings of a user whose account is locked."""
    if ids:
        await session.execute(_DELETE, {"user_id": user_id, "ids": list(ids)})
