"""What explains the status of resources, of whichever kind, for the `why` of their projects."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.resources import NEXT_ATTEMPT
from app.db.rows import Executor, columns, read
from app.db.visibility import visible, visible_to
from app.domain.states import ResourceKind, ResourceStatus, converged_sql
from app.domain.viewer import Scope


@dataclass(frozen=True, slots=True)
class Cause:
    """A resource that has something to say about its status."""

    id: UUID
    project_id: UUID
    kind: ResourceKind
    name: str
    status: ResourceStatus
    converged: bool
    reason: str
    message: str | None
    object: str | None
    since: datetime
    attempts: int
    next_attempt_at: datetime


_OF_PROJECTS = text(f"""
SELECT {columns(Cause, "r", converged=converged_sql("r"), next_attempt_at=NEXT_ATTEMPT)}
FROM resource r
WHERE r.project_id = ANY(CAST(:ids AS uuid[])) AND {visible("r")}
  AND r.reason IS NOT NULL AND r.since IS NOT NULL
""")


async def of_projects(executor: Executor, viewer: Scope, ids: Collection[UUID]) -> list[Cause]:
    """Those of the resources of these projects, in any order, that `viewer` may see."""
    binds = {"ids": list(ids), **visible_to(viewer)}
    return read(Cause, await executor.execute(_OF_PROJECTS, binds))
