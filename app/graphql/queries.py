"""Everything that can be read."""

from __future__ import annotations

import asyncio
from uuid import UUID

import strawberry

from app.db import projects
from app.db.accounts import UserRow
from app.domain import cursors, ids, limits
from app.domain.cursors import StreamCursor
from app.domain.errors import MEANING, BadRequest, ErrorCode, InvalidCursor
from app.domain.ids import NodeType
from app.graphql import build
from app.graphql.connections import PageInfo, ProjectConnection, ProjectEdge
from app.graphql.nodes import Info, Node, Project, User

_LAST = UUID(int=2**128 - 1)


@strawberry.type(description="What is to be known about an error code.")
class ErrorCodeInfo:
    """What is to be known about an error code."""

    code: ErrorCode = strawberry.field(description="The code.")
    description: str = strawberry.field(description="What it means and what to do.")
    retryable: bool = strawberry.field(description="The same request may succeed later.")


@strawberry.type(description="Everything that can be read.")
class Query:
    """Everything that can be read."""

    @strawberry.field(description="The signed-in user; UNAUTHENTICATED without one.")
    def me(self, info: Info) -> User:
        """The viewer."""
        viewer = info.context.viewer
        return build.user(UserRow(viewer.user_id, viewer.login, viewer.created_at))

    @strawberry.field(
        description=(
            "Anything by its global id; null when there is no such thing or the viewer "
            "may not see it."
        )
    )
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        """Anything by its id."""
        return await info.context.loaders.node(id)

    @strawberry.field(
        description=(
            "Several at once, in the order of `ids` (at most 100), null where there is none."
        )
    )
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        """Several at once."""
        if len(ids) > limits.NODES_MOST:
            raise BadRequest(f"At most {limits.NODES_MOST} ids.", ("ids",))
        return await asyncio.gather(*(info.context.loaders.node(one) for one in ids))

    @strawberry.field(description="One project; null when there is none that the viewer may see.")
    async def project(self, info: Info, id: strawberry.ID) -> Project | None:
        """One project."""
        found = await info.context.loaders.node(id)
        return found if isinstance(found, Project) else None

    @strawberry.field(
        description="The projects that the viewer may see; newest first unless ordered otherwise."
    )
    async def projects(
        self, info: Info, first: int | None = strawberry.UNSET, after: str | None = strawberry.UNSET
    ) -> ProjectConnection:
        """A page of projects, newest first."""
        viewer = info.context.viewer
        most = _page_size(first)
        before = _LAST if _left_out(after) else _place(str(after))
        async with info.context.state.database.read() as connection:
            rows = await projects.page(connection, viewer, before, most + 1)
        nodes = [build.project(row) for row in rows[:most]]
        edges = [ProjectEdge(node=node, cursor=node.id) for node in nodes]
        return ProjectConnection(
            edges=edges,
            nodes=nodes,
            page_info=PageInfo(
                has_next_page=len(rows) > most,
                has_previous_page=not _left_out(after),
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
            ),
        )

    @strawberry.field(
        description=(
            "Where the change log stands, read before everything else in the same "
            "operation. Ask for it with the data, then subscribe with it as `after`: no"
            " snapshot is sent and nothing in between is lost."
        )
    )
    def change_cursor(self, info: Info) -> str:
        """Read with the row that authenticated the operation, before everything else."""
        viewer = info.context.viewer
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


def _left_out(argument: object) -> bool:
    return argument is None or argument is strawberry.UNSET


def _page_size(first: int | None) -> int:
    most = limits.PAGE_DEFAULT if _left_out(first) or first is None else first
    if not 1 <= most <= limits.PAGE_MOST:
        raise BadRequest(f"From 1 to {limits.PAGE_MOST}.", ("first",))
    return most


def _place(after: str) -> UUID:
    found = ids.decode(after)
    if found is None or found[0] != NodeType.PROJECT:
        raise InvalidCursor(field=["after"])
    return found[1]
