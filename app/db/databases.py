"""What only a database has, and how it is reached once it has been up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text

from app.db.details import Details
from app.db.installation import MARK
from app.db.resources import ResourceRow
from app.db.rows import Executor, columns, read
from app.domain.observation import Endpoint
from app.domain.states import DesiredState, ResourceKind


@dataclass(frozen=True, slots=True)
class DatabaseRow(ResourceRow):
    """A database as users see it; `version` as it was asked for, `observed_version` as it runs."""

    host: str | None
    port: int | None
    database: str | None
    username: str | None
    version: str | None
    observed_version: str | None
    replicas: int


@dataclass(frozen=True, slots=True)
class DatabaseSpec:
    """What the reconciler makes a database from; version None is the newest.

    released: what holds its objects after their deletion is to be taken off, by somebody's order.
    volumes: those that it ran with last, as the reconciler keeps them.
    definitions: of which CRDs there may be objects of it (`app.db.definitions`).
    """

    id: UUID
    account_id: UUID
    k8s_server: str | None
    k8s_namespace: str
    k8s_name: str
    version: str | None
    replicas: int
    cpu: str
    memory: str
    storage: str
    released: bool = False
    volumes: str | None = None
    definitions: list[str] = field(default_factory=list)
    # The mark of the installation; of one that is only being made, None.
    installation: UUID | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """How a project's sandboxes reach one of its databases; the password is sealed."""

    id: UUID
    name: str
    desired_state: DesiredState
    k8s_name: str
    host: str | None
    port: int | None
    database: str | None
    username: str | None
    password: bytes | None
    observed_version: str | None = None

    @property
    def endpoint(self) -> Endpoint:
        """What of it its row shows."""
        return Endpoint(self.host, self.port, self.database, self.username, self.observed_version)


DATABASES = Details(ResourceKind.DATABASE, DatabaseRow, DatabaseSpec, {"installation": MARK})

_OWN = ("k8s_name", "host", "port", "database", "username", "password", "observed_version")
_ACCESS = f"""
SELECT {columns(Access, "r", **{name: f"d.{name}" for name in _OWN})}
FROM resource r JOIN database d ON d.id = r.id
"""
_OF_PROJECT = text(f"""
{_ACCESS} WHERE r.project_id = :id AND r.desired_state <> 'DELETED'
  AND d.k8s_server IS NOT DISTINCT FROM CAST(:server AS text) ORDER BY r.id
""")
_OF_ONE = text(f"{_ACCESS} WHERE r.id = :id")


async def of_project(
    executor: Executor, project_id: UUID, server: str | None = None
) -> Sequence[Access]:
    """The databases of a project that are to stay in the cluster of `server`, None the operator's,
    in order of creation: nobody reaches one in another, and none is told its password. For the
    reconciler."""
    binds = {"id": project_id, "server": server}
    return read(Access, await executor.execute(_OF_PROJECT, binds))


async def access(executor: Executor, database_id: UUID) -> Access | None:
    """How one is reached as far as it is known; None when its row is gone."""
    return next(iter(read(Access, await executor.execute(_OF_ONE, {"id": database_id}))), None)
