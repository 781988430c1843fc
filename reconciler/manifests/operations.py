"""Stopping and starting where a Cluster has no `stop`: KubeBlocks 0.8 and the first of 0.9.

There the operator does it for an OpsRequest: it writes `replicas: 0` and keeps the number for the
start in an annotation. Whoever wrote the number back himself would leave the annotation, and the
next Stop would do nothing (its handler takes it for a sign that it was done), so what is stopping
or stopped is never applied (docs/decisions/0027). Pure.
"""

from datetime import datetime
from enum import Enum, auto

from reconciler.manifests.database import is_told_to_stop
from reconciler.manifests.identity import Owner, build
from reconciler.manifests.kinds import OLD_OPS_REQUEST, Object

# The phases from which the operator takes each, in 0.8 and 0.9.
_STOPS = frozenset({"Running", "Abnormal", "Failed", "Updating"})
_STARTS = frozenset({"Stopped"})
_OVER = frozenset({"Succeed", "Failed", "Cancelled", "Aborted"})
# Seconds after which the operator takes a request away that has succeeded.
_LASTS = 600
# Seconds until one that failed is made anew: a part of those that its end is awaited for already.
_SOONEST, _RAREST, _PART = 4.0, 300.0, 4


class Step(Enum):
    """What there is to do."""

    APPLY = auto()
    STOP = auto()
    START = auto()
    WAIT = auto()


def step(live: Object | None, *, stop: bool) -> Step:
    """What brings a Cluster to where it is wanted; one that is not there is to run."""
    if live is None:
        return Step.APPLY
    phase = (live.get("status") or {}).get("phase")
    if is_told_to_stop(live):
        return Step.START if not stop and phase in _STARTS else Step.WAIT
    if not stop:
        return Step.APPLY
    return Step.STOP if phase in _STOPS else Step.WAIT


def name(owner: Owner, step: Step) -> str:
    """The name of the request: one for each generation and kind."""
    return f"{owner.name}-{step.name.lower()}-{owner.generation}"


def request(owner: Owner, step: Step) -> Object:
    """The OpsRequest. `clusterRef` is the name in 0.8, and 0.9 reads it still."""
    spec = {
        "clusterRef": owner.name,
        "type": step.name.capitalize(),
        "ttlSecondsAfterSucceed": _LASTS,
    }
    return build(OLD_OPS_REQUEST, owner, name(owner, step), {"spec": spec})


def is_over(request: Object) -> bool:
    """Whether nothing comes of it any more."""
    return (request.get("status") or {}).get("phase") in _OVER


def may_repeat(request: Object, now: datetime, waited: float) -> bool:
    """Whether one that is over is made anew: one that did not succeed the later, the longer
    (`waited` seconds) its end is awaited. `now` by the cluster's clock."""
    status = request.get("status") or {}
    if status.get("phase") == "Succeed":
        return True
    said = status.get("completionTimestamp") or request["metadata"].get("creationTimestamp")
    try:
        failed = (now - datetime.fromisoformat(str(said))).total_seconds()
    except (ValueError, TypeError):  # nonsense, or a time of no zone
        return True
    return failed >= min(_RAREST, max(_SOONEST, waited / _PART))


def is_unseen(request: Object | None) -> bool:
    """Whether there is one that the operator has not looked at."""
    return request is not None and not (request.get("status") or {}).get("phase")


def complaint(request: Object | None) -> str:
    """Why it failed, in the operator's words; "" unless it did."""
    status = (request or {}).get("status") or {}
    if request is None or status.get("phase") != "Failed":
        return ""
    said = [one.get("message") for one in status.get("conditions") or [] if one.get("message")]
    return f"OpsRequest {request['metadata']['name']}: {said[-1] if said else 'Failed'}"
