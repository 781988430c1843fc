"""What the API server fills in when an object comes without it, per kind.

Before ownership is worked out, as upstream: so a plain create owns its defaults, and an apply,
whose body is merged before, does not. Nothing is changed in place: bodies share parts with stored
objects.
"""

import base64
from collections.abc import Callable
from typing import Any

from reconciler.simulator.podspec import canonical_at, pod_spec, pod_template, quantities
from reconciler.simulator.schema import Json


def _stateful_set(body: Json) -> Json:
    spec = body.get("spec", {})
    strategy = spec.get("updateStrategy") or {"type": "RollingUpdate"}
    if strategy.get("type", "RollingUpdate") == "RollingUpdate":
        rolling = {"partition": 0, **strategy.get("rollingUpdate", {})}
        strategy = {"type": "RollingUpdate", **strategy, "rollingUpdate": rolling}
    retention = spec.get("persistentVolumeClaimRetentionPolicy", {})
    filled = {
        "replicas": 1,
        "podManagementPolicy": "OrderedReady",
        "revisionHistoryLimit": 10,
        **spec,
        "template": pod_template(spec.get("template", {})),
        "updateStrategy": strategy,
        "persistentVolumeClaimRetentionPolicy": {
            "whenDeleted": "Retain",
            "whenScaled": "Retain",
            **retention,
        },
    }
    if "volumeClaimTemplates" in spec:
        claims = [_claim_template(claim) for claim in spec["volumeClaimTemplates"]]
        filled["volumeClaimTemplates"] = claims
    return {**body, "spec": filled}


def _claim_template(claim: Json) -> Json:
    return {
        "kind": "PersistentVolumeClaim",
        "apiVersion": "v1",
        **_claim(claim),
        "status": claim.get("status") or {"phase": "Pending"},
    }


def _claim(body: Json) -> Json:
    spec = body.get("spec", {})
    filled = {"volumeMode": "Filesystem", **spec}
    if "resources" in spec:
        filled["resources"] = quantities(spec["resources"])
    return {**body, "spec": filled}


def _pod(body: Json) -> Json:
    return {**body, "spec": {"enableServiceLinks": True, **pod_spec(body.get("spec", {}), True)}}


def _service(body: Json) -> Json:
    spec = body.get("spec", {})
    filled = {"type": "ClusterIP", "sessionAffinity": "None", **spec}
    if filled["type"] != "ExternalName":
        filled = {"internalTrafficPolicy": "Cluster", **filled}
    if "ports" in spec:
        filled["ports"] = [
            {"protocol": "TCP", "targetPort": port.get("port"), **port} for port in spec["ports"]
        ]
    return {**body, "spec": filled}


def _secret(body: Json) -> Json:
    filled = {"type": "Opaque", **body}
    plain = filled.pop("stringData", None)
    if plain:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in plain.items()}
        filled["data"] = {**filled.get("data", {}), **encoded}
    return filled


def _namespace(body: Json) -> Json:
    meta = body.get("metadata", {})
    labels = {**meta.get("labels", {})}
    if meta.get("name"):
        labels["kubernetes.io/metadata.name"] = meta["name"]
    return {**body, "metadata": {**meta, "labels": labels}}


def _network_policy(body: Json) -> Json:
    spec = body.get("spec", {})
    types = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    filled = {"podSelector": {}, **spec}
    filled.setdefault("policyTypes", types)
    for side in ("ingress", "egress"):
        if side in spec:
            filled[side] = [_policy_rule(rule) for rule in spec[side]]
    return {**body, "spec": filled}


def _policy_rule(rule: Json) -> Json:
    if "ports" not in rule:
        return rule
    return {**rule, "ports": [{"protocol": "TCP", **port} for port in rule["ports"]]}


def _operation(body: Json) -> Json:
    if "spec" not in body:
        return body
    filled = {"enqueueOnForce": False, "preConditionDeadlineSeconds": 0, **body["spec"]}
    return {**body, "spec": filled}


PREFIX = {"type": "PathPrefix", "value": "/"}


