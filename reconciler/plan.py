"""What follows from what was seen: pure, no await.

`verdict` turns a `View` into the outcome of a pass: when to look again, and when a deadline has
made it a failure. The other outcomes are those of passes that the cluster, time or somebody else's
object stopped.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from app.db.claims import Claim
from app.domain.observation import Details, Outcome
from app.domain.states import DesiredState, Phase, ResourceKind
from app.settings import Settings
from reconciler.cluster.errors import PERMANENT, ClusterError
from reconciler.manifests.identity import APPLIED, GENERATION, RESOURCE
from reconciler.manifests.kinds import Object, title
from reconciler.observed.view import View

SETTLED = frozenset({Phase.RUNNING, Phase.STOPPED, Phase.ABSENT, Phase.GONE})
_WAIT = timedelta(seconds=2)
_SLOW = timedelta(seconds=60)

_TOO_LONG = {
    DesiredState.RUNNING: "StartingTooLong",
    DesiredState.STOPPED: "StoppingTooLong",
    DesiredState.DELETED: "DeleteBlocked",
}

WAITING_FOR_DATABASE = "WaitingForDatabase"
WAITING_FOR_SANDBOXES = "WaitingForSandboxes"
STARTED_WITHOUT = "StartedWithoutDatabase"
_WAITS = {
    WAITING_FOR_DATABASE: "Starts once the address and password are known of",
    WAITING_FOR_SANDBOXES: "Stops once they are down:",
}
# Who waits for another of its project is asked when that one moves.
WAITING = tuple(_WAITS)

NEWER = (
    "Its objects were written for a later generation than this database knows, as after a restore;"
    " they are left alone until it gets there."
)


def is_observed(claim: Claim) -> bool:
    """Whether a pass for this very generation has finished its writes."""
    return claim.observed_generation == claim.generation


def is_ours(workload: Object, claim: Claim) -> bool:
    """Whether an object of our name carries our label."""
    labels = workload["metadata"].get("labels") or {}
    return bool(labels.get(RESOURCE) == str(claim.id))


def is_newer(workload: Object, claim: Claim) -> bool:
    """Whether somebody has written it for a later generation than ours: no step back."""
    annotations = workload["metadata"].get("annotations") or {}
    written = annotations.get(GENERATION, "0")
    return written.isdigit() and int(written) > claim.generation


def is_awaited(claim: Claim) -> bool:
    """Whether all is written for this generation and only the cluster's part is awaited.

    A settled row is applied anew whenever somebody asks: the event may be that of an object which
    was changed or removed by hand.
    """
    return is_observed(claim) and claim.phase in (Phase.STARTING, Phase.STOPPING)


def is_applied(live: Object, body: Object) -> bool:
    """Whether our own mark on the live object is that of `body`."""
    annotations = live["metadata"].get("annotations") or {}
    return bool(annotations.get(APPLIED) == body["metadata"]["annotations"][APPLIED])


def lasted(claim: Claim) -> timedelta:
    """How long what was seen last has been so; 0 for a generation not yet observed."""
    return claim.claimed_at - claim.phase_since if is_observed(claim) else timedelta(0)


def waits(claim: Claim, reason: str, others: Sequence[str]) -> Outcome:
    """The outcome of a pass that holds back until others of its project are further."""
    return Outcome(
        generation=claim.generation,
        after=_WAIT,
        reason=reason,
        message=f"{_WAITS[reason]} {', '.join(others)}.",
        attempts=claim.attempts + 1,
    )


def started_without(claim: Claim, outcome: Outcome, database: str) -> Outcome:
    """`outcome` of a sandbox that went up before its database could be reached, saying so."""
    if outcome.reason is not None:
        return outcome
    words = (
        f"It runs without DATABASE_URL: {database} was not ready in time. It restarts once it is."
    )
    return replace(outcome, reason=STARTED_WITHOUT, message=words, attempts=claim.attempts + 1)


def waited(claim: Claim, reason: str, settings: Settings) -> bool:
    """Whether it has held back for this reason as long as it may."""
    if claim.reason != reason or claim.since is None:
        return False
    return (claim.claimed_at - claim.since).total_seconds() > settings.siblings_wait


def blocked(left: Sequence[tuple[str, Object]]) -> View:
    """A deletion under way; what is left is named once it takes too long."""
    named = [
        f"{kind}/{body['metadata']['name']}"
        f" (finalizers: {', '.join(body['metadata'].get('finalizers') or ['none'])})"
        for kind, body in left
    ]
    return View(
        Phase.TERMINATING, message=f"Still there: {', '.join(named)}.", object=named[0].split()[0]
    )


def verdict(claim: Claim, view: View, settings: Settings, details: Details | None) -> Outcome:
    """The outcome of a pass that could read and finish its writes."""
    outcome = Outcome(
        generation=claim.generation,
        after=_WAIT if view.phase not in SETTLED else _spread(settings.recheck),
        phase=view.phase,
        reason=view.reason,
        message=view.message if view.reason else None,
        object=view.object if view.reason else None,
        attempts=claim.attempts + 1 if view.reason else 0,
        details=details,
    )
    if not _late(claim, view.phase, settings):
        return outcome
    return replace(
        outcome,
        failed=True,
        reason=view.reason or _TOO_LONG[claim.desired_state],
        message=view.message or f"It is {view.phase} for longer than it may.",
        object=view.object,
        attempts=claim.attempts + 1,
        after=_WAIT * 3,
    )


def refused(claim: Claim, error: ClusterError, settings: Settings) -> Outcome:
    """The outcome of a pass that the cluster stopped: permanent at once, else with backoff."""
    permanent = error.meaning in PERMANENT
    return Outcome(
        generation=claim.generation,
        after=_SLOW if permanent else _backoff(claim),
        failed=permanent or _late(claim, claim.phase, settings),
        reason=error.meaning.value,
        message=str(error),
        attempts=claim.attempts + 1,
    )


def interrupted(claim: Claim, reason: str, message: str) -> Outcome:
    """The outcome of a pass that did not come to its end."""
    return Outcome(
        generation=claim.generation,
        after=_backoff(claim),
        reason=reason,
        message=message,
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
    if phase in SETTLED or phase != claim.phase or not is_observed(claim):
        return False
    return lasted(claim).total_seconds() > deadline(claim, settings)


def deadline(claim: Claim, settings: Settings) -> float:
    """How many seconds it may take to where it is wanted."""
    if claim.desired_state == DesiredState.DELETED:
        return settings.terminating_deadline
    starting = claim.desired_state == DesiredState.RUNNING
    if claim.kind == ResourceKind.SANDBOX:
        return settings.starting_deadline if starting else settings.stopping_deadline
    return settings.database_starting_deadline if starting else settings.database_stopping_deadline


def _backoff(claim: Claim) -> timedelta:
    """Exponential, with full jitter, for ever."""
    longest = min(_SLOW.total_seconds(), 2.0 ** min(claim.attempts, 8))
    return timedelta(seconds=random.uniform(0.1, longest))  # noqa: S311 - jitter


def _spread(seconds: float) -> timedelta:
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spread
