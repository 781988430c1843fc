"""The kinds that are served, and what sets each apart.

To serve another kind: an entry here, its root type in the schema's generator, and what it needs
of `defaults` and `validation`.
"""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of object.

    generation: metadata.generation counts the changes of spec. returned: DELETE answers the
    object instead of a Status when it goes at once. custom: defined by a CRD in a real cluster,
    whose lists repeat kind and apiVersion in each item. shape_name: that in the table of fields,
    if another version of the kind has its own.
    """

    group: str
    version: str
    kind: str
    plural: str
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    subresources: tuple[str, ...] = ()
    generation: bool = False
    returned: bool = False
    custom: bool = False
    categories: tuple[str, ...] = ()
    selectable: tuple[str, ...] = ()
    shape_name: str = ""

    @cached_property
    def shape(self) -> str:
        return self.shape_name or self.kind

    @cached_property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @cached_property
    def qualified(self) -> str:
        """Kind with group, as error texts write it: `StatefulSet.apps`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @cached_property
    def resource(self) -> str:
        """Plural with group: `statefulsets.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @cached_property
    def path(self) -> str:
        return f"/apis/{self.api_version}" if self.group else "/api/v1"


EVENT_FIELDS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)
POD_FIELDS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)
NETWORKING = "networking.k8s.io"
GATEWAY = "gateway.networking.k8s.io"
RBAC = "rbac.authorization.k8s.io"
KUBEBLOCKS, OPERATIONS = "apps.kubeblocks.io", "operations.kubeblocks.io"

NAMESPACE = Kind(
    "",
    "v1",
    "Namespace",
    "namespaces",
    ("ns",),
    namespaced=False,
    subresources=("status",),
    returned=True,
    selectable=("status.phase",),
)
POD = Kind(
    "",
    "v1",
    "Pod",
    "pods",
    ("po",),
    subresources=("status",),
    generation=True,
    returned=True,
    categories=("all",),
    selectable=POD_FIELDS,
)
CLAIM = Kind(
    "",
    "v1",
    "PersistentVolumeClaim",
    "persistentvolumeclaims",
    ("pvc",),
    subresources=("status",),
    returned=True,
)
SERVICE = Kind(
    "",
    "v1",
    "Service",
    "services",
    ("svc",),
    subresources=("status",),
    returned=True,
    categories=("all",),
    selectable=("spec.clusterIP", "spec.type"),
)
SECRET = Kind("", "v1", "Secret", "secrets", selectable=("type",))
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps", ("cm",))
EVENT = Kind("", "v1", "Event", "events", ("ev",), selectable=EVENT_FIELDS)
SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts", ("sa",), returned=True)
RESOURCE_QUOTA = Kind(
    "", "v1", "ResourceQuota", "resourcequotas", ("quota",), subresources=("status",), returned=True
)
LIMIT_RANGE = Kind("", "v1", "LimitRange", "limitranges", ("limits",))
STATEFUL_SET = Kind(
    "apps",
    "v1",
    "StatefulSet",
    "statefulsets",
    ("sts",),
    subresources=("status", "scale"),
    generation=True,
    categories=("all",),
)
INGRESS = Kind(
    NETWORKING, "v1", "Ingress", "ingresses", ("ing",), subresources=("status",), generation=True
)
NETWORK_POLICY = Kind(
    NETWORKING, "v1", "NetworkPolicy", "networkpolicies", ("netpol",), generation=True
)
HTTP_ROUTE = Kind(
    GATEWAY,
    "v1",
    "HTTPRoute",
    "httproutes",
    subresources=("status",),
    generation=True,
    custom=True,
    categories=("gateway-api",),
)
ROLE = Kind(RBAC, "v1", "Role", "roles")
ROLE_BINDING = Kind(RBAC, "v1", "RoleBinding", "rolebindings")
CLUSTER = Kind(
    KUBEBLOCKS,
    "v1",
    "Cluster",
    "clusters",
    subresources=("status",),
    generation=True,
    custom=True,
    categories=("kubeblocks", "all"),
)
OPS_REQUEST = Kind(
    OPERATIONS,
    "v1alpha1",
    "OpsRequest",
    "opsrequests",
    ("ops",),
    subresources=("status",),
    generation=True,
    custom=True,
    categories=("kubeblocks",),
)
# As KubeBlocks 0.8 and 0.9 have them.
OLD_CLUSTER = Kind(
    KUBEBLOCKS,
    "v1alpha1",
    "Cluster",
    "clusters",
    subresources=("status",),
    generation=True,
    custom=True,
    categories=("kubeblocks", "all"),
    shape_name="OldCluster",
)
OLD_OPS_REQUEST = Kind(
    KUBEBLOCKS,
    "v1alpha1",
    "OpsRequest",
    "opsrequests",
    ("ops",),
    subresources=("status",),
    generation=True,
    custom=True,
    categories=("kubeblocks", "all"),
    shape_name="OldOpsRequest",
)

KINDS = (
    CONFIG_MAP,
    EVENT,
    LIMIT_RANGE,
    NAMESPACE,
    CLAIM,
    POD,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE_ACCOUNT,
    SERVICE,
    STATEFUL_SET,
    INGRESS,
    NETWORK_POLICY,
    HTTP_ROUTE,
    ROLE_BINDING,
    ROLE,
    CLUSTER,
    OPS_REQUEST,
    OLD_CLUSTER,
    OLD_OPS_REQUEST,
)
BY_PATH = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
BY_NAME = {(kind.api_version, kind.kind): kind for kind in KINDS}
