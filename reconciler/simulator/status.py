"""The Status object: how a Kubernetes API server says no, and how it confirms a deletion.

Codes, reasons and texts are those of kube-apiserver 1.36; a client decides by them.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from reconciler.simulator.kinds import Kind

Json = dict[str, Any]

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    504: "Timeout",
}
# As Go writes them.
META_ORDER = ("name", "generateName", "namespace", "uid", "resourceVersion", "generation")
MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


@dataclass(frozen=True)
class Cause:
    """One reason of several; `field` is a path such as `metadata.name`."""

    reason: str
    message: str
    field: str = ""

    def body(self) -> Json:
        body = {"reason": self.reason, "message": self.message}
        return {**body, "field": self.field} if self.field else body


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - a Status is an answer, not a programming error
    """An answer that is not a success."""

    code: int
    message: str
    reason: str | None = None
    details: Json | None = None
    headers: dict[str, str] = field(default_factory=dict)
    metadata: Json = field(default_factory=dict)

    def body(self) -> Json:
        body: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        reason = self.reason or REASONS.get(self.code)
        if reason:
            body["reason"] = reason
        if self.details is not None:
            body["details"] = self.details
        return {**body, "code": self.code}


class NoPage(Exception):  # noqa: N818 - as Refusal
    """Nothing is served there: a plain text 404, which is no Status."""


def details(kind: Kind, name: str, causes: list[Cause] | None = None) -> Json:
    body: Json = {"name": name} if name else {}
    if kind.group:
        body["group"] = kind.group
    body["kind"] = kind.plural
    if causes:
        body["causes"] = [cause.body() for cause in causes]
    return body


def bad_request(message: str) -> Refusal:
    return Refusal(400, message)


def not_found(kind: Kind, name: str) -> Refusal:
    return Refusal(404, f'{kind.resource} "{name}" not found', details=details(kind, name))


def no_such_resource() -> Refusal:
    return Refusal(404, "the server could not find the requested resource", details={})


def already_exists(kind: Kind, name: str, *, terminating: bool) -> Refusal:
    prefix = "object is being deleted: " if terminating else ""
    message = f'{prefix}{kind.resource} "{name}" already exists'
    return Refusal(409, message, "AlreadyExists", details(kind, name))


def conflict(kind: Kind, name: str, why: str = MODIFIED) -> Refusal:
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return Refusal(409, message, details=details(kind, name))


def precondition_failed(kind: Kind, name: str, why: str) -> Refusal:
    # The real answer names the kind here, not the plural, and leaves the group out.
    message = f'Operation cannot be fulfilled on {kind.qualified} "{name}": {why}'
    body = {**details(kind, name), "kind": kind.kind}
    return Refusal(409, message, details=body)


def invalid(kind: Kind, name: str, causes: list[Cause]) -> Refusal:
    """422 with one cause per field."""
    texts = [f"{cause.field}: {cause.message}" for cause in causes]
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    body = {**details(kind, name, causes), "kind": kind.kind}
    return Refusal(422, f'{kind.qualified} "{name}" is invalid: {joined}', details=body)


def no_version(kind: Kind, name: str) -> Refusal:
    """422 for a replacement of a CRD's object that does not say of which version."""
    where = "metadata.resourceVersion"
    cause = Cause("FieldValueInvalid", "Invalid value: 0: must be specified for an update", where)
    message = f'{kind.resource} "{name}" is invalid: {cause.field}: {cause.message}'
    return Refusal(422, message, details=details(kind, name, [cause]))


def invalid_options(options: str, causes: list[Cause]) -> Refusal:
    """422 for a query parameter; `options` is such as `DeleteOptions`."""
    texts = ", ".join(f"{cause.field}: {cause.message}" for cause in causes)
    body = {
        "group": "meta.k8s.io",
        "kind": options,
        "causes": [cause.body() for cause in causes],
    }
    return Refusal(422, f'{options}.meta.k8s.io "" is invalid: {texts}', details=body)


def invalid_patch(patched: Json, why: str) -> Refusal:
    """422 for a patch whose result is no object of the kind."""
    meta = patched.get("metadata", {})
    ordered = {key: meta[key] for key in META_ORDER if key in meta}
    body = {**dict(sorted(patched.items())), "metadata": {**ordered, **meta}}
    shown = orjson.dumps(orjson.dumps(body).decode()).decode()
    cause = Cause("FieldValueInvalid", f"Invalid value: {shown}: {why}", "patch")
    message = f' "" is invalid: patch: {cause.message}'
    return Refusal(422, message, details={"causes": [cause.body()]})


def forbidden(kind: Kind, name: str, why: str, causes: list[Cause]) -> Refusal:
    message = f'{kind.resource} "{name}" is forbidden: {why}'
    return Refusal(403, message, details=details(kind, name, causes))


def expired(message: str, metadata: Json | None = None) -> Refusal:
    return Refusal(410, message, metadata=metadata or {})


def too_large_version(asked: int, current: int) -> Refusal:
    cause = Cause("ResourceVersionTooLarge", "Too large resource version")
    return Refusal(
        504,
        f"Timeout: Too large resource version: {asked}, current: {current}",
        details={"causes": [cause.body()], "retryAfterSeconds": 1},
        headers={"Retry-After": "1"},
    )


def deleted(kind: Kind, name: str, uid: str) -> Json:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {**details(kind, name), "uid": uid},
    }
