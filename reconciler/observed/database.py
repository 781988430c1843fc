"""What is seen of a database: its KubeBlocks Cluster, read by kubernetes.md section 4.

A phase is believed only when the operator has looked at the newest generation. The eight phases are
the same in all releases; an unknown one is a start, with its text kept. Pure: no await.
"""

from datetime import timedelta

from app.domain.states import Phase
from reconciler.manifests.database import component
from reconciler.manifests.kinds import Object, title
from reconciler.observed.view import View

# How long the operator may take to look at a Cluster before it is taken to be away.
_OPERATOR = timedelta(seconds=60)

_PHASES = {
    "Running": Phase.RUNNING,
    "Stopping": Phase.STOPPING,
    "Stopped": Phase.STOPPED,
    "Deleting": Phase.TERMINATING,
}
_TROUBLED = ("Failed", "Abnormal")


def seen(live: Object | None, *, waited: timedelta, reachable: bool) -> View:
    """What is to be seen; `waited`: how long it has been so, `reachable`: its account is known."""
    if live is None:
        return View(Phase.ABSENT)
    if "deletionTimestamp" in live["metadata"]:
        return View(Phase.TERMINATING)
    status = live.get("status") or {}
    phase = status.get("phase") or ""
    looked_at = status.get("observedGeneration") or 0
    current = looked_at >= live["metadata"].get("generation", 0)
    if not current or not phase:
        return _unlooked(live, waited)
    if phase in _TROUBLED:
        return View(Phase.STARTING, "DatabaseFailed", _words(status, phase), title(live))
    found = _PHASES.get(phase, Phase.STARTING)
    if found == Phase.RUNNING and not reachable:
        return View(Phase.STARTING)
    return View(found)


def version(live: Object | None) -> str | None:
    """The PostgreSQL version that the operator chose or was told."""
    return component(live).get("serviceVersion") if live else None


def _unlooked(live: Object, waited: timedelta) -> View:
    phase = Phase.STOPPING if component(live).get("stop") else Phase.STARTING
    if waited < _OPERATOR:
        return View(phase)
    words = "The database operator has not looked at it: does KubeBlocks run in this cluster?"
    return View(phase, "OperatorNotRunning", words, title(live))


def _words(status: Object, phase: str) -> str:
    """The operator's own: of the components, else of a condition that does not hold."""
    said = [
        f"{name}: {text}"
        for part in (status.get("components") or {}).values()
        for name, text in (part.get("message") or {}).items()
    ]
    said += [
        condition["message"]
        for condition in status.get("conditions") or []
        if condition.get("status") == "False" and condition.get("message")
    ]
    return "; ".join(said) or f"KubeBlocks says {phase}."
