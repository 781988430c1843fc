"""What the words of an admission refusal mean: the reason, and the object that stands behind it.

The API server says the same to us (403) and to the StatefulSet controller, whose FailedCreate
event repeats it; no field tells quota, Pod Security and the other rules apart, so the text must.
Texts: plugin/pkg/admission/{resourcequota,limitranger} and pod-security-admission of Kubernetes.
"""

import re

from app.domain.reasons import Reason

_QUOTA = re.compile(r"(?:exceeded|failed) quota: ([^,:\s]+)")
_SECURITY = re.compile(r"violates PodSecurity")
_WEBHOOK = re.compile(r"admission webhook \"[^\"]+\" denied the request")
_LIMITS = re.compile(r"(?:usage|ratio) per (?:Container|Pod|PersistentVolumeClaim)")


def reason_of(text: str) -> Reason | None:
    """The reason that an admission refusal gives; None when the text is of another kind."""
    if _QUOTA.search(text):
        return Reason.QUOTA_EXCEEDED
    if _SECURITY.search(text):
        return Reason.POD_SECURITY_VIOLATION
    if _WEBHOOK.search(text) or _LIMITS.search(text):
        return Reason.ADMISSION_DENIED
    return None


def culprit_of(text: str) -> str | None:
    """The quota that has no room, as `ResourceQuota/name`."""
    found = _QUOTA.search(text)
    return f"ResourceQuota/{found[1]}" if found else None
