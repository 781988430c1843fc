"""What the two streams send."""

from __future__ import annotations

import strawberry

from app.graphql.nodes import Change, Project
from app.live.streams import EventKind


@strawberry.type(
    description=(
        "One event of a stream. It carries the state of now, not of then: "
        "applying it twice does no harm."
    )
)
class ProjectEvent:
    """One event of a stream."""

    cursor: str = strawberry.field(
        description=(
            "Give it as `after` to go on from here. Opaque; good for at least 24 "
            "hours, then RESYNC."
        )
    )
    kind: EventKind = strawberry.field(description="What this event says.")
    project_id: strawberry.ID | None = strawberry.field(
        description="The project it is about; null in SYNCED and RESYNC."
    )
    project: Project | None = strawberry.field(
        description=("Its state now; null in SYNCED and RESYNC, and when it is gone by now.")
    )
    change: Change | None = strawberry.field(
        description="What changed; null in SNAPSHOT, SYNCED and RESYNC."
    )
    deleted_id: strawberry.ID | None = strawberry.field(
        description=(
            "The project, sandbox or database that is gone for good, for caches to "
            "drop; otherwise null."
        )
    )
