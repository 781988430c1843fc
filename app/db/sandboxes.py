"""Statements on what only a sandbox has; lifecycle and lease are `resources`' and `record`'s."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.rows import Executor, columns, read
from app.db.session import Session
from app.db.visibility import VISIBLE, visible_to
from app.domain.states import DesiredState, ResourceStatus, converged_sql
from app.domain.viewer import Scope


@dataclass(frozen=True, slots=True)
class SandboxRow:
    """A sandbox as users see it."""

    id: UUID
    project_id: UUID
    name: str
    status: ResourceStatus
    desired_state: DesiredState
    generation: int
    observed_generation: int
    converged: bool
    reason: str | None
    message: str | None
    object: str | None
    since: datetime | None
    attempts: int
    next_attempt_at: datetime | None
    k8s_namespace: str
    k8s_name: str
    public_url: str | None
    ttyd_url: str | None
    image: str
    cpu: str
    memory: str
    storage: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What the reconciler makes a sandbox from; the password is sealed."""

    id: UUID
    account_id: UUID
    k8s_namespace: str
    k8s_name: str
    project_name: str
    image: str
    cpu: str
    memory: str
    storage: str
    ttyd_user: str
    ttyd_password: bytes


_DETAILS = (
    "k8s_namespace",
    "k8s_name",
    "public_url",
    "ttyd_url",
    "image",
    "cpu",
    "memory",
    "storage",
)
_COLUMNS = columns(
    SandboxRow, "r", converged=converged_sql("r"), **{name: f"s.{name}" for name in _DETAILS}
)
_SELECT = f"SELECT {_COLUMNS} FROM resource r JOIN sandbox s ON s.id = r.id"
_BY_IDS = text(f"{_SELECT} WHERE r.id = ANY(CAST(:ids AS uuid[])) AND r.{VISIBLE}")
_OF_PROJECTS = text(f"""
{_SELECT} WHERE r.project_id = ANY(CAST(:ids AS uuid[])) AND r.{VISIBLE} ORDER BY r.id
""")
_PROJECT_OF = text(f"""
SELECT r.project_id FROM resource r WHERE r.id = :id AND r.kind = 'SANDBOX' AND r.{VISIBLE}
""")
_SPEC = text(f"SELECT {columns(SandboxSpec, 's')} FROM sandbox s WHERE s.id = :id")
_INSERT = text(f"""
INSERT INTO sandbox ({", ".join(f.name for f in fields(SandboxSpec))})
VALUES ({", ".join(f":{f.name}" for f in fields(SandboxSpec))})
""")


async def by_ids(executor: Executor, viewer: Scope, ids: Collection[UUID]) -> list[SandboxRow]:
    """Those of `ids` that exist and that `viewer` may see, in any order."""
    binds = {"ids": list(ids), **visible_to(viewer)}
    return read(SandboxRow, await executor.execute(_BY_IDS, binds))


async def of_projects(executor: Executor, viewer: Scope, ids: Collection[UUID]) -> list[SandboxRow]:
    """All sandboxes of these projects that `viewer` may see, in order of creation."""
    binds = {"ids": list(ids), **visible_to(viewer)}
    return read(SandboxRow, await executor.execute(_OF_PROJECTS, binds))


async def project_of(executor: Executor, viewer: Scope, sandbox_id: UUID) -> UUID | None:
    """The project of a sandbox that `viewer` may see: it is locked first."""
    binds = {"id": sandbox_id, **visible_to(viewer)}
    found: UUID | None = (await executor.execute(_PROJECT_OF, binds)).scalar_one_or_none()
    return found


async def spec(executor: Executor, sandbox_id: UUID) -> SandboxSpec | None:
    """What to make it from; None when its row is gone. For the reconciler, which has no viewer."""
    return next(iter(read(SandboxSpec, await executor.execute(_SPEC, {"id": sandbox_id}))), None)


async def insert(session: Session, made: SandboxSpec) -> None:
    """The details of a new sandbox, whose resource is there."""
    binds = {f.name: getattr(made, f.name) for f in fields(SandboxSpec)}
    await session.execute(_INSERT, binds)
