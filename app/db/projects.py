"""Statements on projects: read, lock, change, and the aggregate over their resources.

Every read on behalf of a user goes through `visible_to(viewer)`: absent and forbidden look alike.
`settle` is the only writer of `project.status` after creation; it runs under the project's lock,
after every statement that moved a resource, and removes a project that is to go and has nothing
left.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.feed import NewChange
from app.db.rows import Executor, columns, read
from app.db.session import Session
from app.db.visibility import visible, visible_to
from app.domain.aggregate import ProjectStatus, status_sql
from app.domain.names import folded
from app.domain.states import DesiredState, converged_sql
from app.domain.viewer import Scope


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project as users see it, with what is aggregated from its resources."""

    id: UUID
    account_id: UUID
    name: str
    name_folded: str
    description: str | None
    github_repo: str | None
    status: ProjectStatus
    desired_state: DesiredState | None
    generation: int
    observed_generation: int
    converged: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LockedProject:
    """A project under our lock, with its own desired state."""

    id: UUID
    account_id: UUID
    name: str
    status: ProjectStatus
    desired_state: DesiredState
    generation: int


# domain.aggregate.desired_state and observed_generation, in SQL; a property test compares them.
_AGGREGATES = {
    "desired_state": "CASE WHEN p.desired_state = 'DELETED' OR g.low IS NULL THEN p.desired_state"
    " WHEN g.low = g.high THEN g.low END",
    "observed_generation": "coalesce(g.behind - 1, p.generation)",
    "converged": "coalesce(g.converged, p.desired_state <> 'DELETED')",
}
SELECT = f"""
SELECT {columns(ProjectRow, "p", **_AGGREGATES)}
FROM project p LEFT JOIN LATERAL (
  SELECT min(r.desired_state) FILTER (WHERE r.desired_state <> 'DELETED') AS low,
    max(r.desired_state) FILTER (WHERE r.desired_state <> 'DELETED') AS high,
    min(r.project_generation) FILTER (WHERE r.observed_generation < r.generation) AS behind,
    bool_and({converged_sql("r")}) AS converged
  FROM resource r WHERE r.project_id = p.id) g ON true
"""

_BY_IDS = text(f"{SELECT} WHERE p.id = ANY(CAST(:ids AS uuid[])) AND {visible('p', 'id')}")
_IDS = text(f"SELECT p.id FROM project p WHERE {visible('p', 'id')} ORDER BY p.id")
_LOCK = text(f"""
SELECT {columns(LockedProject, "p")} FROM project p
WHERE p.id = :id AND {visible("p", "id")} FOR NO KEY UPDATE
""")
_LOCK_OWNED = text(f"""
SELECT {columns(LockedProject, "p")} FROM project p
WHERE p.account_id = :account_id AND {visible("p", "id")} ORDER BY p.id FOR NO KEY UPDATE
""")
_LOCK_ALL = text(f"""
SELECT {columns(LockedProject, "p")} FROM project p
WHERE p.id = ANY(CAST(:ids AS uuid[])) ORDER BY p.id FOR NO KEY UPDATE
""")
_INSERT = text("""
INSERT INTO project (id, account_id, name, name_folded, description, description_folded,
  github_repo, status, desired_state, generation)
VALUES (:id, :account_id, :name, :name_folded, :description, :description_folded,
  :github_repo, :status, :desired_state, 1)
""")
_DESCRIBE = text("""
UPDATE project SET name = :name, name_folded = :name_folded, description = :description,
  description_folded = :description_folded, github_repo = :github_repo, version = version + 1,
  generation = generation + 1,
  updated_at = greatest(mooring_now(), updated_at + interval '1 microsecond')
WHERE id = :id
""")
_INTEND = text("""
UPDATE project SET generation = generation + 1,
  desired_state = coalesce(:desired_state, desired_state)
WHERE id = :id RETURNING generation
""")
_INTEND_ALL = text("""
UPDATE project SET generation = generation + 1 WHERE id = ANY(CAST(:ids AS uuid[]))
""")
# updated_at grows strictly: of two answers the later one is newer, whatever now() was.
_SETTLE = text(f"""
UPDATE project p SET status = g.status, version = p.version + 1,
  updated_at = greatest(mooring_now(), p.updated_at + interval '1 microsecond')
FROM project o CROSS JOIN LATERAL (
  SELECT count(r.id) AS members, {status_sql("o", "r")} AS status
  FROM resource r WHERE r.project_id = o.id) g
WHERE p.id = o.id AND o.id = ANY(CAST(:ids AS uuid[]))
RETURNING p.id, p.status, g.members
""")
_ALL = text("SELECT id FROM project ORDER BY id FOR NO KEY UPDATE")
_REMOVE_ENVIRONMENT = text("DELETE FROM environment WHERE project_id = ANY(CAST(:ids AS uuid[]))")
_REMOVE = text("DELETE FROM project WHERE id = ANY(CAST(:ids AS uuid[]))")


