"""What a cluster's refusals mean for the one who asked (kubernetes.md section 5)."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from app.domain.reasons import Reason
from reconciler import admission
from reconciler.manifests.kinds import KINDS

# Of an unknown group or version (Go's net/http).
_NO_PAGE = "404 page not found"


class Meaning(StrEnum):
    """What to do after an answer; most are reasons that users see."""

    INVALID = Reason.INVALID_SPEC.value
    FORBIDDEN = Reason.PERMISSION_MISSING.value
    QUOTA = Reason.QUOTA_EXCEEDED.value
    POD_SECURITY = Reason.POD_SECURITY_VIOLATION.value
    DENIED = Reason.ADMISSION_DENIED.value
    BROKEN = Reason.CREATE_FAILED.value
    UNAUTHORIZED = Reason.CREDENTIAL_REJECTED.value
    MISMATCH = Reason.CREDENTIAL_MISMATCH.value
    NOT_GROWING = Reason.VOLUME_NOT_GROWING.value
    NAMESPACE = Reason.NAMESPACE_TERMINATING.value
    NAMESPACE_MISSING = Reason.NAMESPACE_MISSING.value
    NOT_SERVED = Reason.KIND_NOT_SERVED.value
    OPERATOR_MISSING = Reason.OPERATOR_MISSING.value
    NOT_FOUND = Reason.OBJECT_MISSING.value
    CLASH = Reason.NAME_CLASH.value
    CONFLICT = Reason.CONFLICT.value
    THROTTLED = Reason.CLUSTER_THROTTLED.value
    UNAVAILABLE = Reason.CLUSTER_UNAVAILABLE.value
    NONSENSE = Reason.CLUSTER_ANSWER_INVALID.value
    CERTIFICATE = Reason.CERTIFICATE_INVALID.value
    ADDRESS = Reason.ADDRESS_REFUSED.value
    EXPIRED = "Expired"


# What an apply that does not fit its kind's schema says in a 500: an unknown field or a wrong type,
# and a value that cannot be read (kube-apiserver 1.36).
_UNFIT = (
    "field not declared in schema",
    "failed to create typed patch object",
    "failed to convert new object",
)


class ClusterError(Exception):
    """An answer that is no success, or none at all (`status` 0); the cluster's own words.

    `object` is the culprit as `Kind/name`, if the answer names one. `reading`: nothing was to be
    changed. `retry_after`: the seconds that the API server asks to wait. `turn`: those until it is
    asked, for it was not now. `held`: for how long the circuit to it stays open, if it is.
    """

    def __init__(
        self,
        meaning: Meaning,
        status: int,
        message: str,
        *,
        object: str | None = None,  # noqa: A002 - the word of the contract
        reading: bool = False,
        retry_after: float = 0,
        turn: float | None = None,
        held: timedelta | None = None,
    ) -> None:
        self.meaning = meaning
        self.status = status
        self.object = object
        self.reading = reading
        self.retry_after = retry_after
        self.turn = turn
        self.held = held
        super().__init__(message)

    @property
    def reason(self) -> Reason:
        """What users are told; a list that expired under its pages is an answer not got."""
        if self.meaning is Meaning.EXPIRED:
            return Reason.CLUSTER_UNAVAILABLE
        return Reason(self.meaning.value)


def meaning_of(status: int, body: object) -> Meaning:
    """What a status code and a Status body (or other text) mean."""
    said = body if isinstance(body, dict) else {}
    message = str(said.get("message", body))
    # A webhook chooses its own code, and one that does not answer gives a 500.
    refusal = admission.reason_of(message) if 400 <= status <= 500 else None
    if refusal is not None:
        return Meaning(refusal.value)
    if 400 <= status < 500 and status not in (401, 429) and is_web_page(body):
        return Meaning.NONSENSE
    if status in (400, 413, 415, 422) or any(text in message for text in _UNFIT):
        return Meaning.INVALID
    if status == 403:
        terminating = "NamespaceTerminating" in str(said.get("details"))
        return Meaning.NAMESPACE if terminating else Meaning.FORBIDDEN
    if status == 404:
        return _missing(body)
    known = {
        401: Meaning.UNAUTHORIZED,
        409: Meaning.CONFLICT,
        410: Meaning.EXPIRED,
        429: Meaning.THROTTLED,
    }
    return known.get(status, Meaning.UNAVAILABLE)


def is_web_page(body: object) -> bool:
    """Whether it is what a proxy or a login page says, and no API server."""
    return isinstance(body, str) and body.lstrip().startswith("<")


def culprit_of(body: object, path: str) -> str | None:
    """The object that a refusal of `path` is about, as `Kind/name`, if it names one."""
    said = body if isinstance(body, dict) else {}
    message = str(said.get("message", body))
    quota = admission.culprit_of(message)
    if quota is not None:
        return quota
    if admission.reason_of(message) is Reason.POD_SECURITY_VIOLATION:
        # What blocks is the namespace's label, not the pod.
        return f"Namespace/{path.partition('/namespaces/')[2].partition('/')[0]}"
    details = said.get("details")
    kind, name = _named(details if isinstance(details, dict) else {})
    return f"{kind}/{name}" if kind and name else None


def _missing(body: object) -> Meaning:
    """A 404 of a web server or a gateway is none of Kubernetes': believed, all would be gone."""
    if isinstance(body, str) and body.strip() == _NO_PAGE:
        return Meaning.NOT_SERVED
    if not isinstance(body, dict) or body.get("kind") != "Status":
        return Meaning.NONSENSE
    details = body.get("details")
    kind = details.get("kind") if isinstance(details, dict) else None
    if not kind:  # plain text for an unknown group or version, a bare Status for a resource
        return Meaning.NOT_SERVED
    return Meaning.NAMESPACE_MISSING if kind == "namespaces" else Meaning.NOT_FOUND


def _named(details: dict[str, Any]) -> tuple[str | None, str | None]:
    """The kind, which Status bodies give as its plural or, for invalid objects, as itself."""
    kind = details.get("kind")
    singular = {known.plural: known.kind for known in KINDS} | {"namespaces": "Namespace"}
    return singular.get(str(kind), kind), details.get("name")
