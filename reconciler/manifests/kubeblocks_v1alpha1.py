"""A database as KubeBlocks 0.8 and 0.9 spell it: `apps.kubeblocks.io/v1alpha1`.

Its pods run as a ServiceAccount of the Cluster's name, which has to be there first, with what
Patroni and KubeBlocks' sidecar do and nothing more: Patroni keeps who leads in ConfigMaps or
Endpoints and labels its pods (kubeblocks-patroni-pod-role and kubeblocks-lorry-pod-role of
KubeBlocks' chart; `delete` is for `patronictl remove` alone, creating pods for nobody).
"""

from collections.abc import Sequence
from typing import Final

from app.settings import Settings
from reconciler.manifests import database as common
from reconciler.manifests import sealos
from reconciler.manifests.database import COMPONENT, Database
from reconciler.manifests.identity import Owner, build
from reconciler.manifests.kinds import (
    OLD_CLUSTER,
    ROLE,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
    Object,
)

CLUSTER = OLD_CLUSTER
_DEFINITION = "postgresql"
# What Sealos and the addon of 0.8 offer first; a ClusterVersion has to be named there.
_NEWEST = "14.8.0"
# What its pods may do beside reading their own Cluster: group, resources, verbs.
ENGINE: Final = (
    ("", ("configmaps", "endpoints"), ("create", "get", "list", "patch", "update", "watch")),
    ("", ("pods",), ("get", "list", "patch", "update", "watch")),
    ("", ("events",), ("create",)),
)


def objects(database: Database, live: Object | None, settings: Settings) -> list[Object]:
    """ServiceAccount, Role, RoleBinding, and the Cluster of one component."""
    owner = database.owner
    wanted = _version_of(database, live)
    spec = {
        "clusterDefinitionRef": _DEFINITION,
        "clusterVersionRef": wanted,
        "terminationPolicy": "Delete",
        "affinity": {"podAntiAffinity": "Preferred", "tenancy": "SharedNode"},
        "componentSpecs": [
            {
                **common.spec_of(database, live, settings),
                "componentDefRef": COMPONENT,
                "serviceAccountName": owner.name,
                "switchPolicy": {"type": "Noop"},
            }
        ],
    }
    labels = {
        "clusterdefinition.kubeblocks.io/name": _DEFINITION,
        "clusterversion.kubeblocks.io/name": wanted,
        **sealos.of_database(owner.name, settings),
    }
    cluster = build(CLUSTER, owner, owner.name, {"spec": spec}, labels=labels)
    return [*_rights(owner), cluster]


def account_secret(name: str) -> str:
    """The Secret with `username`, `password`, `host` and `port` that the operator makes."""
    return f"{name}-conn-credential"


def service(name: str) -> str:
    """The usual name of the primary's Service."""
    return f"{name}-{COMPONENT}"


def version(live: Object) -> str:
    """That of its ClusterVersion."""
    return common.words(live["spec"].get("clusterVersionRef")).removeprefix(f"{_DEFINITION}-")


def _version_of(database: Database, live: Object | None) -> str:
    """The name of a ClusterVersion, which has three numbers."""
    if database.version is None and live is not None and version(live):
        return f"{_DEFINITION}-{version(live)}"
    numbers = (database.version or _NEWEST).split(".")
    return f"{_DEFINITION}-{'.'.join((*numbers, '0', '0')[: max(3, len(numbers))])}"


def _rights(owner: Owner) -> list[Object]:
    rules = [_rule(group, resources, verbs) for group, resources, verbs in ENGINE]
    rules.append(_rule(CLUSTER.group, [CLUSTER.plural], ["get"]) | {"resourceNames": [owner.name]})
    binding = {
        "roleRef": {"apiGroup": ROLE.group, "kind": ROLE.kind, "name": owner.name},
        "subjects": [
            {"kind": SERVICE_ACCOUNT.kind, "name": owner.name, "namespace": owner.namespace}
        ],
    }
    return [
        build(SERVICE_ACCOUNT, owner, owner.name, {}),
        build(ROLE, owner, owner.name, {"rules": rules}),
        build(ROLE_BINDING, owner, owner.name, binding),
    ]


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> Object:
    return {"apiGroups": [group], "resources": [*resources], "verbs": [*verbs]}
