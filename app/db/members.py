"""What belongs to projects, both kinds read together."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from app.db.databases import DATABASES, DatabaseRow
from app.db.resources import ResourceRow
from app.db.rows import Executor
from app.db.sandboxes import SANDBOXES, SandboxRow
from app.domain.viewer import Scope


@dataclass(frozen=True, slots=True)
class Members:
    """The resources of one project, each kind in order of creation."""

    sandboxes: tuple[SandboxRow, ...] = ()
    databases: tuple[DatabaseRow, ...] = ()

    @property
    def all(self) -> tuple[ResourceRow, ...]:
        """Both kinds."""
        return (*self.sandboxes, *self.databases)


NONE = Members()


async def of_projects(
    executor: Executor, viewer: Scope, ids: Collection[UUID]
) -> dict[UUID, Members]:
    """The members of each of these projects, as far as `viewer` may see them."""
    sandboxes = await SANDBOXES.of_projects(executor, viewer, ids)
    databases = await DATABASES.of_projects(executor, viewer, ids)
    return {
        key: Members(
            tuple(row for row in sandboxes if row.project_id == key),
            tuple(row for row in databases if row.project_id == key),
        )
        for key in ids
    }
