"""Live changes. Each resolver checks first and returns the stream, so a refusal is an error."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import UUID

import strawberry

from app.domain import cursors, ids
from app.domain.cursors import StreamCursor
from app.domain.errors import InvalidCursor, NotFound
from app.domain.ids import NodeType
from app.domain.viewer import Viewer
from app.graphql import build
from app.graphql.context import State
from app.graphql.events import ProjectEvent
from app.graphql.nodes import Info
from app.live.streams import Stream


@strawberry.type(
    description=(
        "Live changes, over graphql-transport-ws or SSE. Without `after` a stream "
        "begins with SNAPSHOT events, with `after` by the changes since that "
        "cursor; then SYNCED; then each change as it happens. RESYNC says that "
        "changes may have been missed (cursor too old, slow client, lost connection"
        " inside): SNAPSHOT events and SYNCED follow, as at the start."
    )
)
class Subscription:
    """Live changes."""

    @strawberry.subscription(
        description=(
            "One project and what belongs to it. Ends after its DELETED; NOT_FOUND when"
            " there is none."
        )
    )
    async def project_changed(
        self,
        info: Info,
        id: strawberry.ID,
        after: str | None = strawberry.UNSET,
    ) -> AsyncGenerator[ProjectEvent, None]:
        """One project."""
        viewer = info.context.viewer
        found = ids.decode(id)
        if found is None or found[0] != NodeType.PROJECT:
            raise NotFound(field=["id"])
        return await _stream(info.context.state, viewer, found[1], after)

    @strawberry.subscription(
        description=(
            "All projects that the viewer may see, new ones too: one SNAPSHOT for each, if any."
        )
    )
    async def projects_changed(
        self, info: Info, after: str | None = strawberry.UNSET
    ) -> AsyncGenerator[ProjectEvent, None]:
        """All projects of the viewer."""
        return await _stream(info.context.state, info.context.viewer, None, after)


async def _stream(
    state: State, viewer: Viewer, project_id: UUID | None, after: str | None
) -> AsyncGenerator[ProjectEvent, None]:
    cursor = _cursor(after)
    resync_after = state.settings.resync_after
    stream = Stream(state.database, state.feeds, viewer, project_id, resync_after)
    await stream.check(cursor)
    return _events(stream, cursor)


async def _events(stream: Stream, after: StreamCursor | None) -> AsyncGenerator[ProjectEvent, None]:
    events = stream.events(after)
    try:
        async for event in events:
            yield build.event(event)
    finally:
        await events.aclose()


def _cursor(after: str | None) -> StreamCursor | None:
    if after is None or after is strawberry.UNSET:
        return None
    found = cursors.decode(after)
    if found is None:
        raise InvalidCursor(field=["after"])
    return found
