"""Whether an object may be what it is, and become what it is to be: 422, field by field.

What kube-apiserver 1.36 refuses of what we could plausibly send; not everything that it refuses.
"""

from collections.abc import Callable

from reconciler.simulator import (
    cluster_rules,
    network_rules,
    plain_rules,
    route_rules,
    workload_rules,
)
from reconciler.simulator.kinds import Kind
from reconciler.simulator.names import (
    finalizer_causes,
    forbidden,
    invalid_value,
    key_faults,
    label_causes,
    name_faults,
    owner_causes,
    required,
    too_many_bytes,
)
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Cause, invalid

# apimachinery's TotalAnnotationSizeLimitB.
MOST_ANNOTATIONS = 2**18
CONTENTS: dict[str, Callable[[Json], list[Cause]]] = {
    "StatefulSet": workload_rules.stateful_set,
    "Pod": workload_rules.pod,
    "ResourceQuota": workload_rules.resource_quota,
    "PersistentVolumeClaim": workload_rules.claim,
    "Service": network_rules.service,
    "Ingress": network_rules.ingress,
    "NetworkPolicy": network_rules.network_policy,
    "HTTPRoute": route_rules.http_route,
    "Role": plain_rules.role,
    "Namespace": plain_rules.namespace,
    "Secret": plain_rules.secret,
    "ConfigMap": plain_rules.config_map,
    "Event": plain_rules.event,
    "RoleBinding": plain_rules.role_binding,
    "Cluster": cluster_rules.cluster,
    "OpsRequest": cluster_rules.ops_request,
    "OldCluster": cluster_rules.old_cluster,
    "OldOpsRequest": cluster_rules.old_ops_request,
}
CHANGES: dict[str, Callable[[Json, Json], list[Cause]]] = {
    "StatefulSet": workload_rules.stateful_set_change,
    "Pod": workload_rules.pod_change,
    "PersistentVolumeClaim": workload_rules.claim_change,
    "Service": network_rules.service_change,
    "Secret": plain_rules.secret_change,
    "ConfigMap": plain_rules.data_change,
    "RoleBinding": plain_rules.role_binding_change,
    "Cluster": cluster_rules.cluster_change,
    "OldCluster": cluster_rules.old_cluster_change,
    "OpsRequest": cluster_rules.ops_request_change,
    "OldOpsRequest": cluster_rules.ops_request_change,
}


def check_create(kind: Kind, body: Json) -> None:
    """Raises Refusal 422."""
    _refuse(kind, body, [*_metadata(kind, body), *_content(kind, body)])


def check_update(kind: Kind, old: Json, body: Json) -> None:
    causes = [*_metadata_change(old, body), *_metadata(kind, body), *_content(kind, body)]
    change = CHANGES.get(kind.shape)
    _refuse(kind, body, causes + (change(old, body) if change else []))


def _refuse(kind: Kind, body: Json, causes: list[Cause]) -> None:
    if causes:
        raise invalid(kind, body["metadata"].get("name", ""), causes)


def _content(kind: Kind, body: Json) -> list[Cause]:
    check = CONTENTS.get(kind.shape)
    return check(body) if check else []


def _metadata(kind: Kind, body: Json) -> list[Cause]:
    meta = body["metadata"]
    name = meta.get("name", "")
    if not name:
        return [required("metadata.name", "name or generateName is required")]
    causes = [invalid_value(f'"{name}"', why, "metadata.name") for why in name_faults(kind, name)]
    causes += label_causes(meta.get("labels", {}), "metadata.labels")
    for key in meta.get("annotations", {}):
        faults = key_faults(key.lower())
        causes += [invalid_value(f'"{key}"', why, "metadata.annotations") for why in faults]
    size = sum(len(f"{key}{text}".encode()) for key, text in meta.get("annotations", {}).items())
    if size > MOST_ANNOTATIONS:
        causes.append(too_many_bytes(MOST_ANNOTATIONS, "metadata.annotations"))
    for owner in meta.get("ownerReferences", ()):
        causes += owner_causes(owner)
    return causes + finalizer_causes(meta.get("finalizers", []))


def _metadata_change(old: Json, body: Json) -> list[Cause]:
    causes = []
    before, meta = old["metadata"], body["metadata"]
    added = [
        name for name in meta.get("finalizers", ()) if name not in before.get("finalizers", ())
    ]
    if added and "deletionTimestamp" in before:
        found = ", ".join(f'"{name}"' for name in added)
        why = (
            "no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{found}}}"
        )
        causes.append(forbidden("metadata.finalizers", why))
    return causes
