"""What a user has configured, as it may be shown: never the content of a kubeconfig."""

from __future__ import annotations

from datetime import datetime

import strawberry

from app.db.credentials import CredentialRow
from app.db.user_config import SettingRow
from app.domain import ids
from app.domain.ids import NodeType
from app.domain.settings import Category, CredentialState
from app.domain.viewer import TokenScope
from app.graphql.hiding import hiding
from app.graphql.nodes import Info, Node
from app.live.settings import SettingsSeen, read
from app.secrets.keyring import KeyRing
from app.services.settings import opened

KUBECONFIG = "KUBECONFIG"


@strawberry.type(
    description=(
        "The cluster that the viewer brings, and what Mooring found out about it. The kubeconfig"
        " itself is never shown again."
    )
)
class Kubeconfig:
    """The cluster that the viewer brings."""

    server: str = strawberry.field(description="The API server of its current context.")
    namespace: str = strawberry.field(description="Where what is made from now on goes.")
    state: CredentialState = strawberry.field(description="Whether it can be used.")
    reason: str | None = strawberry.field(
        description=(
            "Why it is not READY, a word of the published table: AddressRefused,"
            " CredentialRejected, PermissionMissing, NamespaceMissing, ClusterUnavailable …; null"
            " when there is nothing to say."
        )
    )
    message: str | None = strawberry.field(
        description="The same in words, often the cluster's own; null without a reason."
    )
    user: str | None = strawberry.field(
        description="Who the cluster says this is; null until it was asked."
    )
    missing_permissions: list[str] = strawberry.field(
        description=(
            "What the credential may not do in the namespace and Mooring needs, as"
            " `verb resource.group`; empty until it was asked."
        )
    )
    checked_at: datetime | None = strawberry.field(
        description="When it was last looked at; null before the first time."
    )
    updated_at: datetime = strawberry.field(description="When anything of this last changed.")


def _value(root: strawberry.Parent[Setting], info: Info) -> str | None:
    return info.context.show(root.shown)


@hiding("shown")
@strawberry.type(description="One thing that a user configured.")
class Setting(Node):
    """One thing that a user configured."""

    shown: strawberry.Private[str | None]
    key: str = strawberry.field(description="Its name: KUBECONFIG for the viewer's own cluster.")
    category: Category = strawberry.field(description="What it is about.")
    is_secret: bool = strawberry.field(description="Whether its value is not shown.")
    value: str | None = strawberry.field(
        resolver=_value, description="Its value; null when that is a secret."
    )
    kubeconfig: Kubeconfig | None = strawberry.field(
        description="What became of it, for KUBECONFIG; null for all others."
    )
    updated_at: datetime = strawberry.field(description="When anything of this last changed.")


def kubeconfig(row: CredentialRow) -> Kubeconfig:
    """What may be shown of a kubeconfig; of one that replaced another, only what it is itself."""
    checked = row.observed and row.state is not CredentialState.CHECKING
    return Kubeconfig(
        server=row.server,
        namespace=row.k8s_namespace,
        state=row.state,
        reason=row.reason,
        message=row.message if row.reason else None,
        user=row.username if checked else None,
        missing_permissions=row.missing if checked else [],
        checked_at=row.checked_at if row.observed else None,
        updated_at=row.updated_at,
    )


def settings(seen: SettingsSeen, keys: KeyRing) -> list[Setting]:
    """All settings, by key."""
    found = [setting(row, keys) for row in seen.settings]
    if seen.kubeconfig is not None:
        found.append(_kubeconfig(seen.kubeconfig))
    return sorted(found, key=lambda one: one.key)


def setting(row: SettingRow, keys: KeyRing) -> Setting:
    """A setting, masked when it is secret."""
    return Setting(
        id=strawberry.ID(ids.encode(NodeType.SETTING, row.id)),
        key=row.key,
        category=row.category,
        is_secret=row.is_secret,
        shown=None if row.is_secret else opened(keys, row),
        kubeconfig=None,
        updated_at=row.updated_at,
    )


def _kubeconfig(row: CredentialRow) -> Setting:
    return Setting(
        id=strawberry.ID(ids.encode(NodeType.SETTING, row.id)),
        key=KUBECONFIG,
        category=Category.KC,
        is_secret=True,
        shown=None,
        kubeconfig=kubeconfig(row),
        updated_at=row.updated_at,
    )


@strawberry.type
class SettingQueries:
    """What can be read of the viewer's settings."""

    @strawberry.field(
        description="The viewer's own cluster, as far as it may be shown; null without one."
    )
    async def kubeconfig(self, info: Info) -> Kubeconfig | None:
        """The viewer's own cluster."""
        viewer = info.context.viewer(TokenScope.ACCOUNT)
        row = (await read(info.context.state.database, viewer)).kubeconfig
        return kubeconfig(row) if row else None
