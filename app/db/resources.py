"""Statements on resources of either kind: lock, want, ask, count.

`ask` and `want` raise `asked`: whatever pass is under way then leaves lane and due_at as they are
written here, so that no wake-up is lost (design section 3.1). What a request wants or asks for
carries its trace.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.claims import crashed, due_when_asked
from app.db.generated import UNMOVED
from app.db.rows import Executor, columns, read
from app.db.session import Session
from app.domain import trace
from app.domain.states import DesiredState, ResourceKind, ResourceStatus


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """What users see of a resource of either kind; the last five are its kind's details."""

    id: UUID
    project_id: UUID
    kind: ResourceKind
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
    next_attempt_at: datetime
    created_at: datetime
    updated_at: datetime
    k8s_namespace: str
    k8s_name: str
    cpu: str
    memory: str
    storage: str


# Rows that one statement asks for.
_AT_ONCE = 500
_CRASHED = crashed("r")
# Of `r`: its deletion, of which there is one, does not rest before it was tried (decision 31).
_FRESH_END = "(r.desired_state = 'DELETED' AND r.observed_generation < r.generation)"
# Of `r`: when somebody asks for a look at it.
DUE = f"CASE WHEN {_FRESH_END} THEN mooring_now() ELSE {due_when_asked('r')} END"
# Of `r`: the next look at it, past while it waits for its turn; none before its cluster is asked.
NEXT_ATTEMPT = f"""
greatest(r.due_at, CASE WHEN NOT ({_CRASHED} AND {_FRESH_END}) THEN r.held_until END)
"""


@dataclass(frozen=True, slots=True)
class LockedResource:
    """A resource under our lock; its project is locked before it."""

    id: UUID
    account_id: UUID
    project_id: UUID
    kind: ResourceKind
    name: str
    desired_state: DesiredState
    generation: int
    status: ResourceStatus
    reason: str | None
    attempts: int


_LOCK = text(f"""
SELECT {columns(LockedResource, "r")} FROM resource r
WHERE r.project_id = ANY(CAST(:projects AS uuid[])) ORDER BY r.id FOR NO KEY UPDATE
""")
# Lane and time need the new wish: Postgres would read the old row.
_WANT = text(f"""
UPDATE resource r SET desired_state = :desired, generation = r.generation + 1,
  generation_since = mooring_now(), desired_generation = r.generation + 1,
  project_generation = :project_generation, updated_at = greatest(mooring_now(), r.updated_at),
  trace_id = :trace_id, asked = asked + 1, lane = CASE WHEN :desired = 'DELETED' THEN 1 ELSE 0 END,
  due_at = CASE WHEN :desired = 'DELETED' THEN mooring_now() ELSE {DUE} END
WHERE r.id = ANY(CAST(:ids AS uuid[])) RETURNING r.id, r.status
""")
# The desired state stays, and so does desired_generation: what is down is down still.
_EDIT = text(f"""
UPDATE resource r SET generation = r.generation + 1, generation_since = mooring_now(),
  project_generation = p.generation, updated_at = greatest(mooring_now(), r.updated_at),
  trace_id = :trace_id, asked = asked + 1, lane = 0, due_at = {DUE}
FROM project p WHERE p.id = r.project_id AND r.id = ANY(CAST(:ids AS uuid[]))
RETURNING r.id, r.status
""")
_ASK = text(f"""
WITH k AS MATERIALIZED (
  SELECT r.id FROM resource r WHERE r.id = ANY(CAST(:ids AS uuid[]))
    AND (NOT (CAST(:unless_crashed AS boolean) AND {_CRASHED}) OR r.locked_until > mooring_now())
  ORDER BY r.id FOR NO KEY UPDATE)
UPDATE resource r SET {UNMOVED}, asked = asked + 1, due_at = {DUE},
  lane = CASE WHEN desired_state = 'DELETED' THEN 1 ELSE 0 END
FROM k WHERE r.id = k.id
""")
_RETRY = text(f"""
UPDATE resource r SET asked = asked + 1, due_at = {DUE}, trace_id = :trace_id,
  lane = CASE WHEN desired_state = 'DELETED' THEN 1 ELSE 0 END
WHERE r.id = ANY(CAST(:ids AS uuid[]))
""")
_STOPPING_SANDBOXES = text("""
SELECT name FROM resource WHERE project_id = :id AND kind = 'SANDBOX'
  AND desired_state = 'STOPPED' AND status = 'STOPPING' ORDER BY id
""")
_MOVING = text("""
SELECT EXISTS (SELECT FROM resource WHERE lane IN (0, 1) AND lane < 2
  AND account_id = :account_id AND id <> :id)
""")
_INSERT = text("""
INSERT INTO resource (id, account_id, project_id, kind, name, desired_state, generation,
  desired_generation, project_generation, trace_id)
VALUES (:id, :account_id, :project_id, :kind, :name, 'RUNNING', 1, 1, :project_generation,
  :trace_id)
""")