def _http_route(body: Json) -> Json:
    if "spec" not in body:
        return body
    spec = body["spec"]
    filled = {**spec, "rules": [_route_rule(rule) for rule in spec.get("rules", [{}])]}
    if "parentRefs" in spec:
        parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
        filled["parentRefs"] = [{**parent, **reference} for reference in spec["parentRefs"]]
    return {**body, "spec": filled}


def _route_rule(rule: Json) -> Json:
    backend: Json = {"group": "", "kind": "Service", "weight": 1}
    filled = {**rule, "matches": [_route_match(match) for match in rule.get("matches", [{}])]}
    if "backendRefs" in rule:
        filled["backendRefs"] = [{**backend, **reference} for reference in rule["backendRefs"]]
    return filled


def _route_match(match: Json) -> Json:
    filled = {**match, "path": {**PREFIX, **match.get("path", {})}}
    for name in ("headers", "queryParams"):
        if name in match:
            filled[name] = [{"type": "Exact", **item} for item in match[name]]
    return filled


def _role_binding(body: Json) -> Json:
    if "subjects" not in body:
        return body
    return {**body, "subjects": [_subject(subject) for subject in body["subjects"]]}


def _subject(subject: Json) -> Json:
    groups = {"User": "rbac.authorization.k8s.io", "Group": "rbac.authorization.k8s.io"}
    group = groups.get(subject.get("kind", ""))
    return {"apiGroup": group, **subject} if group else subject


def _cluster(body: Json) -> Json:
    return _components(body, {"podUpdatePolicy": "PreferInPlace", "replicas": 1})


def _old_cluster(body: Json) -> Json:
    return _components(body, {"replicas": 1})


def _components(body: Json, fixed: Json) -> Json:
    spec = body.get("spec", {})
    if not isinstance(spec.get("componentSpecs"), list):
        return body
    components = [{**fixed, **component} for component in spec["componentSpecs"]]
    return {**body, "spec": {**spec, "componentSpecs": components}}


def _resource_quota(body: Json) -> Json:
    return {**body, "spec": canonical_at(body.get("spec", {}), "hard")}


def _limit_range(body: Json) -> Json:
    spec = body.get("spec", {})
    return {**body, "spec": {**spec, "limits": [_limit(item) for item in spec.get("limits", ())]}}


def _limit(item: Json) -> Json:
    """SetDefaults_LimitRangeItem: unstated, the default is the maximum, the request the default."""
    filled = canonical_at(item, "min", "max", "default", "defaultRequest", "maxLimitRequestRatio")
    if item.get("type") != "Container":
        return filled
    most = {**filled.get("max", {}), **filled.get("default", {})}
    least = {**filled.get("min", {}), **most, **filled.get("defaultRequest", {})}
    return {**filled, "default": most, "defaultRequest": least}


DEFAULTS: dict[str, Callable[[Json], Json]] = {
    "StatefulSet": _stateful_set,
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "Service": _service,
    "Secret": _secret,
    "Namespace": _namespace,
    "NetworkPolicy": _network_policy,
    "HTTPRoute": _http_route,
    "OpsRequest": _operation,
    "OldOpsRequest": _operation,
    "RoleBinding": _role_binding,
    "ResourceQuota": _resource_quota,
    "LimitRange": _limit_range,
    "Cluster": _cluster,
    "OldCluster": _old_cluster,
}


def defaulted(kind: str, body: Json) -> Json:
    """The body with the defaults of its kind; empty labels, data and the like are left out."""
    fill = DEFAULTS.get(kind)
    return _pruned(fill(body) if fill else body)


def _pruned(body: Json) -> Json:
    """Go omits empty maps and lists at these places, so the server never shows them."""
    meta: dict[str, Any] = body.get("metadata", {})
    empty = ("labels", "annotations", "finalizers", "ownerReferences")
    kept = {key: value for key, value in meta.items() if value or key not in empty}
    pruned = {**body, "metadata": kept}
    for key in ("data", "stringData", "binaryData"):
        if key in pruned and not pruned[key]:
            del pruned[key]
    return pruned
