"""An account's namespace in the operator's cluster, and what bounds all that is in it.

Pod Security by labels, a ResourceQuota, a LimitRange for containers that say nothing (KubeBlocks'
sidecars), and NetworkPolicies. These add up: the first denies all, a sandbox's own lets it be
reached and go out, and the second lets databases work:

- among themselves on all ports: replication (5432) and Patroni's health checks (8008);
- from sandboxes on 5432 and 6432 (pgbouncer). Which sandbox reaches which database is in the
  sandbox's own policy, since both ends have to allow it;
- from the operator's namespaces, whose controller calls the agent in each pod (3501, 3502, or 50001
  before 1.0): roles, switch-over, accounts;
- to DNS, and to the Kubernetes API, where Patroni keeps who leads (443 at the Service, 6443 behind
  it; some plugins look at the one and some at the other).

The kubelet's probes are let in by every plugin. With certificates of cert-manager a third one lets
its solvers be reached (8089), which answer HTTP-01 challenges from within the namespace.
"""

from typing import Any
from uuid import UUID

from app.domain.quantities import milli
from app.settings import Settings
from reconciler.manifests.database import PORT
from reconciler.manifests.identity import (
    APPLIED,
    MANAGED_BY,
    MANAGER,
    RESOURCE,
    digest,
    mark_of,
)
from reconciler.manifests.kinds import (
    KINDS,
    LIMIT_RANGE,
    NAMESPACE,
    NETWORK_POLICY,
    RESOURCE_QUOTA,
    ROLE,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
    Kind,
    Object,
)
from reconciler.manifests.network import DNS, namespaces

ACCOUNT = "mooring.dev/account"
# Of which kinds an account's namespace is made.
MADE_OF = (NAMESPACE, RESOURCE_QUOTA, LIMIT_RANGE, NETWORK_POLICY)
_NAME = "mooring"
_POD_SECURITY = "pod-security.kubernetes.io/"
# On all that KubeBlocks makes.
KUBEBLOCKS = {MANAGED_BY: "kubeblocks"}
_MANAGERS = (MANAGER, KUBEBLOCKS[MANAGED_BY])
# On the Secrets of certificates, which stay behind them.
_OF_CERT_MANAGER = "controller.cert-manager.io/fao"
# On the Secrets that a cluster before 1.24 makes for the token of each ServiceAccount.
_OF_ACCOUNT = "kubernetes.io/service-account.name"
# What would be a loss: of ServiceAccounts and their Roles each cluster makes some by itself.
HELD = tuple(kind for kind in KINDS if kind not in (SERVICE_ACCOUNT, ROLE, ROLE_BINDING))
_PGBOUNCER = 6432
_API_SERVER = (443, 6443)
# cert-manager, pkg/issuer/acme/http.
_SOLVERS, _SOLVER_PORT = {"acme.cert-manager.io/http01-solver": "true"}, 8089


def objects(
    account_id: UUID, name: str, settings: Settings, installation: UUID | None = None
) -> list[Object]:
    """The namespace first, and what it is to hold, as the settings say."""
    labels = {MANAGED_BY: MANAGER, ACCOUNT: str(account_id), **mark_of(installation)}
    made = [_build(NAMESPACE, {"name": name, "labels": labels | _pod_security(settings)})]
    for kind, own, spec in _contents(settings):
        meta = {"name": own, "namespace": name, "labels": labels}
        made.append(_build(kind, meta, spec=spec))
    return made


def is_of(body: Object, account_id: UUID) -> bool:
    """Whether an object was made by us for this account."""
    labels = body["metadata"].get("labels") or {}
    return bool(labels.get(MANAGED_BY) == MANAGER and labels.get(ACCOUNT) == str(account_id))


def is_left_over(body: Object) -> bool:
    """Whether an object may go with the namespace: ours, its controllers', or the cluster's own."""
    meta = body["metadata"]
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    by_label = labels.get(MANAGED_BY) in _MANAGERS or _OF_CERT_MANAGER in labels
    return by_label or _OF_ACCOUNT in annotations


def holds(live: Any, wanted: Any) -> bool:
    """Whether `live` has all that is `wanted`, with quantities in whatever spelling."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        return all(key in live and holds(live[key], value) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(live, list):
        return len(live) == len(wanted) and all(map(holds, live, wanted))
    if isinstance(wanted, str) and isinstance(live, str) and live != wanted:
        return milli(live) is not None and milli(live) == milli(wanted)
    return bool(live == wanted)


def _build(kind: Kind, meta: Object, **content: Object) -> Object:
    body: Object = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta, **content}
    # Shows that something was taken out of the settings.
    annotations = {APPLIED: digest(body)}
    return {**body, "metadata": {**meta, "annotations": annotations}}


def _pod_security(settings: Settings) -> dict[str, str]:
    levels = {f"{_POD_SECURITY}{m}": level for m, level in settings.namespace_pod_security.items()}
    return levels | {f"{m}-version": settings.namespace_pod_security_version for m in levels}


def _contents(settings: Settings) -> list[tuple[Kind, str, Object]]:
    found: list[tuple[Kind, str, Object]] = []
    if settings.namespace_quota:
        found.append((RESOURCE_QUOTA, _NAME, {"hard": dict(settings.namespace_quota)}))
    limits, requests = settings.namespace_default_limits, settings.namespace_default_requests
    if limits or requests:
        sides = {"default": dict(limits), "defaultRequest": dict(requests)}
        item = {"type": "Container", **{key: side for key, side in sides.items() if side}}
        found.append((LIMIT_RANGE, _NAME, {"limits": [item]}))
    if settings.network_policy:
        found += [(NETWORK_POLICY, name, spec) for name, spec in _policies(settings)]
    return found


def _policies(settings: Settings) -> list[tuple[str, Object]]:
    both = {"policyTypes": ["Ingress", "Egress"]}
    found: list[tuple[str, Object]] = [
        (f"{_NAME}-default-deny", {"podSelector": {}, **both}),
        (f"{_NAME}-databases", {"podSelector": {"matchLabels": KUBEBLOCKS}, **both}),
    ]
    found[1][1].update(_of_databases(settings))
    if settings.route_tls == "cert-manager":
        arriving: Object = {"ports": [_port(_SOLVER_PORT)]}
        if settings.ingress_namespaces:
            arriving["from"] = [namespaces(settings.ingress_namespaces)]
        solvers = {"podSelector": {"matchLabels": _SOLVERS}, "policyTypes": ["Ingress"]}
        found.append((f"{_NAME}-solvers", {**solvers, "ingress": [arriving]}))
    return found


def _of_databases(settings: Settings) -> Object:
    themselves = {"podSelector": {"matchLabels": KUBEBLOCKS}}
    ours = {"podSelector": {"matchExpressions": [{"key": RESOURCE, "operator": "Exists"}]}}
    ingress: list[Object] = [
        {"from": [themselves]},
        {"from": [ours], "ports": [_port(PORT), _port(_PGBOUNCER)]},
    ]
    if settings.database_operator_namespaces:
        ingress.append({"from": [namespaces(settings.database_operator_namespaces)]})
    api: Object = {"ports": [_port(number) for number in _API_SERVER]}
    if settings.api_server_networks:
        api["to"] = [{"ipBlock": {"cidr": str(net)}} for net in settings.api_server_networks]
    return {"ingress": ingress, "egress": [{"to": [themselves]}, DNS, api]}


def _port(number: int) -> Object:
    return {"port": number, "protocol": "TCP"}
