"""A change with the state of now: what a feed reads once and hands to all its subscribers."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.db import feed, members, projects
from app.db.feed import Change
from app.db.members import Members
from app.db.projects import ProjectRow
from app.db.rows import Executor
from app.domain.viewer import Scope


@dataclass(frozen=True, slots=True)
class News:
    """One change; its project as it is by now (None: gone) with its resources."""

    change: Change
    project: ProjectRow | None
    members: Members


async def since(
    executor: Executor, scope: Scope, after: Mapping[UUID, int], most: int
) -> list[News]:
    """The first `most` changes beyond the accounts' seqs in `after`, in order within each."""
    changes = await feed.since(executor, scope, after, most)
    keys = {change.project_id for change in changes}
    if not keys:
        return []
    rows = {row.id: row for row in await projects.by_ids(executor, scope, keys)}
    owned = await members.of_projects(executor, scope, keys)
    return [
        News(change, rows.get(change.project_id), owned[change.project_id]) for change in changes
    ]
