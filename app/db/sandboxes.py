"""What only a sandbox has: its details, and the ports that it opens beside its own two."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text

from app.db.details import Details
from app.db.installation import MARK
from app.db.resources import ResourceRow
from app.db.session import Session
from app.domain.states import ResourceKind


@dataclass(frozen=True, slots=True)
class SandboxRow(ResourceRow):
    """A sandbox as users see it."""

    public_url: str | None
    ttyd_url: str | None
    image: str
    # The ports it opens beside its own two, in order; an answer that was kept has none.
    ports: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What the reconciler makes a sandbox from; the password is sealed.

    volumes: those that it ran with last, as the reconciler keeps them.
    definitions: of which CRDs there may be objects of it (`app.db.definitions`).
    `has_…`: whether its project has such rows, so that who reads it need not ask for those.
    """

    id: UUID
    account_id: UUID
    k8s_server: str | None
    k8s_namespace: str
    k8s_name: str
    project_name: str
    image: str
    cpu: str
    memory: str
    storage: str
    ttyd_user: str
    ttyd_password: bytes
    volumes: str | None = None
    definitions: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    # The mark of the installation; of one that is only being made, None.
    installation: UUID | None = None
    has_databases: bool = False
    has_variables: bool = False
    has_anthropic: bool = False


_PORTS = "ARRAY(SELECT o.port FROM sandbox_port o WHERE o.sandbox_id = d.id ORDER BY o.port)"
_DATABASES = """EXISTS (SELECT FROM resource r JOIN resource o USING (project_id)
  WHERE r.id = d.id AND o.kind = 'DATABASE')"""
_VARIABLES = """EXISTS (SELECT FROM resource r JOIN environment e USING (project_id)
  WHERE r.id = d.id)"""
SANDBOXES = Details(
    ResourceKind.SANDBOX,
    SandboxRow,
    SandboxSpec,
    {
        "ports": _PORTS,
        "installation": MARK,
        "has_databases": _DATABASES,
        "has_variables": _VARIABLES,
        "has_anthropic": "d.anthropic_id IS NOT NULL",
    },
)

_OPEN = text("""
INSERT INTO sandbox_port (sandbox_id, account_id, port) VALUES (:id, :account_id, :port)
""")
_CLOSE = text("DELETE FROM sandbox_port WHERE sandbox_id = :id AND port = :port")


async def open_port(session: Session, sandbox_id: UUID, account_id: UUID, port: int) -> None:
    """One more port of a locked sandbox."""
    await session.execute(_OPEN, {"id": sandbox_id, "account_id": account_id, "port": port})


async def close_port(session: Session, sandbox_id: UUID, port: int) -> None:
    """One port less of a locked sandbox."""
    await session.execute(_CLOSE, {"id": sandbox_id, "port": port})
