"""From rows to the types of the schema."""

from __future__ import annotations

from typing import Any

import strawberry

from app.db.accounts import UserRow
from app.db.causes import Cause
from app.db.databases import DatabaseRow
from app.db.feed import Change as ChangeRow
from app.db.members import Members
from app.db.projects import ProjectRow
from app.db.resources import ResourceRow
from app.db.sandboxes import SandboxRow
from app.domain import hosts, ids, reasons
from app.domain.aggregate import ProjectStatus
from app.domain.ids import NodeType
from app.graphql.events import ProjectEvent
from app.graphql.nodes import (
    Actor,
    Change,
    Database,
    DatabaseEndpoint,
    Explanation,
    ExposedPort,
    Project,
    Sandbox,
    User,
)
from app.live.streams import Event

_TYPES = {
    "Project": NodeType.PROJECT,
    "Sandbox": NodeType.SANDBOX,
    "Database": NodeType.DATABASE,
}
# What a resource shows as its row has it.
_SAME = (
    "name",
    "status",
    "desired_state",
    "generation",
    "observed_generation",
    "converged",
    "k8s_namespace",
    "k8s_name",
    "cpu",
    "memory",
    "storage",
    "created_at",
    "updated_at",
)


def user(row: UserRow) -> User:
    """A user."""
    key = strawberry.ID(ids.encode(NodeType.USER, row.id))
    return User(id=key, login=row.login, created_at=row.created_at)


def project(row: ProjectRow, members: Members | None = None) -> Project:
    """A project; `members` are its resources if they are known already."""
    return Project(
        row=row,
        members=members,
        id=strawberry.ID(ids.encode(NodeType.PROJECT, row.id)),
        name=row.name,
        description=row.description,
        github_repo=row.github_repo,
        status=row.status,
        desired_state=row.desired_state,
        generation=row.generation,
        observed_generation=row.observed_generation,
        converged=row.converged,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def sandbox(row: SandboxRow) -> Sandbox:
    """A sandbox."""
    return Sandbox(
        **_shared(row, NodeType.SANDBOX),
        public_url=row.public_url,
        ttyd_url=row.ttyd_url,
        ports=[
            ExposedPort(port=port, url=hosts.opened(row.public_url, row.k8s_name, port))
            for port in row.ports
        ],
        image=row.image,
    )


def database(row: DatabaseRow) -> Database:
    """A database."""
    return Database(
        **_shared(row, NodeType.DATABASE),
        endpoint=_endpoint(row),
        version=row.observed_version or row.version,
        replicas=row.replicas,
    )


def change(row: ChangeRow, of: Project | None = None) -> Change:
    """A line of history; `of` is its project if that is known already."""
    return Change(
        row=row,
        project=of,
        id=strawberry.ID(ids.encode(NodeType.CHANGE, row.account_id, row.seq)),
        at=row.at,
        action=row.action,
        subject_id=subject_id(row),
        subject_type=row.subject_type,
        subject_name=row.subject_name,
        from_status=ProjectStatus(row.from_status) if row.from_status else None,
        to_status=ProjectStatus(row.to_status) if row.to_status else None,
        reason=row.reason,
        message=row.message,
        actor=Actor(user_key=row.actor_user_id, kind=row.actor_kind, name=row.actor_name),
    )


def subject_id(row: ChangeRow) -> strawberry.ID:
    """The global id of what a change is about."""
    return strawberry.ID(ids.encode(_TYPES[row.subject_type], row.subject_id))


def event(seen: Event) -> ProjectEvent:
    """An event of a stream."""
    whole = project(seen.project, seen.members) if seen.project else None
    line = seen.change
    return ProjectEvent(
        cursor=seen.cursor,
        kind=seen.kind,
        project_id=strawberry.ID(ids.encode(NodeType.PROJECT, seen.project_id))
        if seen.project_id
        else None,
        project=whole,
        change=change(line, whole) if line else None,
        deleted_id=subject_id(line) if line and line.gone else None,
    )


def _shared(row: ResourceRow, kind: NodeType) -> dict[str, Any]:
    return {
        "project_key": row.project_id,
        "id": strawberry.ID(ids.encode(kind, row.id)),
        "why": explanation(row),
    } | {name: getattr(row, name) for name in _SAME}


def _endpoint(row: DatabaseRow) -> DatabaseEndpoint | None:
    if row.host is None or row.port is None or row.database is None or row.username is None:
        return None
    return DatabaseEndpoint(
        host=row.host, port=row.port, database=row.database, username=row.username
    )


def explanation(row: ResourceRow | Cause) -> Explanation | None:
    """Why a resource is in its status, when there is something to say."""
    if row.reason is None or row.since is None:
        return None
    known = reasons.known(row.reason)
    return Explanation(
        resource_id=strawberry.ID(ids.encode(NodeType[row.kind], row.id)),
        resource_name=row.name,
        reason=row.reason,
        message=row.message or "",
        object=row.object,
        turn=known.turn if known else None,
        remedy=known.remedy if known else None,
        since=row.since,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
    )
