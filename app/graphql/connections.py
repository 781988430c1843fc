"""Relay's connections (our own: strawberry.relay has unversioned ids and offset cursors)."""

from __future__ import annotations

import strawberry

from app.db import projects
from app.graphql.nodes import Info, Project


async def _total(info: Info) -> int:
    async with info.context.state.database.read() as connection:
        return await projects.count(connection, info.context.viewer)


@strawberry.type(description="Where a page stands in the list.")
class PageInfo:
    """Where a page stands in the list."""

    has_next_page: bool = strawberry.field(description="There is more after this page.")
    has_previous_page: bool = strawberry.field(description="There is more before this page.")
    start_cursor: str | None = strawberry.field(
        description="Cursor of the first item; null on an empty page."
    )
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last item; null on an empty page."
    )


@strawberry.type(description="A project in a list.")
class ProjectEdge:
    """A project in a list."""

    node: Project = strawberry.field(description="The project.")
    cursor: str = strawberry.field(description="Give it as `after` or `before`.")


@strawberry.type(description="A page of projects.")
class ProjectConnection:
    """A page of projects."""

    edges: list[ProjectEdge] = strawberry.field(description="The projects with their cursors.")
    nodes: list[Project] = strawberry.field(description="The projects.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")
    total_count: int = strawberry.field(
        resolver=_total,
        description=("How many there are on all pages; counted only when asked for."),
    )
