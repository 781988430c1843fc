"""Everything that can be read."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import strawberry

from app.db import project_pages
from app.db.accounts import UserRow
from app.db.project_pages import Listing
from app.domain import cursors, limits
from app.domain.cursors import StreamCursor
from app.domain.errors import MEANING, BadRequest, ErrorCode
from app.domain.validation import Check
from app.domain.viewer import TokenScope
from app.graphql import build, connections
from app.graphql.audit import AuditQueries
from app.graphql.connections import ProjectConnection
from app.graphql.inputs import ProjectFilter, ProjectOrder
from app.graphql.nodes import Info, Node, Project, User
from app.graphql.settings import SettingQueries
from app.graphql.sign_in import SignInQueries


@strawberry.type(description="What is to be known about an error code.")
class ErrorCodeInfo:
    """What is to be known about an error code."""

    code: ErrorCode = strawberry.field(description="The code.")
    description: str = strawberry.field(description="What it means and what to do.")
    retryable: bool = strawberry.field(description="The same request may succeed later.")


@strawberry.type(description="Everything that can be read.")
class Query(SignInQueries, AuditQueries, SettingQueries):
    """Everything that can be read."""

    @strawberry.field(description="The signed-in user; UNAUTHENTICATED without one.")
    def me(self, info: Info) -> User:
        """The viewer; any token may know whose it is."""
        viewer = info.context.anybody
        return build.user(UserRow(viewer.user_id, viewer.login, viewer.created_at))

    @strawberry.field(
        description=(
            "Anything by its global id; null when there is no such thing or the viewer "
            "may not see it."
        )
    )
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        """Anything by its id."""
        return await info.context.node(id)

    @strawberry.field(
        description=(
            "Several at once, in the order of `ids` (at most 100), null where there is none."
        )
    )
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        """Several at once."""
        if len(ids) > limits.NODES_MOST:
            raise BadRequest(f"At most {limits.NODES_MOST} ids.", ("ids",))
        return await asyncio.gather(*(info.context.node(one) for one in ids))

    @strawberry.field(description="One project; null when there is none that the viewer may see.")
    async def project(self, info: Info, id: strawberry.ID) -> Project | None:
        """One project."""
        found = await info.context.node(id)
        return found if isinstance(found, Project) else None

    @strawberry.field(
        description="The projects that the viewer may see; newest first unless ordered otherwise."
    )
    async def projects(
        self,
        info: Info,
        *,
        filter: ProjectFilter | None = strawberry.UNSET,
        order_by: ProjectOrder | None = strawberry.UNSET,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> ProjectConnection:
        """A page of projects."""
        listing = _listing(filter, order_by)
        asked = connections.asked(first=first, after=after, last=last, before=before)
        window = asked.window(listing.scope, listing.key)
        viewer = info.context.viewer(TokenScope.PROJECTS_READ)
        async with info.context.state.database.read(viewer) as connection:
            page = await project_pages.page(connection, viewer, listing, window)
        return connections.of_projects(page, listing)

    @strawberry.field(
        description=(
            "Where the change log stands, read before everything else in the same "
            "operation. Ask for it with the data, then subscribe with it as `after`: no"
            " snapshot is sent and nothing in between is lost."
        )
    )
    def change_cursor(self, info: Info) -> str:
        """Read with the row that authenticated the operation, before everything else."""
        viewer = info.context.viewer(TokenScope.PROJECTS_READ)
        seqs = {position.number: position.seq for position in viewer.positions}
        return cursors.encode(StreamCursor(viewer.epoch, seqs))

    @strawberry.field(
        description="Every code that a top-level error can carry, with what to do about it."
    )
    def error_codes(self) -> list[ErrorCodeInfo]:
        """The table of codes."""
        return [
            ErrorCodeInfo(code=code, description=meaning, retryable=retryable)
            for code, (meaning, retryable) in MEANING.items()
        ]


def _listing(given: ProjectFilter | None, order: ProjectOrder | None) -> Listing:
    listing = Listing()
    if given and given.statuses is not None and given.statuses is not strawberry.UNSET:
        listing = replace(listing, statuses=frozenset(given.statuses))
    if given and given.search is not None and given.search is not strawberry.UNSET:
        listing = replace(listing, search=_search(given.search))
    if order:
        listing = replace(listing, field=order.field, direction=order.direction)
    return listing


def _search(text: str) -> str:
    check = Check()
    clean = check.text(text, ("filter", "search"), limits.DESCRIPTION)
    for problem in check.problems:
        raise BadRequest(problem.message, problem.field)
    return clean
