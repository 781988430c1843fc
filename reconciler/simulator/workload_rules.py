"""What a StatefulSet, a Pod and a claim may be, and what of them may change."""

import orjson

from reconciler.simulator.names import (
    forbidden,
    invalid_value,
    label_causes,
    label_faults,
    required,
    unsupported,
)
from reconciler.simulator.quantity import amount
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Cause

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
ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
NOT_NEGATIVE = "must be greater than or equal to 0"
UNMATCHED = "`selector` does not match template `labels`"


def stateful_set(body: Json) -> list[Cause]:
    spec = body["spec"]
    template = spec["template"]
    labels = template.get("metadata", {}).get("labels")
    selector = spec.get("selector")
    causes = []
    if spec["replicas"] < 0:
        causes.append(invalid_value(str(spec["replicas"]), NOT_NEGATIVE, "spec.replicas"))
    service = spec.get("serviceName", "")
    faults = label_faults(service) if service else []
    causes += [invalid_value(f'"{service}"', fault, "spec.serviceName") for fault in faults]
    bad = label_causes((selector or {}).get("matchLabels", {}), "spec.selector.matchLabels")
    if bad:
        shown = f"Invalid value: {orjson.dumps(selector).decode()}"
        return [*causes, *bad, Cause("FieldValueInvalid", shown, "spec.selector")]
    if not selector:
        causes.append(required("spec.selector"))
    if not selector or not selector_holds(selector, labels or {}):
        shown = orjson.dumps(labels).decode()
        causes.append(invalid_value(shown, UNMATCHED, "spec.template.metadata.labels"))
    causes += label_causes(labels or {}, "spec.template.labels")
    return causes + _containers(template["spec"], "spec.template.spec")


def stateful_set_change(old: Json, body: Json) -> list[Cause]:
    before, after = dict(old["spec"]), dict(body["spec"])
    for field in UPDATABLE_SET_FIELDS:
        before.pop(field, None)
        after.pop(field, None)
    return [forbidden("spec", SET_IMMUTABLE)] if before != after else []


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
            limit = resources.get("limits", {}).get(key)
            if side == "requests" and limit is not None and amount(value) > amount(limit):
                why = f"must be less than or equal to {key} limit of {limit}"
                causes.append(invalid_value(f'"{value}"', why, f"{at}.resources.requests"))
    return causes


def resource_quota(body: Json) -> list[Cause]:
    causes = []
    for name, value in body["spec"].get("hard", {}).items():
        if amount(value) < 0:
            causes.append(invalid_value(f'"{value}"', NOT_NEGATIVE, f"spec.hard[{name}]"))
    return causes


def pod(body: Json) -> list[Cause]:
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


def pod_change(old: Json, body: Json) -> list[Cause]:
    return [forbidden("spec", POD_IMMUTABLE)] if _fixed(old) != _fixed(body) else []


def _fixed(pod: Json) -> Json:
    free = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName")
    spec = {key: value for key, value in pod["spec"].items() if key not in free}
    for name in ("containers", "initContainers"):
        spec[name] = [{**item, "image": ""} for item in spec.get(name, ())]
    return spec


def claim(body: Json) -> list[Cause]:
    spec = body["spec"]
    causes = []
    if not spec.get("accessModes"):
        causes.append(required("spec.accessModes", "at least 1 access mode is required"))
    odd = [mode for mode in spec.get("accessModes", ()) if mode not in ACCESS_MODES]
    causes += [unsupported(mode, ACCESS_MODES, "spec.accessModes") for mode in odd]
    size = spec.get("resources", {}).get("requests", {}).get("storage")
    if size is None:
        causes.append(required("spec.resources[storage]"))
    elif amount(size) <= 0:
        why = "must be greater than zero"
        causes.append(invalid_value(f'"{size}"', why, "spec.resources[storage]"))
    return causes


def claim_change(old: Json, body: Json) -> list[Cause]:
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
