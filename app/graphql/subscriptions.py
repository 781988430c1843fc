"""Live changes. Each resolver checks first and returns the stream, so a refusal is an error."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import UUID

import strawberry

from app.domain import cursors, ids
from app.domain.cursors import StreamCursor
from app.domain.errors import InvalidCursor, NotFound
from app.domain.ids import NodeType
from app.domain.viewer import TokenScope, Viewer
from app.graphql import build
from app.graphql.context import Context
from app.graphql.events import ProjectEvent
from app.graphql.nodes import Info
from app.graphql.settings import Setting, settings
from app.live.settings import SettingsSeen, follow
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
        viewer = info.context.viewer(TokenScope.PROJECTS_READ)
        found = ids.decode(id)
        if found is None or found[0] != NodeType.PROJECT:
            raise NotFound(field=["id"])
        return await _stream(info.context, viewer, found[1], after)

    @strawberry.subscription(
        description=(
            "All projects that the viewer may see, new ones too: one SNAPSHOT for each, if any."
        )
    )
    async def projects_changed(
        self, info: Info, after: str | None = strawberry.UNSET
    ) -> AsyncGenerator[ProjectEvent, None]:
        """All projects of the viewer."""
        return await _stream(
            info.context, info.context.viewer(TokenScope.PROJECTS_READ), None, after
        )

    @strawberry.subscription(
        description=(
            "All settings of the viewer: as they are now, and again after each change, such as"
            " when a kubeconfig was looked at. No cursor: what comes is always all of it."
        )
    )
    async def setting_changed(self, info: Info) -> AsyncGenerator[list[Setting], None]:
        """The viewer's settings."""
        viewer, state = info.context.viewer(TokenScope.ACCOUNT), info.context.state
        seen = follow(state.database, state.feeds, viewer, state.settings.settings_poll)
        return _settings(info.context, seen)


async def _settings(
    context: Context, seen: AsyncGenerator[SettingsSeen, None]
) -> AsyncGenerator[list[Setting], None]:
    try:
        async for one in seen:
            context.shown = 0
            yield settings(one, context.state.makers.keys)
    finally:
        await seen.aclose()


async def _stream(
    context: Context, viewer: Viewer, project_id: UUID | None, after: str | None
) -> AsyncGenerator[ProjectEvent, None]:
    cursor = _cursor(context, after)
    state = context.state
    resync_after = state.settings.resync_after
    stream = Stream(state.database, state.feeds, viewer, project_id, resync_after)
    await stream.check(cursor)
    return _events(context, stream, cursor)


async def _events(
    context: Context, stream: Stream, after: StreamCursor | None
) -> AsyncGenerator[ProjectEvent, None]:
    events = stream.events(after)
    try:
        async for event in events:
            context.cursor, context.shown = event.cursor, 0
            yield build.event(event)
    finally:
        await events.aclose()


def _cursor(context: Context, after: str | None) -> StreamCursor | None:
    """Where to go on. A Last-Event-ID is newer than `after`, which a client that reconnects by
    itself sends again as it was."""
    if context.last_event_id:
        return _decoded(context.last_event_id, header="Last-Event-ID")
    if after is None or after is strawberry.UNSET:
        return None
    return _decoded(after, field=["after"])


def _decoded(text: str, **whose: object) -> StreamCursor:
    found = cursors.decode(text)
    if found is None:
        raise InvalidCursor(**whose)
    return found
