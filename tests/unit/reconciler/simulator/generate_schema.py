"""Write the simulator's table of fields from the kubernetes_asyncio client's models.

Run it after an upgrade of the client: `python tests/unit/reconciler/simulator/generate_schema.py`.
It lives with the tests because the simulator itself never imports the client; a test says that the
committed table is what this writes. Merge strategies are not in the client's models: they are the
`x-kubernetes-list-type`, `-list-map-keys` and `-map-type` marks of kube-apiserver 1.36's
/openapi/v2, the fields of HTTPRoute those of Gateway API 1.6.1's CRD (standard channel), and those
of Cluster and OpsRequest KubeBlocks 1.0.2's and 0.9.5's; what we never send of them is not looked
into.
"""

import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[4] / "reconciler" / "simulator" / "schema.json"

ROOTS = (
    "V1Namespace",
    "V1Pod",
    "V1PersistentVolumeClaim",
    "V1Service",
    "V1Secret",
    "V1ConfigMap",
    "CoreV1Event",
    "V1ServiceAccount",
    "V1ResourceQuota",
    "V1LimitRange",
    "V1StatefulSet",
    "V1Ingress",
    "V1NetworkPolicy",
    "V1Role",
    "V1RoleBinding",
    "V1SelfSubjectReview",
    "V1SelfSubjectAccessReview",
    "V1SelfSubjectRulesReview",
)

KEYED: dict[str, tuple[str, ...]] = {
    "StatefulSetStatus.conditions": ("type",),
    "Container.env": ("name",),
    "Container.ports": ("containerPort", "protocol"),
    "Container.volumeDevices": ("devicePath",),
    "Container.volumeMounts": ("mountPath",),
    "ContainerStatus.allocatedResourcesStatus": ("name",),
    "ContainerStatus.volumeMounts": ("mountPath",),
    "EphemeralContainer.env": ("name",),
    "EphemeralContainer.ports": ("containerPort", "protocol"),
    "EphemeralContainer.volumeDevices": ("devicePath",),
    "EphemeralContainer.volumeMounts": ("mountPath",),
    "NamespaceStatus.conditions": ("type",),
    "PersistentVolumeClaimStatus.conditions": ("type",),
    "PodSpec.containers": ("name",),
    "PodSpec.ephemeralContainers": ("name",),
    "PodSpec.hostAliases": ("ip",),
    "PodSpec.imagePullSecrets": ("name",),
    "PodSpec.initContainers": ("name",),
    "PodSpec.resourceClaims": ("name",),
    "PodSpec.schedulingGates": ("name",),
    "PodSpec.topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "PodSpec.volumes": ("name",),
    "PodStatus.conditions": ("type",),
    "PodStatus.podIPs": ("ip",),
    "PodStatus.resourceClaimStatuses": ("name",),
    "ResourceRequirements.claims": ("name",),
    "ResourceStatus.resources": ("resourceID",),
    "ServiceAccount.secrets": ("name",),
    "ServiceSpec.ports": ("port", "protocol"),
    "ServiceStatus.conditions": ("type",),
    "ObjectMeta.ownerReferences": ("uid",),
}
SETS = {"ObjectMeta.finalizers", "ContainerRestartRuleOnExitCodes.values"}
ATOMIC_MAPS = {"PodSpec.nodeSelector", "ServiceSpec.selector"}
ATOMIC_STRUCTS = (
    "ConfigMapKeySelector",
    "FileKeySelector",
    "LabelSelector",
    "LocalObjectReference",
    "NodeSelector",
    "NodeSelectorTerm",
    "ObjectFieldSelector",
    "ObjectReference",
    "OwnerReference",
    "ResourceFieldSelector",
    "RoleRef",
    "SecretKeySelector",
    "ServiceBackendPort",
    "Subject",
    "TypedLocalObjectReference",
)
BYTES = {"ConfigMap.binaryData", "Secret.data"}
QUANTITIES = {
    "ContainerStatus.allocatedResources",
    "EmptyDirVolumeSource.sizeLimit",
    "LimitRangeItem.default",
    "LimitRangeItem.defaultRequest",
    "LimitRangeItem.max",
    "LimitRangeItem.maxLimitRequestRatio",
    "LimitRangeItem.min",
    "PersistentVolumeClaimStatus.allocatedResources",
    "PersistentVolumeClaimStatus.capacity",
    "PodSpec.overhead",
    "PodStatus.allocatedResources",
    "ResourceFieldSelector.divisor",
    "ResourceQuotaSpec.hard",
    "ResourceQuotaStatus.hard",
    "ResourceQuotaStatus.used",
    "ResourceRequirements.limits",
    "ResourceRequirements.requests",
    "VolumeResourceRequirements.limits",
    "VolumeResourceRequirements.requests",
}
SCALARS = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "bool",
    "object": "any",
    "datetime": "time",
}

