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
    named = [f"{title(kind, body)} (finalizers: {_finalizers(body)})" for kind, body in left]
    return f"Still there: {', '.join(named)}."


def _finalizers(body: Object) -> str:
    found = field(body, "metadata", "finalizers")
    return ", ".join(map(str, found)) if isinstance(found, list) and found else "none"
