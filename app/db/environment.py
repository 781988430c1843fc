"""Statements on the variables of projects; values are sealed, and opened by whoever asked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.rows import Executor, columns, read
from app.db.session import Session
from app.db.visibility import visible, visible_to
from app.domain.viewer import Scope

TABLE = "environment"
COLUMN = "value"


@dataclass(frozen=True, slots=True)
class VariableRow:
    """A variable with its sealed value."""

    id: UUID
    project_id: UUID
    key: str
    value: bytes
    category: str
    is_secret: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewVariable:
    """A variable to be written, new or over the one with its id."""

    id: UUID
    key: str
    value: bytes
    category: str
    is_secret: bool


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a sandbox gets of a variable."""

    id: UUID
    key: str
    value: bytes


_SELECT = f"SELECT {columns(VariableRow, 'e')} FROM environment e"
_BY_IDS = text(f"{_SELECT} WHERE e.id = ANY(CAST(:ids AS uuid[])) AND {visible('e')}")
_OF_PROJECTS = text(f"""
{_SELECT} WHERE e.project_id = ANY(CAST(:ids AS uuid[])) AND {visible("e")} ORDER BY e.key
""")
_SHOWN = text(f"""
SELECT coalesce(sum(octet_length(e.value)), 0) FROM environment e
WHERE e.project_id = ANY(CAST(:ids AS uuid[])) AND NOT e.is_secret AND {visible("e")}
""")
_SEALED = text(f"""
SELECT {columns(Sealed, "e")} FROM environment e WHERE e.project_id = :id ORDER BY e.key
""")
_ARRAYS = {"id": "uuid", "key": "text", "value": "bytea", "category": "text", "is_secret": "bool"}
_PUT = text(f"""
INSERT INTO environment (account_id, project_id, {", ".join(_ARRAYS)})
SELECT :account_id, :project_id, {", ".join(f"i.{name}" for name in _ARRAYS)}
FROM unnest({", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _ARRAYS.items())})
  i({", ".join(_ARRAYS)})
ON CONFLICT (id) DO UPDATE SET value = excluded.value, category = excluded.category,
  is_secret = excluded.is_secret, updated_at = mooring_now()
""")
_DELETE = text("DELETE FROM environment WHERE id = ANY(CAST(:ids AS uuid[]))")


async def by_ids(executor: Executor, viewer: Scope, ids: Collection[UUID]) -> list[VariableRow]:
    """Those of `ids` that exist and that `viewer` may see, in any order."""
    binds = {"ids": list(ids), **visible_to(viewer)}
    return read(VariableRow, await executor.execute(_BY_IDS, binds))


async def of_projects(
    executor: Executor, viewer: Scope, ids: Collection[UUID]
) -> list[VariableRow]:
    """All of these projects that `viewer` may see, by key."""
    binds = {"ids": list(ids), **visible_to(viewer)}
    return read(VariableRow, await executor.execute(_OF_PROJECTS, binds))


async def shown_bytes(executor: Executor, viewer: Scope, ids: Collection[UUID]) -> int:
    """Bytes of what is not secret in all of these projects that `viewer` may see."""
    binds = {"ids": list(ids), **visible_to(viewer)}
    found: int = (await executor.execute(_SHOWN, binds)).scalar_one()
    return found


async def of_project(executor: Executor, project_id: UUID) -> list[Sealed]:
    """What the sandboxes of a project get, by key. For the reconciler: no viewer."""
    return read(Sealed, await executor.execute(_SEALED, {"id": project_id}))


async def put(
    session: Session, *, account_id: UUID, project_id: UUID, rows: Sequence[NewVariable]
) -> None:
    """Write variables of a project that is locked: its lock is what keeps keys unique."""
    if not rows:
        return
    arrays = {f.name: [getattr(row, f.name) for row in rows] for f in fields(NewVariable)}
    await session.execute(_PUT, {"account_id": account_id, "project_id": project_id} | arrays)


async def delete(session: Session, ids: Collection[UUID]) -> None:
    """Remove variables of a project that is locked."""
    if ids:
        await session.execute(_DELETE, {"ids": list(ids)})
