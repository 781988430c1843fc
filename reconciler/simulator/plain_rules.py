"""What a Secret, a ConfigMap, an Event and a RoleBinding may be."""

import base64
import binascii

from reconciler.simulator.names import forbidden, invalid_value, required, unsupported
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Cause, bad_request


def secret(body: Json) -> list[Cause]:
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


def role_binding(body: Json) -> list[Cause]:
    reference = body.get("roleRef", {})
    causes = []
    if reference.get("kind") not in ("Role", "ClusterRole"):
        kind = reference.get("kind", "")
        causes.append(unsupported(kind, ("Role", "ClusterRole"), "roleRef.kind"))
    if not reference.get("name"):
        causes.append(required("roleRef.name"))
    return causes