# "a b:number c:[T] d:{T}" is: a string, b number, c atomic list of T, d map of T.
HTTP_ROUTE = {
    "HTTPRoute": "apiVersion kind metadata:ObjectMeta spec:HTTPRouteSpec status:HTTPRouteStatus",
    "HTTPRouteSpec": "hostnames:[string] parentRefs:[RouteParent] rules:[RouteRule]",
    "RouteParent": "group kind name namespace port:number sectionName",
    "RouteRule": "name backendRefs:[RouteBackend] filters:[RouteFilter] matches:[RouteMatch] "
    "timeouts:RouteTimeouts",
    "RouteTimeouts": "backendRequest request",
    "RouteBackend": "group kind name namespace port:number weight:number filters:[RouteFilter]",
    "RouteMatch": "method path:RoutePathMatch headers:[RouteNamed] queryParams:[RouteNamed]",
    "RoutePathMatch": "type value",
    "RouteNamed": "name type value",
    "RouteFilter": "type cors:RouteCors extensionRef:RouteReference requestMirror:RouteMirror "
    "requestHeaderModifier:RouteHeaders responseHeaderModifier:RouteHeaders "
    "requestRedirect:RouteRedirect urlRewrite:RouteRewrite",
    "RouteCors": "allowCredentials:bool allowHeaders:[string] allowMethods:[string] "
    "allowOrigins:[string] exposeHeaders:[string] maxAge:number",
    "RouteReference": "group kind name",
    "RouteHeaders": "add:[RouteNamed] set:[RouteNamed] remove:[string]",
    "RouteMirror": "backendRef:RouteParent fraction:RouteFraction percent:number",
    "RouteFraction": "denominator:number numerator:number",
    "RouteRedirect": "hostname path:RoutePathModifier port:number scheme statusCode:number",
    "RouteRewrite": "hostname path:RoutePathModifier",
    "RoutePathModifier": "type replaceFullPath replacePrefixMatch",
    "HTTPRouteStatus": "parents:[RouteParentStatus]",
    "RouteParentStatus": "conditions:[Condition] controllerName parentRef:RouteParent",
}
CLUSTER = {
    "Cluster": "apiVersion kind metadata:ObjectMeta spec:ClusterSpec status:ClusterStatus",
    "ClusterSpec": "clusterDef topology terminationPolicy runtimeClassName "
    "componentSpecs:[ClusterComponent] backup:any schedulingPolicy:any services:[any] "
    "shardings:[any]",
    "ClusterComponent": "name componentDef serviceVersion serviceAccountName replicas:number "
    "stop:bool disableExporter:bool tls:bool podUpdatePolicy podUpgradePolicy "
    "annotations:{string} labels:{string} resources:ClusterResources "
    "volumeClaimTemplates:[ClusterVolume] offlineInstances:[string] "
    "persistentVolumeClaimRetentionPolicy:ClusterRetention configs:[any] env:[any] "
    "instanceUpdateStrategy:any instances:[any] issuer:any "
    "parallelPodManagementConcurrency:any schedulingPolicy:any serviceRefs:[any] services:[any] "
    "systemAccounts:[any] volumes:[any]",
    "ClusterResources": "limits:{amount} requests:{amount} claims:[any]",
    "ClusterRetention": "whenDeleted whenScaled",
    "ClusterVolume": "name annotations:{string} labels:{string} spec:ClusterVolumeSpec",
    "ClusterVolumeSpec": "accessModes:[string] resources:ClusterResources storageClassName "
    "volumeMode volumeAttributesClassName",
    "ClusterStatus": "phase message observedGeneration:number conditions:[Condition] "
    "components:{ClusterComponentStatus} shardings:any",
    "ClusterComponentStatus": "phase observedGeneration:number upToDate:bool message:{string}",
    "OpsRequest": "apiVersion kind metadata:ObjectMeta spec:OpsRequestSpec status:any",
    "OpsRequestSpec": "clusterName type force:bool cancel:bool "
    "enqueueOnForce:bool preConditionDeadlineSeconds:number timeoutSeconds:number "
    "ttlSecondsAfterSucceed:number ttlSecondsAfterUnsuccessfulCompletion:number backup:any "
    "custom:any expose:[any] horizontalScaling:[any] rebuildFrom:[any] reconfigures:[any] "
    "restart:[any] restore:any start:[any] stop:[any] switchover:[any] upgrade:any "
    "verticalScaling:[any] volumeExpansion:[any]",
}
# Those of KubeBlocks 0.9.5.
OLD_CLUSTER = {
    "OldCluster": "apiVersion kind metadata:ObjectMeta spec:OldClusterSpec status:OldClusterStatus",
    "OldClusterSpec": "clusterDefinitionRef clusterVersionRef topology terminationPolicy "
    "runtimeClassName availabilityPolicy tenancy replicas:number resources:any storage:any "
    "network:any affinity:OldAffinity backup:any componentSpecs:[OldClusterComponent] "
    "schedulingPolicy:any services:[any] shardingSpecs:[any] tolerations:[any]",
    "OldAffinity": "nodeLabels:{string} podAntiAffinity tenancy topologyKeys:[string]",
    "OldClusterComponent": "name componentDef componentDefRef serviceVersion serviceAccountName "
    "replicas:number stop:bool disableExporter:bool monitor:bool tls:bool podUpdatePolicy "
    "annotations:{string} labels:{string} affinity:OldAffinity resources:ClusterResources "
    "switchPolicy:OldSwitchPolicy volumeClaimTemplates:[OldClusterVolume] enabledLogs:[string] "
    "offlineInstances:[string] classDefRef:any env:[any] instanceUpdateStrategy:any "
    "instances:[any] issuer:any parallelPodManagementConcurrency:any schedulingPolicy:any "
    "serviceRefs:[any] services:[any] systemAccounts:[any] tolerations:[any] updateStrategy "
    "userResourceRefs:any volumes:[any]",
    "OldSwitchPolicy": "type",
    "OldClusterVolume": "name spec:ClusterVolumeSpec",
    "OldClusterStatus": "phase message observedGeneration:number clusterDefGeneration:number "
    "conditions:[Condition] components:{OldComponentStatus}",
    "OldComponentStatus": "phase podsReady:bool podsReadyTime:time message:{string} "
    "membersStatus:[any]",
    "OldOpsRequest": "apiVersion kind metadata:ObjectMeta spec:OldOpsRequestSpec status:any",
    "OldOpsRequestSpec": "clusterName clusterRef type force:bool cancel:bool "
    "enqueueOnForce:bool preConditionDeadlineSeconds:number timeoutSeconds:number "
    "ttlSecondsAfterSucceed:number ttlSecondsAfterUnsuccessfulCompletion:number backup:any "
    "backupSpec:any custom:any expose:[any] horizontalScaling:[any] rebuildFrom:[any] "
    "reconfigure:any reconfigures:[any] restart:[any] restore:any restoreSpec:any "
    "scriptSpec:any start:[any] stop:[any] switchover:[any] upgrade:any verticalScaling:[any] "
    "volumeExpansion:[any]",
}