async def lock(session: Session, *projects: UUID) -> list[LockedResource]:
    """Lock all resources of projects that are locked."""
    return read(LockedResource, await session.execute(_LOCK, {"projects": list(projects)}))


async def want(
    session: Session, ids: Collection[UUID], desired: DesiredState, project_generation: int
) -> dict[UUID, ResourceStatus]:
    """Write an intent on locked resources; their new statuses."""
    binds = {
        "ids": list(ids),
        "desired": desired.value,
        "project_generation": project_generation,
        "trace_id": trace.current(),
    }
    session.asked = True
    moved = await session.execute(_WANT, binds)
    return {row.id: ResourceStatus(row.status) for row in moved}


async def edit(session: Session, ids: Collection[UUID]) -> dict[UUID, ResourceStatus]:
    """Count an intent that is no wish for another state, on locked resources that are to stay;
    their new statuses."""
    session.asked = True
    moved = await session.execute(_EDIT, {"ids": list(ids), "trace_id": trace.current()})
    return {row.id: ResourceStatus(row.status) for row in moved}


async def ask(executor: Executor, ids: Collection[UUID], *, unless_crashed: bool = False) -> None:
    """Have these looked at now; carries no reason, and may be said too often.

    `unless_crashed`: those that ended their workers wait for their time. A watch may have heard of
    all there are, and what takes a statement too long is given up: some at a time, still by id.
    """
    ordered = sorted(ids)
    for start in range(0, len(ordered), _AT_ONCE):
        some = ordered[start : start + _AT_ONCE]
        await executor.execute(_ASK, {"ids": some, "unless_crashed": unless_crashed})


async def retry(session: Session, ids: Collection[UUID]) -> None:
    """Have these locked ones looked at now, for the request that is under way."""
    session.asked = True
    await session.execute(_RETRY, {"ids": list(ids), "trace_id": trace.current()})


async def stopping_sandboxes(executor: Executor, project_id: UUID) -> list[str]:
    """The names of a project's sandboxes that are on their way down. For the reconciler."""
    found = await executor.execute(_STOPPING_SANDBOXES, {"id": project_id})
    return [row.name for row in found]


async def moving(executor: Executor, account_id: UUID, but: UUID) -> bool:
    """Whether somebody asks for another resource of the account, or it is on its way. For the
    reconciler."""
    binds = {"account_id": account_id, "id": but}
    return bool((await executor.execute(_MOVING, binds)).scalar_one())


async def insert(
    session: Session,
    resource_id: UUID,
    *,
    account_id: UUID,
    project_id: UUID,
    kind: ResourceKind,
    name: str,
    project_generation: int,
) -> None:
    """A new resource, wanted RUNNING and due at once."""
    binds = {
        "id": resource_id,
        "account_id": account_id,
        "project_id": project_id,
        "kind": kind.value,
        "name": name,
        "project_generation": project_generation,
        "trace_id": trace.current(),
    }
    session.asked = True
    await session.execute(_INSERT, binds)
