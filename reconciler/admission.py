"""What the words of an admission refusal mean: the reason, and the object that stands behind it.

The API server says the same to us (403) and to the StatefulSet controller, whose FailedCreate
event repeats it; no field tells quota, Pod Security and the other rules apart, so the text must.
Texts: plugin/pkg/admission/{resourcequota,limitranger,serviceaccount}, pod-security-admission and
apiserver/pkg/admission/plugin of Kubernetes; seen on 1.36 (tests/kubernetes/test_admission.py).
"""

import re

from app.domain.reasons import Reason

_QUOTA = re.compile(r"(?:exceeded|failed) quota: ([^,:\s]+)")
_SECURITY = re.compile(r"violates PodSecurity")
# plugin/pkg/admission/storage/persistentvolume/resize, and validation of PersistentVolumeClaims.
_GROWTH = re.compile(r"pvc can be resized|must support resize|allowVolumeExpansion")
_WEBHOOK = re.compile(r"admission webhook \"[^\"]+\" denied the request")
_POLICY = re.compile(r"ValidatingAdmissionPolicy '[^']+' with binding '[^']+' denied request")
# What a namespace has not got yet, or who does not answer: no refusal, and it may pass soon.
_BROKEN = re.compile(
    r"error looking up service account|status unknown for quota|failed calling webhook"
)
_LIMITS = re.compile(r"(?:usage|ratio) per (?:Container|Pod|PersistentVolumeClaim)")


def reason_of(text: str) -> Reason | None:
    """The reason that an admission refusal gives; None when the text is of another kind."""
    if _QUOTA.search(text):
        return Reason.QUOTA_EXCEEDED
    if _SECURITY.search(text):
        return Reason.POD_SECURITY_VIOLATION
    if _GROWTH.search(text):
        return Reason.VOLUME_NOT_GROWING
    if any(rule.search(text) for rule in (_WEBHOOK, _POLICY, _LIMITS)):
        return Reason.ADMISSION_DENIED
    if _BROKEN.search(text):
        return Reason.CREATE_FAILED
    return None


def culprit_of(text: str) -> str | None:
    """The quota that has no room, as `ResourceQuota/name`."""
    found = _QUOTA.search(text)
    return f"ResourceQuota/{found[1]}" if found else None