async def by_ids(executor: Executor, viewer: Scope, ids: Collection[UUID]) -> list[ProjectRow]:
    """Those of `ids` that exist and that `viewer` may see, in any order."""
    binds = {"ids": list(ids), **visible_to(viewer)}
    return read(ProjectRow, await executor.execute(_BY_IDS, binds))


async def all_ids(executor: Executor, viewer: Scope) -> list[UUID]:
    """All projects that `viewer` may see, in order of creation."""
    found = await executor.execute(_IDS, visible_to(viewer))
    return [row.id for row in found]


async def lock(session: Session, viewer: Scope, project_id: UUID) -> LockedProject | None:
    """Lock one project for a verb; None when there is none that `viewer` may see."""
    binds = {"id": project_id, **visible_to(viewer)}
    return next(iter(read(LockedProject, await session.execute(_LOCK, binds))), None)


async def lock_owned(session: Session, viewer: Scope, account_id: UUID) -> list[LockedProject]:
    """Lock all projects of an account that is locked, by id."""
    binds = {"account_id": account_id, **visible_to(viewer)}
    return read(LockedProject, await session.execute(_LOCK_OWNED, binds))


async def lock_all(session: Session, ids: Collection[UUID]) -> list[LockedProject]:
    """Lock projects for a record, by id."""
    return read(LockedProject, await session.execute(_LOCK_ALL, {"ids": list(ids)}))


async def insert(
    session: Session,
    project: LockedProject,
    *,
    description: str | None,
    github_repo: str | None,
) -> None:
    """Write a new project."""
    binds = {
        "id": project.id,
        "account_id": project.account_id,
        "status": project.status,
        "desired_state": project.desired_state,
    }
    await session.execute(_INSERT, binds | _described(project.name, description, github_repo))


async def describe(
    session: Session,
    project_id: UUID,
    *,
    name: str,
    description: str | None,
    github_repo: str | None,
) -> None:
    """Change what is known about a project."""
    binds = _described(name, description, github_repo)
    await session.execute(_DESCRIBE, {"id": project_id} | binds)


async def intend_all(session: Session, ids: Collection[UUID]) -> None:
    """Count an intent in each of these locked projects, whose own wishes stay."""
    await session.execute(_INTEND_ALL, {"ids": list(ids)})


async def intend(session: Session, project_id: UUID, desired: DesiredState | None) -> int:
    """Count an intent in the project (and its own wish, if one is meant); the new generation."""
    binds = {"id": project_id, "desired_state": desired}
    generation: int = (await session.execute(_INTEND, binds)).scalar_one()
    return generation


async def settle_all(executor: Executor) -> None:
    """Aggregate all there are anew, where nobody is to be told line by line."""
    found = await executor.execute(_ALL)
    await executor.execute(_SETTLE, {"ids": list(found.scalars())})


async def settle(
    session: Session,
    before: Sequence[LockedProject],
    verb: str | None = None,
    message: str | None = None,
) -> None:
    """Aggregate anew, remove those that are to go and are empty, and note what became visible.

    `verb` is what a user did to the projects themselves: it has a line even if no status moved;
    `message` says more of it.
    """
    if not before:
        return
    settled = await session.execute(_SETTLE, {"ids": [project.id for project in before]})
    after = {row.id: row for row in settled}
    going = [p for p in before if p.desired_state == DesiredState.DELETED]
    gone = [p for p in going if not after[p.id].members]
    if gone:
        keys = {"ids": [project.id for project in gone]}
        await session.execute(_REMOVE_ENVIRONMENT, keys)
        await session.execute(_REMOVE, keys)
    for project in before:
        status = after[project.id].status
        if project in gone:
            lines = [(verb, project.status), ("gone", status)] if verb else [("gone", status)]
        else:
            lines = [(verb or "status", status)] if verb or status != project.status else []
        session.changes += [change(project, f"project.{word}", to, message) for word, to in lines]


def change(
    project: LockedProject, action: str, to_status: str, message: str | None = None
) -> NewChange:
    """A change of the project itself."""
    return NewChange(
        account_id=project.account_id,
        project_id=project.id,
        action=action,
        subject_id=project.id,
        subject_type="Project",
        subject_name=project.name,
        from_status=project.status,
        to_status=to_status,
        message=message,
    )


def _described(
    name: str, description: str | None, github_repo: str | None
) -> dict[str, str | None]:
    """The columns of what is known about a project, with what it is ordered by and searched in."""
    return {
        "name": name,
        "name_folded": folded(name),
        "description": description,
        "description_folded": None if description is None else folded(description),
        "github_repo": github_repo,
    }
