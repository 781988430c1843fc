"""What only a sandbox has."""

from dataclasses import dataclass
from uuid import UUID

from app.db.details import Details
from app.db.resources import ResourceRow
from app.domain.states import ResourceKind


@dataclass(frozen=True, slots=True)
class SandboxRow(ResourceRow):
    """A sandbox as users see it."""

    public_url: str | None
    ttyd_url: str | None
    image: str


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What the reconciler makes a sandbox from; the password is sealed."""

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


SANDBOXES = Details(ResourceKind.SANDBOX, SandboxRow, SandboxSpec)
