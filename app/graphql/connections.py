"""Relay's connections (our own: strawberry.relay has unversioned ids and offset cursors)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import strawberry

from app.db import history, project_pages
from app.db.feed import Change as ChangeRow
from app.db.project_pages import Listing
from app.db.projects import ProjectRow
from app.domain import pages
from app.domain.pages import Asked, Page
from app.domain.viewer import TokenScope
from app.graphql import build
from app.graphql.nodes import Change, Info, Project


async def _total(root: strawberry.Parent[ProjectConnection], info: Info) -> int:
    viewer = info.context.viewer(TokenScope.PROJECTS_READ)
    async with info.context.state.database.read(viewer) as connection:
        return await project_pages.count(connection, viewer, root.listing)


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

    listing: strawberry.Private[Listing]
    edges: list[ProjectEdge] = strawberry.field(description="The projects with their cursors.")
    nodes: list[Project] = strawberry.field(description="The projects.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")
    total_count: int = strawberry.field(
        resolver=_total,
        description=("How many there are on all pages; counted only when asked for."),
    )


@strawberry.type(description="A change in a list.")
class ChangeEdge:
    """A change in a list."""

    node: Change = strawberry.field(description="The change.")
    cursor: str = strawberry.field(description="Give it as `after` or `before`.")


@strawberry.type(description="A page of changes.")
class ChangeConnection:
    """A page of changes."""

    edges: list[ChangeEdge] = strawberry.field(description="The changes with their cursors.")
    nodes: list[Change] = strawberry.field(description="The changes.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")


def asked(**arguments: Any) -> Asked:
    """The arguments of a connection; null is the same as left out."""
    given = {name: value for name, value in arguments.items() if value is not strawberry.UNSET}
    return Asked(**given)


def of_projects(page: Page[ProjectRow], listing: Listing) -> ProjectConnection:
    """A page of `listing`."""
    edges = [
        ProjectEdge(node=build.project(row), cursor=pages.encode(listing.scope, listing.place(row)))
        for row in page.items
    ]
    nodes = [edge.node for edge in edges]
    return ProjectConnection(
        listing=listing, edges=edges, nodes=nodes, page_info=page_info(page, edges)
    )


def of_changes(page: Page[ChangeRow], scope: str) -> ChangeConnection:
    """A page of the history `scope`."""
    edges = [
        ChangeEdge(node=build.change(row), cursor=pages.encode(scope, history.place(row)))
        for row in page.items
    ]
    nodes = [edge.node for edge in edges]
    return ChangeConnection(edges=edges, nodes=nodes, page_info=page_info(page, edges))


class Edge(Protocol):
    """Whatever has a cursor."""

    cursor: str


def page_info(page: Page[Any], edges: Sequence[Edge]) -> PageInfo:
    """Where a page with these edges stands."""
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
