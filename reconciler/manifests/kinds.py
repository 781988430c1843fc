"""The kinds of object that a resource of ours may consist of, and the way to each in the API.

A resource is gone when a list by owner label is empty of all that are built in and of those that
CRDs define and something was written of for it (`reconciler.definitions`), so a kind that some
manifest writes, or a controller makes for it, belongs in here.
"""

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind; one that a CRD defines may not be served."""

    group: str
    version: str
    kind: str
    plural: str

    @property
    def api_version(self) -> str:
        """As objects spell it: `apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def prefix(self) -> str:
        """The path of its group and version."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    @property
    def definition(self) -> str:
        """The name of the CustomResourceDefinition, whatever version of it is meant."""
        return f"{self.plural}.{self.group}"

    def path(self, namespace: str, name: str | None = None) -> str:
        """The path of the collection in `namespace`, or of one object in it.

        "": in all namespaces, and of a kind that is in none.
        """
        within = f"/namespaces/{namespace}" if namespace else ""
        collection = f"{self.prefix}{within}/{self.plural}"
        return f"{collection}/{name}" if name else collection


_NETWORKING = "networking.k8s.io"
_RBAC = "rbac.authorization.k8s.io"
_KUBEBLOCKS = "apps.kubeblocks.io"

STATEFUL_SET = Kind("apps", "v1", "StatefulSet", "statefulsets")
POD = Kind("", "v1", "Pod", "pods")
CLAIM = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
SERVICE = Kind("", "v1", "Service", "services")
SECRET = Kind("", "v1", "Secret", "secrets")
INGRESS = Kind(_NETWORKING, "v1", "Ingress", "ingresses")
HTTP_ROUTE = Kind("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes")
NETWORK_POLICY = Kind(_NETWORKING, "v1", "NetworkPolicy", "networkpolicies")
SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts")
ROLE = Kind(_RBAC, "v1", "Role", "roles")
ROLE_BINDING = Kind(_RBAC, "v1", "RoleBinding", "rolebindings")
CLUSTER = Kind(_KUBEBLOCKS, "v1", "Cluster", "clusters")
# As KubeBlocks 0.8 and 0.9 have them.
OLD_CLUSTER = Kind(_KUBEBLOCKS, "v1alpha1", "Cluster", "clusters")
OLD_OPS_REQUEST = Kind(_KUBEBLOCKS, "v1alpha1", "OpsRequest", "opsrequests")
# As 1.0 has it; nobody of us writes it.
OPS_REQUEST = Kind("operations.kubeblocks.io", "v1alpha1", "OpsRequest", "opsrequests")
# What defines those, of which more than that it is there is never asked.
DEFINITION = Kind(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions"
)
EVENT = Kind("", "v1", "Event", "events")
# What an account's namespace is made of, beside NetworkPolicies.
NAMESPACE = Kind("", "v1", "Namespace", "namespaces")
RESOURCE_QUOTA = Kind("", "v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGE = Kind("", "v1", "LimitRange", "limitranges")

# What every API server knows; the other kinds are those of CRDs.
BUILT_IN = (
    STATEFUL_SET,
    POD,
    CLAIM,
    SERVICE,
    SECRET,
    INGRESS,
    NETWORK_POLICY,
    SERVICE_ACCOUNT,
    ROLE,
    ROLE_BINDING,
)
KINDS = (*BUILT_IN, HTTP_ROUTE, CLUSTER, OLD_CLUSTER, OPS_REQUEST, OLD_OPS_REQUEST)
_ALL = (*KINDS, EVENT, NAMESPACE, RESOURCE_QUOTA, LIMIT_RANGE)
_BY_NAME = {(kind.api_version, kind.kind): kind for kind in _ALL}


def kind_of(body: Object) -> Kind:
    """The kind of an object that a manifest made."""
    return _BY_NAME[body["apiVersion"], body["kind"]]


def kind_at(path: str) -> Kind | None:
    """The kind of the collection or object that `Kind.path` has there; None where that is none of
    `KINDS`."""
    for kind in KINDS:
        within = path.removeprefix(f"{kind.prefix}/")
        if within != path and kind.plural in within.split("/")[::2]:
            return kind
    return None


def title(body: Object) -> str:
    """An object as users read it: `StatefulSet/name`."""
    return f"{body['kind']}/{body['metadata']['name']}"
