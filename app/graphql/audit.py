"""The audit as its reader sees it: entries, their connection, and the query."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import orjson
import strawberry
from strawberry.scalars import JSON

from app.db import audit_pages
from app.db.audit import Outcome
from app.db.audit_pages import AuditRow, Wanted
from app.domain import ids, pages
from app.domain.ids import NodeType
from app.domain.pages import Page
from app.domain.viewer import TokenScope
from app.graphql import connections
from app.graphql.connections import PageInfo
from app.graphql.nodes import Actor, Info, Node
from app.services import auditing

T = TypeVar("T")


@strawberry.type(description="One line of the audit: who did what, on what, from where.")
class AuditEntry(Node):
    """One line of the audit."""

    at: datetime = strawberry.field(description="When.")
    action: str = strawberry.field(
        description="What was done, out of a published table: project.stop, session.create…"
    )
    outcome: Outcome = strawberry.field(description="What came of it.")
    actor: Actor = strawberry.field(
        description="Who did it; of a refused sign-in whom it was tried as."
    )
    session_id: strawberry.ID | None = strawberry.field(
        description="The session that it was done in, also when that has ended; else null."
    )
    token_id: strawberry.ID | None = strawberry.field(
        description="The API token that it was done with, also when that is gone; else null."
    )
    address: str | None = strawberry.field(description="The address that it came from.")
    subject_id: strawberry.ID | None = strawberry.field(
        description="The id of what it is about, also when that is gone; null if it has none."
    )
    subject_type: str | None = strawberry.field(description="The type of what it is about.")
    subject_name: str | None = strawberry.field(description="Its name at that time.")
    detail: JSON | None = strawberry.field(
        description="More about it, by action: names, counts, the code of a refusal; never a value."
    )


@strawberry.type(description="A line of the audit in a list.")
class AuditEdge:
    """A line of the audit in a list."""

    node: AuditEntry = strawberry.field(description="The line.")
    cursor: str = strawberry.field(description="Give it as `after` or `before`.")


@strawberry.type(description="A page of the audit.")
class AuditConnection:
    """A page of the audit."""

    edges: list[AuditEdge] = strawberry.field(description="The lines with their cursors.")
    nodes: list[AuditEntry] = strawberry.field(description="The lines.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")


@strawberry.input(description="Which lines of the audit; conditions left out are none.")
class AuditFilter:
    """Which lines of the audit."""

    actions: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="One of these actions, at most 100."
    )
    subject_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="About the thing with this id."
    )
    outcome: Outcome | None = strawberry.field(
        default=strawberry.UNSET, description="With this outcome."
    )
    since: datetime | None = strawberry.field(
        name="from", default=strawberry.UNSET, description="At this moment or later."
    )
    until: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Before this moment."
    )


@strawberry.type
class AuditQueries:
    """What can be read of the audit."""

    @strawberry.field(
        description=(
            "The audit, newest first: what was done on the viewer's accounts, and by the viewer. "
            "An API token that is limited to projects sees nothing of it."
        )
    )
    async def audit_log(
        self,
        info: Info,
        *,
        filter: AuditFilter | None = strawberry.UNSET,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> AuditConnection:
        """A page of the audit."""
        viewer, wanted = info.context.viewer(TokenScope.ACCOUNT), _wanted(filter or AuditFilter())
        asked = connections.asked(first=first, after=after, last=last, before=before)
        window = asked.window(wanted.scope, datetime)
        async with info.context.state.database.read(viewer) as connection:
            page = await audit_pages.page(connection, viewer, wanted, window)
        return of_page(page, wanted.scope)


def of_page(page: Page[AuditRow], scope: str) -> AuditConnection:
    """A page of the list `scope`."""
    edges = [
        AuditEdge(node=entry(row), cursor=pages.encode(scope, row.place)) for row in page.items
    ]
    return AuditConnection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=connections.page_info(page, edges),
    )


def entry(row: AuditRow) -> AuditEntry:
    """A line."""
    return AuditEntry(
        id=strawberry.ID(ids.encode(NodeType.AUDIT_ENTRY, row.id)),
        at=row.at,
        action=row.action,
        outcome=row.outcome,
        actor=Actor(user_key=row.user_id, kind=row.actor_kind, name=row.actor_name),
        session_id=_id(ids.of_type("Session", row.session_id)),
        token_id=_id(ids.of_type("ApiToken", row.token_id)),
        address=row.address,
        subject_id=_id(ids.of_type(row.subject_type, row.subject_id)),
        subject_type=row.subject_type,
        subject_name=row.subject_name,
        detail=JSON(orjson.loads(row.detail)) if row.detail else None,
    )


def _wanted(given: AuditFilter) -> Wanted:
    return auditing.wanted(
        _given(given.actions),
        _given(given.subject_id),
        _given(given.outcome),
        _given(given.since),
        _given(given.until),
        within=("filter",),
    )


def _given(value: T | None) -> T | None:
    return None if value is strawberry.UNSET else value


def _id(text: str | None) -> strawberry.ID | None:
    return None if text is None else strawberry.ID(text)
