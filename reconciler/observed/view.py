"""What a pass saw of one resource, whatever its kind: the phase, and why it is not further."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from app.domain.reasons import Reason
from app.domain.states import Phase
from reconciler.manifests.kinds import Object
from reconciler.observed.fields import field, title


class Doubt(Enum):
    """What the pods leave open, to be asked of the API only then."""

    UNMADE = auto()
    """No pod was made; events of the workload tell."""
    UNSCHEDULED = auto()
    """A pod has no node; its volumes tell whether it waits for one."""
    CREATING = auto()
    """A pod's containers are not made; events of the pod tell."""


_KEEPS = "DoNotTerminate"
_WAITING = {"foregroundDeletion", "orphan", "kubernetes.io/pvc-protection"}


@dataclass(frozen=True, slots=True)
class View:
    """A phase, and the reason why it is not further; `message` is the cluster's own text.

    Without a reason message and object say what is awaited, for when it takes too long. A `doubt`
    is about the object with the uid `about`.
    """

    phase: Phase
    reason: Reason | None = None
    message: str | None = None
    object: str | None = None
    doubt: Doubt | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """When a look happens, and since when what it looks for is awaited; by Postgres' clock."""

    now: datetime
    since: datetime

    @property
    def waited(self) -> timedelta:
        """How long it is awaited."""
        return self.now - self.since


def lingering(left: Sequence[tuple[str, Object]]) -> str:
    """What is still there, by kind, with what holds it."""
    named = [f"{title(kind, body)} (finalizers: {_held(body)})" for kind, body in left]
    return f"Still there: {', '.join(named)}."


def _held(body: Object) -> str:
    said = ", ".join(_finalizers(body)) or "none"
    # A Cluster of which somebody has said so stays until he says otherwise.
    kept = field(body, "spec", "terminationPolicy") == _KEEPS
    return f"{said}; terminationPolicy {_KEEPS}" if kept else said


def culprit(left: Sequence[tuple[str, Object]]) -> str:
    """Which of them holds the others: rather one with a finalizer of somebody's than a waiting one.

    The cluster's own finalizers wait: a workload for its pods, a claim for the pod that uses it.
    """
    kind, body = min(left, key=lambda one: _patience(one[1]))
    return title(kind, body)


def foreign(body: Object) -> list[str]:
    """The finalizers of an object that are somebody's, not the cluster's own."""
    return [name for name in _finalizers(body) if name not in _WAITING]


def _patience(body: Object) -> int:
    return 0 if foreign(body) else 2 if _finalizers(body) else 1


def _finalizers(body: Object) -> list[str]:
    found = field(body, "metadata", "finalizers")
    return list(map(str, found)) if isinstance(found, list) else []
