"""What volumes and events add to a view that the pods leave in doubt.

Events live for an hour and are a hint: one from before the present phase says nothing about it.
Only what names a cause counts; the rest is noise, such as the controller's own conflicts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from app.domain.reasons import Reason
from reconciler import admission
from reconciler.manifests.kinds import CLAIM, Object
from reconciler.observed.fields import text, time, title
from reconciler.observed.view import Doubt, Look, View

_NOISE = "the object has been modified"
_ON_NODE = {
    "FailedMount": Reason.VOLUME_MOUNT_FAILED,
    "FailedAttachVolume": Reason.VOLUME_MOUNT_FAILED,
    "FailedCreatePodSandBox": Reason.SANDBOX_CREATE_FAILED,
    "FailedCreatePodSandbox": Reason.SANDBOX_CREATE_FAILED,
}
# A volume that is bound on first use is unbound as long as no node fits: then the nodes are why.
_NODES = re.compile(r"Insufficient|taint|didn't match|Too many pods|unschedulable", re.IGNORECASE)
# How far the clocks of Postgres and the cluster may be apart.
_SKEW = timedelta(minutes=1)
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Clues:
    """Volumes of the resource, and events of the object in doubt or of the unbound volumes."""

    volumes: Sequence[Object] = ()
    events: Sequence[Object] = ()


def unbound(volumes: Sequence[Object]) -> list[Object]:
    """The claims without a volume."""
    return [claim for claim in volumes if text(claim, "status", "phase") != "Bound"]


def explained(view: View, clues: Clues, look: Look) -> View:
    """The view with the reason that the clues give, if any."""
    warnings = _warnings(clues.events, look)
    if view.doubt is Doubt.UNMADE:
        return _unmade(view, warnings)
    if view.doubt is Doubt.UNSCHEDULED:
        return _unscheduled(view, unbound(clues.volumes), warnings)
    if view.doubt is Doubt.CREATING:
        return _creating(view, warnings)
    return view


def _unmade(view: View, warnings: Sequence[Object]) -> View:
    for event in warnings:
        said = text(event, "message")
        if text(event, "reason") == "FailedCreate" and _NOISE not in said:
            reason = admission.reason_of(said) or Reason.CREATE_FAILED
            culprit = admission.culprit_of(said) or view.object
            return replace(view, reason=reason, message=said, object=culprit)
    return view


def _unscheduled(view: View, waiting: Sequence[Object], warnings: Sequence[Object]) -> View:
    said = view.message or ""
    for_nodes = _NODES.search(said) and "PersistentVolumeClaim" not in said
    if not waiting or for_nodes:
        return view
    told = next((text(event, "message") for event in warnings), said)
    name = title(CLAIM.kind, waiting[0])
    return replace(view, reason=Reason.VOLUME_PENDING, message=told, object=name)


def _creating(view: View, warnings: Sequence[Object]) -> View:
    for event in warnings:
        reason = _ON_NODE.get(text(event, "reason"))
        if reason is not None:
            return replace(view, reason=reason, message=text(event, "message"))
    return view


def _warnings(events: Sequence[Object], look: Look) -> list[Object]:
    """Warnings since what is looked for is awaited, the newest first."""
    fresh = [
        event
        for event in events
        if event.get("type") == "Warning" and _seen_at(event) >= look.since - _SKEW
    ]
    return sorted(fresh, key=_seen_at, reverse=True)


def _seen_at(event: Object) -> datetime:
    paths = (
        ("series", "lastObservedTime"),
        ("lastTimestamp",),
        ("eventTime",),
        ("metadata", "creationTimestamp"),
    )
    return max(filter(None, (time(event, *path) for path in paths)), default=_NEVER)
