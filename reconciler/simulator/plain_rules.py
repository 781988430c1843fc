"""What a Namespace, a Secret, a ConfigMap, an Event and a RoleBinding may be."""

import re

import orjson

from reconciler.simulator.names import (
    config_key_causes,
    forbidden,
    invalid_value,
    required,
    too_many_bytes,
    unsupported,
)
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Cause

# core/v1's MaxSecretSize, which a ConfigMap has too.
MOST_BYTES = 2**20
LEVEL = re.compile(r"pod-security\.kubernetes\.io/(enforce|audit|warn)(-version)?")


def namespace(body: Json) -> list[Cause]:
    """What the admission of Pod Security says of its labels."""
    causes = []
    for key, value in sorted(body["metadata"].get("labels", {}).items()):
        label = LEVEL.fullmatch(key)
        if label is None:
            continue
        known, why = r"privileged|baseline|restricted", "one of privileged, baseline, restricted"
        if label[2]:
            known, why = r"latest|v1\.\d+", '"latest" or "v1.x"'
        if not re.fullmatch(known, value):
            causes.append(invalid_value(f'"{value}"', f"must be {why}", f"metadata.labels[{key}]"))
    return causes


def secret(body: Json) -> list[Cause]:
    data = body.get("data", {})
    causes = config_key_causes(data, "data")
    # Four characters of base64 are three bytes.
    size = sum(len(value) * 3 // 4 - value.count("=") for value in data.values())
    return [*causes, too_many_bytes(MOST_BYTES, "data")] if size > MOST_BYTES else causes


def config_map(body: Json) -> list[Cause]:
    data, binary = body.get("data", {}), body.get("binaryData", {})
    causes = config_key_causes(data, "data") + config_key_causes(binary, "binaryData")
    size = sum(len(value.encode()) for value in data.values())
    size += sum(len(value) * 3 // 4 - value.count("=") for value in binary.values())
    return [*causes, too_many_bytes(MOST_BYTES, "[]")] if size > MOST_BYTES else causes


def secret_change(old: Json, body: Json) -> list[Cause]:
    causes = data_change(old, body)
    if old.get("type") != body.get("type"):
        causes.append(invalid_value(f'"{body.get("type")}"', "field is immutable", "type"))
    return causes


def data_change(old: Json, body: Json) -> list[Cause]:
    if not old.get("immutable"):
        return []
    why = "field is immutable when `immutable` is set"
    fields = ("immutable", "data", "binaryData")
    return [forbidden(field, why) for field in fields if old.get(field) != body.get(field)]


def event(body: Json) -> list[Cause]:
    involved = body.get("involvedObject", {}).get("namespace", "")
    if involved == body["metadata"]["namespace"]:
        return []
    why = "does not match event.namespace"
    return [invalid_value(f'"{involved}"', why, "involvedObject.namespace")]


def role(body: Json) -> list[Cause]:
    why = "verbs must contain at least one value"
    rules = enumerate(body.get("rules") or ())
    return [
        required(f"rules[{place}].verbs", why) for place, rule in rules if not rule.get("verbs")
    ]


def role_binding_change(old: Json, body: Json) -> list[Cause]:
    if old.get("roleRef") == body.get("roleRef"):
        return []
    names = {"apiGroup": "APIGroup", "kind": "Kind", "name": "Name"}
    given = body.get("roleRef", {})
    shown = orjson.dumps({name: given.get(key, "") for key, name in names.items()}).decode()
    return [invalid_value(shown, "cannot change roleRef", "roleRef")]


def role_binding(body: Json) -> list[Cause]:
    reference = body.get("roleRef", {})
    causes = []
    if reference.get("kind") not in ("Role", "ClusterRole"):
        kind = reference.get("kind", "")
        causes.append(unsupported(kind, ("Role", "ClusterRole"), "roleRef.kind"))
    if not reference.get("name"):
        causes.append(required("roleRef.name"))
    return causes
