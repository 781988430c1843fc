"""What is seen of a database: its KubeBlocks Cluster, read by kubernetes.md section 4.

A phase is believed only when the operator has looked at the newest generation. The eight phases are
the same in all releases; an unknown one is a start, with its text kept. Pure: no await.
"""

from datetime import datetime

from app.domain.reasons import Reason
from app.domain.states import Phase
from reconciler.manifests import operations
from reconciler.manifests.database import is_told_to_stop
from reconciler.manifests.kinds import Object, title
from reconciler.observed.view import View, culprit, lingering

_PHASES = {
    "Running": Phase.RUNNING,
    "Stopping": Phase.STOPPING,
    "Stopped": Phase.STOPPED,
    "Deleting": Phase.TERMINATING,
}
_TROUBLED = ("Failed", "Abnormal")


def seen(
    live: Object | None, *, silent: bool, reachable: bool, asked: Object | None = None
) -> View:
    """What is to be seen; `silent`: the operator had the time to look, `reachable`: its account is
    known, `asked`: the OpsRequest that is to stop or start it."""
    if live is None:
        return View(Phase.ABSENT)
    if "deletionTimestamp" in live["metadata"]:
        left = [(live["kind"], live)]
        return View(Phase.TERMINATING, message=lingering(left), object=culprit(left))
    status = live.get("status") or {}
    phase = status.get("phase") or ""
    looked_at = status.get("observedGeneration") or 0
    current = looked_at >= live["metadata"].get("generation", 0)
    if not current or not phase or operations.is_unseen(asked):
        return _unlooked(live, silent=silent)
    found = _PHASES.get(phase, Phase.STARTING)
    trouble = _words(status, phase) if phase in _TROUBLED else operations.complaint(asked)
    if trouble:
        return View(found, Reason.DATABASE_FAILED, trouble, title(live))
    if found == Phase.RUNNING and not reachable:
        words = "It runs, but the Secret with its account is not there."
        return View(Phase.STARTING, Reason.CREDENTIALS_MISSING, words, title(live))
    return View(found)


def stopped_elsewhere(live: Object, at: datetime) -> View:
    """What is to be seen `at` a time of one that was RUNNING and that somebody has told to stop."""
    stopped = (live.get("status") or {}).get("phase") == "Stopped"
    phase = Phase.STOPPED if stopped else Phase.STOPPING
    words = (
        "Somebody has stopped it in the cluster, not Mooring. Start or retry it, and Mooring makes"
        " it run again; or have it started by whoever stopped it. Last seen so at"
        f" {at:%Y-%m-%d %H:%M:%S} UTC."
    )
    return View(phase, Reason.STOPPED_ELSEWHERE, words, title(live))


def _unlooked(live: Object, *, silent: bool) -> View:
    phase = Phase.STOPPING if is_told_to_stop(live) else Phase.STARTING
    refused = _untrue(live.get("status") or {}, but="Ready")
    if refused:
        return View(phase, Reason.DATABASE_FAILED, "; ".join(refused), title(live))
    if not silent:
        return View(phase)
    words = "The database operator has not looked at it: does KubeBlocks run in this cluster?"
    return View(phase, Reason.OPERATOR_NOT_RUNNING, words, title(live))


def _words(status: Object, phase: str) -> str:
    """The operator's own: of the components, else of a condition that does not hold."""
    said = [
        f"{name}: {text}"
        for part in (status.get("components") or {}).values()
        for name, text in (part.get("message") or {}).items()
    ]
    return "; ".join(said + _untrue(status)) or f"KubeBlocks says {phase}."


def _untrue(status: Object, but: str = "") -> list[str]:
    """The texts of conditions that do not hold: a Cluster that is refused says so in one alone."""
    return [
        condition["message"]
        for condition in status.get("conditions") or []
        if condition.get("status") == "False"
        and condition.get("message")
        and condition.get("type") != but
    ]
