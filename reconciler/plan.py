"""What is seen of a sandbox, and what follows from it: pure, no await.

`seen` reads workload and pods by the table of kubernetes.md section 3 (first hit wins). `verdict`
turns that into the outcome of a pass: when to look again, and when a deadline has made it a
failure. Unknown strings never crash: starting, with the text kept.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from app.db.claims import Claim
from app.domain.observation import Addresses, Outcome
from app.domain.states import DesiredState, Phase
from app.settings import Settings
from reconciler.cluster.errors import PERMANENT, ClusterError
from reconciler.manifests.identity import APPLIED, GENERATION, RESOURCE
from reconciler.manifests.kinds import Object, title

SETTLED = frozenset({Phase.RUNNING, Phase.STOPPED, Phase.ABSENT, Phase.GONE})
_WAIT = timedelta(seconds=2)
_SLOW = timedelta(seconds=60)
_WAITING = {
    "ErrImagePull": "ImagePullFailed",
    "ImagePullBackOff": "ImagePullFailed",
    "InvalidImageName": "ImagePullFailed",
    "ErrImageNeverPull": "ImagePullFailed",
    "CreateContainerConfigError": "ContainerConfigError",
    "CreateContainerError": "ContainerConfigError",
    "RunContainerError": "ContainerConfigError",
    "CrashLoopBackOff": "CrashLoop",
}


@dataclass(frozen=True, slots=True)
class View:
    """A phase, and the reason why it is not further."""

    phase: Phase
    reason: str | None = None
    message: str | None = None
    object: str | None = None


def seen(workload: Object | None, pods: Sequence[Object]) -> View:
    """What is to be seen of a sandbox."""
    if workload is None:
        return View(Phase.ABSENT)
    status, spec = workload.get("status", {}), workload["spec"]
    wanted = spec.get("replicas", 1)
    if "deletionTimestamp" in workload["metadata"]:
        return View(Phase.TERMINATING)
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return View(Phase.STARTING if wanted else Phase.STOPPING)
    if not wanted:
        return View(Phase.STOPPING if pods else Phase.STOPPED)
    ready = [pod for pod in pods if _ready(pod) and _revision(pod) == status.get("updateRevision")]
    if ready:
        return View(Phase.RUNNING)
    return next((view for pod in pods if (view := _trouble(pod))), View(Phase.STARTING))


def is_ours(workload: Object, claim: Claim) -> bool:
    """Whether an object of our name carries our label."""
    labels = workload["metadata"].get("labels") or {}
    return bool(labels.get(RESOURCE) == str(claim.id))


def is_newer(workload: Object, claim: Claim) -> bool:
    """Whether somebody has written it for a later generation than ours: no step back."""
    annotations = workload["metadata"].get("annotations") or {}
    written = annotations.get(GENERATION, "0")
    return written.isdigit() and int(written) > claim.generation


def is_current(workload: Object, body: Object) -> bool:
    """Whether the live object is what `body` would make of it, as far as our own mark says."""
    annotations = workload["metadata"].get("annotations") or {}
    mine: Any = body["metadata"]["annotations"][APPLIED]
    same = workload["spec"].get("replicas") == body["spec"]["replicas"]
    return bool(annotations.get(APPLIED) == mine and same)


def verdict(claim: Claim, view: View, settings: Settings, addresses: Addresses | None) -> Outcome:
    """The outcome of a pass that could read and finish its writes."""
    outcome = Outcome(
        generation=claim.generation,
        after=_WAIT if view.phase not in SETTLED else _spread(settings.recheck),
        phase=view.phase,
        reason=view.reason,
        message=view.message,
        object=view.object,
        attempts=claim.attempts + 1 if view.reason else 0,
        addresses=addresses,
    )
    if view.phase in SETTLED or not _late(claim, view.phase, settings):
        return outcome
    cause = view.reason or f"{view.phase.capitalize()}TooLong"
    message = view.message or f"It is {view.phase} for longer than it may."
    attempts = claim.attempts + 1
    return replace(
        outcome, failed=True, reason=cause, message=message, attempts=attempts, after=_WAIT * 3
    )


def refused(claim: Claim, error: ClusterError, settings: Settings) -> Outcome:
    """The outcome of a pass that the cluster stopped: permanent at once, else with backoff."""
    failed = error.meaning in PERMANENT
    longest = min(2.0 ** min(claim.attempts, 8), settings.recheck)
    after = _SLOW if failed else timedelta(seconds=random.uniform(0.1, longest))  # noqa: S311
    return Outcome(
        generation=claim.generation,
        after=after,
        failed=failed,
        reason=error.meaning.value,
        message=str(error),
        attempts=claim.attempts + 1,
    )


def clash(claim: Claim, workload: Object) -> Outcome:
    """The outcome when somebody else's object has our name: never overwritten."""
    return Outcome(
        generation=claim.generation,
        after=_SLOW,
        failed=True,
        reason="NameClash",
        message="An object of this name belongs to somebody else; it is left alone.",
        object=title(workload),
        attempts=claim.attempts + 1,
    )


def _late(claim: Claim, phase: Phase, settings: Settings) -> bool:
    """Past the deadline, counted from 0 for a generation or phase not yet observed."""
    if claim.phase != phase or claim.observed_generation != claim.generation:
        return False
    limits = {
        DesiredState.RUNNING: settings.starting_deadline,
        DesiredState.STOPPED: settings.stopping_deadline,
        DesiredState.DELETED: settings.terminating_deadline,
    }
    return (claim.claimed_at - claim.phase_since).total_seconds() > limits[claim.desired_state]


def _spread(seconds: float) -> timedelta:
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spread


def _ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _revision(pod: Object) -> str | None:
    labels = pod["metadata"].get("labels") or {}
    found: str | None = labels.get("controller-revision-hash")
    return found


def _trouble(pod: Object) -> View | None:
    status = pod.get("status", {})
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return View(Phase.STARTING, "Unschedulable", condition.get("message"), _name(pod))
    containers = [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]
    for container in containers:
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = _WAITING.get(waiting.get("reason", ""))
        if reason:
            return View(Phase.STARTING, reason, waiting.get("message"), _name(pod))
    return None


def _name(pod: Object) -> str:
    return f"Pod/{pod['metadata']['name']}"
