"""What a cluster's refusals mean for the one who asked (kubernetes.md section 5)."""

from enum import StrEnum


class Meaning(StrEnum):
    """What to do after an answer."""

    INVALID = "InvalidSpec"
    FORBIDDEN = "PermissionMissing"
    QUOTA = "QuotaExceeded"
    POD_SECURITY = "PodSecurityViolation"
    UNAUTHORIZED = "CredentialRejected"
    NAMESPACE = "NamespaceTerminating"
    NAMESPACE_MISSING = "NamespaceMissing"
    NOT_SERVED = "KindNotServed"
    OPERATOR_MISSING = "OperatorMissing"
    NOT_FOUND = "NotFound"
    CONFLICT = "Conflict"
    EXPIRED = "Expired"
    THROTTLED = "ClusterThrottled"
    UNAVAILABLE = "ClusterUnavailable"


# Repeating these changes nothing until somebody changes something.
PERMANENT = frozenset(
    {
        Meaning.INVALID,
        Meaning.FORBIDDEN,
        Meaning.QUOTA,
        Meaning.POD_SECURITY,
        Meaning.NOT_SERVED,
        Meaning.OPERATOR_MISSING,
    }
)


class ClusterError(Exception):
    """An answer that is no success, or none at all (`status` 0); the cluster's own words."""

    def __init__(self, meaning: Meaning, status: int, message: str) -> None:
        self.meaning = meaning
        self.status = status
        super().__init__(message)


def meaning_of(status: int, body: object) -> Meaning:
    """What a status code and a Status body (or other text) mean."""
    said = body if isinstance(body, dict) else {}
    message = str(said.get("message", body))
    if status in (400, 413, 415, 422) or "field not declared in schema" in message:
        return Meaning.INVALID
    if status == 403:
        return _forbidden(said, message)
    if status == 404:
        kind = (said.get("details") or {}).get("kind")
        if not kind:  # plain text for an unknown group or version, a bare Status for a resource
            return Meaning.NOT_SERVED
        return Meaning.NAMESPACE_MISSING if kind == "namespaces" else Meaning.NOT_FOUND
    known = {
        401: Meaning.UNAUTHORIZED,
        409: Meaning.CONFLICT,
        410: Meaning.EXPIRED,
        429: Meaning.THROTTLED,
    }
    return known.get(status, Meaning.UNAVAILABLE)


def _forbidden(said: dict[str, object], message: str) -> Meaning:
    if "NamespaceTerminating" in str(said.get("details")):
        return Meaning.NAMESPACE
    if "exceeded quota" in message:
        return Meaning.QUOTA
    return Meaning.POD_SECURITY if "PodSecurity" in message else Meaning.FORBIDDEN
