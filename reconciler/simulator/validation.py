"""Whether an object may be what it is, and become what it is to be: 422, field by field.

What kube-apiserver 1.36 refuses of what we could plausibly send; not everything that it refuses.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any

import orjson

from reconciler.simulator.kinds import Kind
from reconciler.simulator.names import (
    finalizer_causes,
    forbidden,
    invalid_value,
    key_faults,
    label_causes,
    name_faults,
    required,
    unsupported,
)
from reconciler.simulator.quantity import amount
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Cause, bad_request, invalid

UPDATABLE_SET_FIELDS = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
SET_IMMUTABLE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template',"
    " 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and"
    " 'minReadySeconds' are forbidden"
)
POD_IMMUTABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only"
    " additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be"
    " set to 1 if it was previously negative)"
)
CLAIM_IMMUTABLE = (
    "spec is immutable after creation except resources.requests and"
    " volumeAttributesClassName for bound claims"
)
SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
NOT_NEGATIVE = "must be greater than or equal to 0"
UNMATCHED = "`selector` does not match template `labels`"


def check_create(kind: Kind, body: Json) -> None:
    """Raises Refusal 422 (400 for a Secret that is not base64)."""
    _refuse(kind, body, [*_metadata(kind, body), *_content(kind, body)])


def check_update(kind: Kind, old: Json, body: Json) -> None:
    causes = [*_metadata_change(old, body), *_metadata(kind, body), *_content(kind, body)]
    change = CHANGES.get(kind.kind)
    _refuse(kind, body, causes + (change(old, body) if change else []))


def _refuse(kind: Kind, body: Json, causes: list[Cause]) -> None:
    if causes:
        raise invalid(kind, body["metadata"].get("name", ""), causes)


def _content(kind: Kind, body: Json) -> list[Cause]:
    check = CONTENTS.get(kind.kind)
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


def _stateful_set(body: Json) -> list[Cause]:
    spec = body["spec"]
    template = spec["template"]
    labels = template.get("metadata", {}).get("labels")
    selector = spec.get("selector")
    causes = []
    if spec["replicas"] < 0:
        causes.append(invalid_value(str(spec["replicas"]), NOT_NEGATIVE, "spec.replicas"))
    if not selector:
        causes.append(required("spec.selector"))
    if not selector or not selector_holds(selector, labels or {}):
        shown = orjson.dumps(labels).decode()
        causes.append(invalid_value(shown, UNMATCHED, "spec.template.metadata.labels"))
    if "." in spec.get("serviceName", ""):
        shown = f'"{spec["serviceName"]}"'
        causes.append(invalid_value(shown, "must not contain dots", "spec.serviceName"))
    causes += label_causes(labels or {}, "spec.template.labels")
    return causes + _containers(template["spec"], "spec.template.spec")


def selector_holds(selector: Json, labels: dict[str, str]) -> bool:
    """A LabelSelector on labels; an empty one holds for everything."""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    return all(_expression_holds(term, labels) for term in selector.get("matchExpressions", ()))


def _expression_holds(term: Json, labels: dict[str, str]) -> bool:
    value, values = labels.get(term["key"]), term.get("values", ())
    holds: dict[str, bool] = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return holds.get(term["operator"], False)


def _containers(spec: Json, at: str) -> list[Cause]:
    causes: list[Cause] = []
    if not spec.get("containers"):
        causes.append(required(f"{at}.containers"))
    seen: set[str] = set()
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field, ())):
            causes += _container(container, f"{at}.{field}[{index}]", seen)
    return causes


def _container(container: Json, at: str, seen: set[str]) -> list[Cause]:
    causes = [required(f"{at}.{field}") for field in ("name", "image") if not container.get(field)]
    name = container.get("name", "")
    if name and name in seen:
        causes.append(Cause("FieldValueDuplicate", f'Duplicate value: "{name}"', f"{at}.name"))
    seen.add(name)
    resources = container.get("resources", {})
    for side in ("limits", "requests"):
        for key, value in resources.get(side, {}).items():
            if not _is_quantity(value):
                raise bad_request(
                    "quantities must match the regular expression "
                    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                )
            limit = resources.get("limits", {}).get(key)
            if side == "requests" and limit is not None and amount(value) > amount(limit):
                why = f"must be less than or equal to {key} limit of {limit}"
                causes.append(invalid_value(f'"{value}"', why, f"{at}.resources.requests"))
    return causes


def _is_quantity(value: Any) -> bool:
    try:
        amount(str(value))
    except ValueError:
        return False
    return True


def _pod(body: Json) -> list[Cause]:
    spec = body["spec"]
    causes = _containers(spec, "spec")
    volumes = {volume.get("name") for volume in spec.get("volumes", ())}
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field, ())):
            for place, mount in enumerate(container.get("volumeMounts", ())):
                if mount.get("name") not in volumes:
                    at = f"spec.{field}[{index}].volumeMounts[{place}].name"
                    text = f'Not found: "{mount.get("name")}"'
                    causes.append(Cause("FieldValueNotFound", text, at))
    return causes


def _service(body: Json) -> list[Cause]:
    spec = body["spec"]
    ports = spec.get("ports", [])
    causes = []
    if spec["type"] not in SERVICE_TYPES:
        causes.append(unsupported(spec["type"], SERVICE_TYPES, "spec.type"))
    if not ports and spec.get("clusterIP") != "None" and spec["type"] != "ExternalName":
        causes.append(required("spec.ports"))
    for index, port in enumerate(ports):
        at = f"spec.ports[{index}]"
        if len(ports) > 1 and not port.get("name"):
            causes.append(required(f"{at}.name"))
        if not 1 <= port.get("port", 0) <= 65535:
            why = "must be between 1 and 65535, inclusive"
            causes.append(invalid_value(str(port.get("port", 0)), why, f"{at}.port"))
    return causes


def _ingress(body: Json) -> list[Cause]:
    causes = []
    for index, rule in enumerate(body.get("spec", {}).get("rules", ())):
        for place, path in enumerate(rule.get("http", {}).get("paths", ())):
            at = f"spec.rules[{index}].http.paths[{place}].pathType"
            if not path.get("pathType"):
                causes.append(required(at, "pathType must be specified"))
            elif path["pathType"] not in PATH_TYPES:
                causes.append(unsupported(path["pathType"], PATH_TYPES, at))
    return causes


def _secret(body: Json) -> list[Cause]:
    for value in body.get("data", {}).values():
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            message = (
                'Secret in version "v1" cannot be handled as a Secret: '
                "illegal base64 data at input byte 0"
            )
            raise bad_request(message) from None
    return []


def _stateful_set_change(old: Json, body: Json) -> list[Cause]:
    before, after = dict(old["spec"]), dict(body["spec"])
    for field in UPDATABLE_SET_FIELDS:
        before.pop(field, None)
        after.pop(field, None)
    return [forbidden("spec", SET_IMMUTABLE)] if before != after else []


def _service_change(old: Json, body: Json) -> list[Cause]:
    before, after = old["spec"].get("clusterIP"), body["spec"].get("clusterIP")
    if not before or before == after:
        return []
    shown = orjson.dumps([after]).decode()
    return [invalid_value(shown, "may not change once set", "spec.clusterIPs[0]")]


def _pod_change(old: Json, body: Json) -> list[Cause]:
    return [forbidden("spec", POD_IMMUTABLE)] if _fixed(old) != _fixed(body) else []


def _fixed(pod: Json) -> Json:
    free = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName")
    spec = {key: value for key, value in pod["spec"].items() if key not in free}
    for name in ("containers", "initContainers"):
        spec[name] = [{**item, "image": ""} for item in spec.get(name, ())]
    return spec


def _claim_change(old: Json, body: Json) -> list[Cause]:
    before, after = old["spec"], body["spec"]
    free = ("resources", "volumeName", "volumeAttributesClassName")
    fixed = [{key: spec[key] for key in spec if key not in free} for spec in (before, after)]
    if fixed[0] != fixed[1]:
        return [forbidden("spec", CLAIM_IMMUTABLE)]
    sizes = [spec["resources"].get("requests", {}).get("storage", "0") for spec in (before, after)]
    if amount(sizes[1]) < amount(sizes[0]):
        why = "field can not be less than status.capacity"
        return [forbidden("spec.resources.requests.storage", why)]
    return []


def _secret_change(old: Json, body: Json) -> list[Cause]:
    causes = _data_change(old, body)
    if old.get("type") != body.get("type"):
        causes.append(invalid_value(f'"{body.get("type")}"', "field is immutable", "type"))
    return causes


def _data_change(old: Json, body: Json) -> list[Cause]:
    if not old.get("immutable"):
        return []
    why = "field is immutable when `immutable` is set"
    fields = ("immutable", "data", "binaryData")
    return [forbidden(field, why) for field in fields if old.get(field) != body.get(field)]


def _event(body: Json) -> list[Cause]:
    involved = body.get("involvedObject", {}).get("namespace", "")
    if involved in ("", body["metadata"]["namespace"]):
        return []
    why = "does not match event.namespace"
    return [invalid_value(f'"{involved}"', why, "involvedObject.namespace")]


CONTENTS: dict[str, Callable[[Json], list[Cause]]] = {
    "StatefulSet": _stateful_set,
    "Pod": _pod,
    "Service": _service,
    "Ingress": _ingress,
    "Secret": _secret,
    "Event": _event,
}
CHANGES: dict[str, Callable[[Json, Json], list[Cause]]] = {
    "StatefulSet": _stateful_set_change,
    "Pod": _pod_change,
    "PersistentVolumeClaim": _claim_change,
    "Secret": _secret_change,
    "ConfigMap": _data_change,
    "Service": _service_change,
}