Field = str | list[str]
Types = dict[str, dict[str, Field]]


def short(model: str) -> str:
    return model.removeprefix("CoreV1").removeprefix("V1")


def field(owner: str, name: str, kind: str, found: list[str]) -> Field:
    """One field's type: a name, or [shape, name of the element, *keys]."""
    where = f"{owner}.{name}"
    if kind.startswith("list["):
        element = scalar(kind[5:-1], found)
        if where in KEYED:
            return ["keyed", element, *KEYED[where]]
        return ["set" if where in SETS else "list", element]
    if kind.startswith("dict("):
        element = "quantity" if where in QUANTITIES else scalar(kind[5:-1].split(", ", 1)[1], found)
        element = "bytes" if where in BYTES else element
        return ["record" if where in ATOMIC_MAPS else "map", element]
    return "quantity" if where in QUANTITIES else scalar(kind, found)


def scalar(kind: str, found: list[str]) -> str:
    if kind in SCALARS:
        return SCALARS[kind]
    if kind.startswith(("list[", "dict(")):
        return "any"
    found.append(kind)
    return short(kind)


def from_client() -> Types:
    # The client's models take seconds to import.
    from kubernetes_asyncio.client import models  # noqa: PLC0415

    types: Types = {}
    todo = [*ROOTS, "V1Condition"]
    while todo:
        model = todo.pop()
        if short(model) in types:
            continue
        described: Any = getattr(models, model)
        types[short(model)] = {
            name: field(short(model), name, described.openapi_types[attribute], todo)
            for attribute, name in described.attribute_map.items()
        }
    return types


def from_notation(fields: str) -> dict[str, Field]:
    parsed: dict[str, Field] = {}
    for item in fields.split():
        name, _, kind = item.partition(":")
        shape = {"[": "list", "{": "map"}.get(kind[:1])
        parsed[name] = [shape, kind[1:-1]] if shape else kind or "string"
    return parsed


def render() -> str:
    custom = {**HTTP_ROUTE, **CLUSTER, **OLD_CLUSTER}
    types = {**from_client(), **{name: from_notation(text) for name, text in custom.items()}}
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(types[name], sort_keys=True)}" for name in sorted(types)
    )
    return f'{{"atomic": {json.dumps(ATOMIC_STRUCTS)},\n"types": {{\n{lines}\n}}}}\n'


if __name__ == "__main__":
    TARGET.write_text(render())
