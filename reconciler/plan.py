"""What follows from what was seen: pure, no await.

`verdict` turns a `View` into the outcome of a pass: when to look again, and when a deadline has
made it a failure. The other outcomes are those of passes that the cluster, time or somebody else's
object stopped. What is permanent is a failure at once, all else past its deadline; a pass that
found nothing out leaves a failure a failure.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from app.db.claims import Claim
from app.domain.observation import Details, Outcome
from app.domain.reasons import Reason
from app.domain.states import DesiredState, Phase, ResourceKind
from app.settings import Settings
from reconciler import flapping
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.flapping import Damped
from reconciler.manifests.identity import APPLIED, GENERATION, RESOURCE
from reconciler.manifests.kinds import Object, title
from reconciler.manifests.namespace import holds
from reconciler.observed.view import Look, View, culprit, lingering

# Where each wish ends. A phase that another wish ends in is a transition: an operator that has not
# begun to stop still says Running.
_ENDS = {
    DesiredState.RUNNING: frozenset({Phase.RUNNING}),
    DesiredState.STOPPED: frozenset({Phase.STOPPED, Phase.ABSENT, Phase.GONE}),
    DesiredState.DELETED: frozenset({Phase.GONE}),
}
# How often a transition is looked at without an event.
_WAIT = 2.0
# What part of the time in which nothing changed one waits until the next look without a watch.
_UNCHANGED = 4
# The same of a deletion of which events tell.
_WAIT_TOLD = 15.0

# What was found out by looking, after all was written.
_LOOKED = frozenset(
    {
        Reason.UNSCHEDULABLE,
        Reason.VOLUME_PENDING,
        Reason.VOLUME_GROWING,
        Reason.VOLUME_MOUNT_FAILED,
        Reason.SANDBOX_CREATE_FAILED,
        Reason.IMAGE_PULL_FAILED,
        Reason.CONTAINER_CONFIG_ERROR,
        Reason.CRASH_LOOP,
        Reason.OOM_KILLED,
        Reason.EVICTED,
        Reason.FLAPPING,
        Reason.STARTING_TOO_LONG,
        Reason.STOPPING_TOO_LONG,
        Reason.DATABASE_FAILED,
        Reason.OPERATOR_NOT_RUNNING,
        Reason.CREDENTIALS_MISSING,
    }
)
# Each so many-th look at what is awaited compares its objects, where no watch tells of them.
_COMPARED = 10

_TOO_LONG = {
    DesiredState.RUNNING: Reason.STARTING_TOO_LONG,
    DesiredState.STOPPED: Reason.STOPPING_TOO_LONG,
    DesiredState.DELETED: Reason.DELETE_BLOCKED,
}

_WAITS = {
    Reason.WAITING_FOR_DATABASE: "Starts once the address and password are known of",
    Reason.WAITING_FOR_SANDBOXES: "Stops once they are down:",
}

NEWER = (
    "Its objects were written for a later generation than this database knows, as after a restore;"
    " they are left alone until its operator runs `mooring restored`."
)

CLASH = "An object of this name belongs to somebody else; it is left alone."


def is_observed(claim: Claim) -> bool:
    """Whether a pass for this very generation has finished its writes."""
    return claim.observed_generation == claim.generation


def is_ours(workload: Object, claim: Claim) -> bool:
    """Whether an object of our name carries our label; where somebody took that off, our mark."""
    labels = workload["metadata"].get("labels") or {}
    annotations = workload["metadata"].get("annotations") or {}
    said = labels.get(RESOURCE)
    return bool(said == str(claim.id)) or (said is None and APPLIED in annotations)


def is_newer(workload: Object, claim: Claim) -> bool:
    """Whether somebody has written it for a later generation than ours: no step back."""
    return _written(workload) > claim.generation


def is_complete(workload: Object, claim: Claim) -> bool:
    """Whether the generation that it was written for last is known to have all of its objects."""
    written = _written(workload)
    return claim.observed_generation >= written and claim.failed_generation != written


def _written(workload: Object) -> int:
    annotations = workload["metadata"].get("annotations") or {}
    written = annotations.get(GENERATION, "0")
    return int(written) if written.isdigit() else 0


def is_awaited(claim: Claim) -> bool:
    """Whether all is written for this generation and only the cluster's part is awaited.

    One that failed is applied anew with each look: that something was changed may be why.
    """
    waiting = is_observed(claim) and claim.phase in (Phase.STARTING, Phase.STOPPING)
    return waiting and claim.failed_generation != claim.generation


def is_compared(claim: Claim) -> bool:
    """Whether a look at what is awaited compares all of its objects, though no watch tells of them:
    some 20 s apart as long as it is the same trouble; of one that flaps each, for they are rare."""
    tenth = claim.attempts % _COMPARED == _COMPARED - 1
    return tenth or claim.reason == Reason.FLAPPING


def is_whole(claim: Claim) -> bool:
    """Whether all of its objects are known to be written for this very generation: what is not so
    any more, somebody else has changed. A failure may have come before the last write, unless it
    is one that was found by looking."""
    failed = claim.failed_generation == claim.generation
    return is_observed(claim) and (not failed or claim.reason in _LOOKED)


def is_idle(claim: Claim) -> bool:
    """Whether it was as wanted at its last look."""
    wanted = is_observed(claim) and is_settled(claim, claim.phase)
    return wanted and claim.failed_generation != claim.generation


def is_stopped_elsewhere(claim: Claim) -> bool:
    """Whether one that is found told to stop was by somebody else: it was RUNNING as wanted, or has
    been so since."""
    wanted = claim.desired_state == DesiredState.RUNNING and is_observed(claim)
    return wanted and (is_idle(claim) or claim.reason == Reason.STOPPED_ELSEWHERE)


def is_settled(claim: Claim, phase: Phase) -> bool:
    """Whether it has got where it is wanted."""
    return phase in _ENDS[claim.desired_state]


def is_leaving(claim: Claim, settings: Settings) -> bool:
    """Whether all of it was told to go, in time still, and only the cluster's part is awaited."""
    going = is_observed(claim) and claim.phase == Phase.TERMINATING
    return going and not _is_late(claim, claim.phase, settings)


def is_applied(live: Object, body: Object) -> bool:
    """Whether our own mark on the live object is that of `body`."""
    annotations = live["metadata"].get("annotations") or {}
    return bool(annotations.get(APPLIED) == body["metadata"]["annotations"][APPLIED])


def waits(claim: Claim, reason: Reason, others: Sequence[str]) -> Outcome:
    """The outcome of a pass that holds back until others of its project are further."""
    return Outcome(
        generation=claim.generation,
        after=spread(_WAIT),
        reason=reason,
        message=f"{_WAITS[reason]} {', '.join(others)}.",
        attempts=tries(claim, reason),
    )


def started_without(claim: Claim, outcome: Outcome, database: str) -> Outcome:
    """`outcome` of a sandbox that went up before its database could be reached, saying so."""
    if outcome.reason is not None:
        return outcome
    words = f"It runs without DATABASE_URL: {database} is not ready yet. It restarts once it is."
    reason = Reason.STARTED_WITHOUT_DATABASE
    return replace(outcome, reason=reason, message=words, attempts=tries(claim, reason))


def waited(claim: Claim, reason: Reason, settings: Settings) -> bool:
    """Whether it has held back for this reason as long as it may, or failed: an error that gives
    way to another wait with each look would come and go for ever."""
    if claim.failed_generation == claim.generation:
        return True
    if claim.reason != reason or claim.since is None:
        return False
    return (claim.claimed_at - claim.since).total_seconds() > settings.siblings_wait


def makes_pod(live: Object | None, body: Object) -> bool:
    """Whether applying `body` makes a pod where none is wanted yet, so that it can be refused."""
    wanted = bool(body["spec"]["replicas"])
    if live is None:
        return wanted
    # Pods that are still going count against a quota, but their places are ours.
    left = live["spec"].get("replicas", 1) or (live.get("status") or {}).get("replicas", 0)
    return wanted and not left


def replaces_pod(live: Object, body: Object) -> bool:
    """Whether applying `body` makes another pod in the place of the one that runs."""
    return bool(body["spec"]["replicas"]) and not holds(
        live["spec"]["template"], body["spec"]["template"]
    )


def look_of(claim: Claim) -> Look:
    """The time of this look; what a new generation shows is awaited from now on."""
    awaited = is_observed(claim) and not is_settled(claim, claim.phase)
    return Look(claim.claimed_at, claim.phase_since if awaited else claim.claimed_at)


def blocked(left: Sequence[tuple[str, Object]]) -> View:
    """A deletion under way; what is left is named once it takes too long."""
    return View(Phase.TERMINATING, message=lingering(left), object=culprit(left))


def verdict(claim: Claim, view: View, settings: Settings, details: Details | None) -> Outcome:
    """The outcome of a pass that could read and finish its writes."""
    damped = flapping.damped(claim, view, settings)
    view = damped.view
    permanent = view.reason is not None and view.reason.permanent
    late = _is_late(claim, view.phase, settings)
    reason = view.reason or (_TOO_LONG[claim.desired_state] if late else None)
    return Outcome(
        generation=claim.generation,
        after=_pace(claim, damped, settings, failed=permanent or late),
        phase=view.phase,
        failed=permanent or late,
        reason=reason,
        message=(view.message or f"It is {view.phase} for longer than it may.") if reason else None,
        object=view.object if reason else None,
        attempts=tries(claim, reason),
        details=details,
        steadiness=damped.steadiness,
    )


def refused(claim: Claim, error: ClusterError, settings: Settings) -> Outcome:
    """The outcome of a pass that the cluster stopped: permanent at once, else with backoff.

    Not being let look at what is as wanted is no failure of it, nor is a credential that is revoked
    in the middle of a pass; not being let mend it is.
    """
    reason = error.reason
    unknown = error.reading or error.meaning is Meaning.UNAUTHORIZED
    blind = unknown and is_observed(claim) and is_settled(claim, claim.phase)
    after = _slowly(settings) if reason.permanent else _backoff(claim, reason, settings)
    asked = timedelta(seconds=error.retry_after * random.uniform(1, 1.5))  # noqa: S311 - jitter
    after = max(after, asked)
    return Outcome(
        generation=claim.generation,
        after=after if error.turn is None else min(after, timedelta(seconds=error.turn)),
        held=error.held,
        failed=(reason.permanent and not blind) or _stays_failed(claim, settings),
        reason=reason,
        message=str(error),
        object=error.object,
        attempts=_unseen_tries(claim, reason),
    )


def interrupted(claim: Claim, reason: Reason, message: str, settings: Settings) -> Outcome:
    """The outcome of a pass that did not come to its end."""
    return Outcome(
        generation=claim.generation,
        after=_backoff(claim, reason, settings),
        failed=_stays_failed(claim, settings),
        reason=reason,
        message=message,
        attempts=_unseen_tries(claim, reason),
    )


def settled_for(settings: Settings) -> timedelta:
    """When to look again at what is as wanted: a crowd that was started at once is spread over as
    long again by its second look."""
    return timedelta(seconds=settings.recheck * random.uniform(1, 2))  # noqa: S311 - spread


def told(outcome: Outcome, settings: Settings) -> Outcome:
    """The outcome of a pass over a deletion whose end an event tells: the look between is for the
    deadline alone."""
    longest = spread(max(_WAIT, min(_WAIT_TOLD, settings.terminating_deadline / 4)))
    return replace(outcome, after=max(outcome.after, longest))


def unwatched(claim: Claim, outcome: Outcome, settings: Settings, *, moving: bool) -> Outcome:
    """The outcome of a pass over what no watch tells of: a settled row is looked at more often,
    the rarer the longer nothing has changed of it; `moving`: others of its account change now."""
    unchanged = (claim.claimed_at - claim.updated_at).total_seconds()
    quiet = 0.0 if moving or outcome.healed is not None else unchanged / _UNCHANGED
    shortest, longest = settings.recheck_unwatched, settings.recheck_unwatched_longest
    after = spread(max(shortest, min(quiet, longest)))
    return replace(outcome, after=min(outcome.after, after))


def barred(claim: Claim, live: Object | None, settings: Settings) -> Outcome | None:
    """The outcome where nothing may be written: its object is another's, or of a later wish."""
    if live is not None and not is_ours(live, claim):
        return clash(claim, live, settings)
    if live is not None and is_newer(live, claim):
        return interrupted(claim, Reason.NEWER_GENERATION, NEWER, settings)
    return None


def clash(claim: Claim, workload: Object, settings: Settings) -> Outcome:
    """The outcome when somebody else's object has our name: never overwritten."""
    return Outcome(
        generation=claim.generation,
        after=_slowly(settings),
        failed=True,
        reason=Reason.NAME_CLASH,
        message=CLASH,
        object=title(workload),
        attempts=tries(claim, Reason.NAME_CLASH),
    )


def _is_late(claim: Claim, phase: Phase, settings: Settings) -> bool:
    """Past the deadline, which a generation or phase seen for the first time has before it."""
    same = phase == claim.phase and is_observed(claim)
    return same and not is_settled(claim, phase) and _past(claim, claim.phase_since, settings)


def _stays_failed(claim: Claim, settings: Settings) -> bool:
    """Whether a pass that found nothing out is a failure: of before, or by now.

    A generation that no pass could look at yet is awaited since it was asked for.
    """
    if claim.failed_generation == claim.generation:
        return True
    if not is_observed(claim):
        return _past(claim, claim.generation_since, settings)
    return _is_late(claim, claim.phase, settings)


def _past(claim: Claim, since: datetime, settings: Settings) -> bool:
    return (claim.claimed_at - since).total_seconds() > _deadline(claim, settings)


def _deadline(claim: Claim, settings: Settings) -> float:
    """How many seconds it may take to where it is wanted."""
    if claim.desired_state == DesiredState.DELETED:
        return settings.terminating_deadline
    starting = claim.desired_state == DesiredState.RUNNING
    if claim.kind == ResourceKind.SANDBOX:
        return settings.starting_deadline if starting else settings.stopping_deadline
    return settings.database_starting_deadline if starting else settings.database_stopping_deadline


def tries(claim: Claim, reason: Reason | None) -> int:
    """How often it was tried since this reason began."""
    if reason is None:
        return 0
    return claim.attempts + 1 if claim.reason == reason else 1


def _unseen_tries(claim: Claim, reason: Reason) -> int:
    """The same of a pass that saw nothing: what a row says on goes on."""
    lasts = is_observed(claim) and claim.reason == Reason.STOPPED_ELSEWHERE
    return tries(claim, Reason.STOPPED_ELSEWHERE if lasts else reason)


def _pace(claim: Claim, damped: Damped, settings: Settings, *, failed: bool) -> timedelta:
    """When to look again without an event: the rarer, the longer it has failed."""
    if is_settled(claim, damped.view.phase) and failed:
        return _slowly(settings)
    if is_settled(claim, damped.view.phase):
        return settled_for(settings)
    if damped.after is not None:
        return spread(max(_WAIT, min(damped.after * 1.2, settings.retry_longest)))
    if not failed:
        return spread(_WAIT)
    waited = look_of(claim).waited.total_seconds()
    return spread(max(_WAIT, min(waited / 10, settings.retry_longest)))


def _backoff(claim: Claim, reason: Reason, settings: Settings) -> timedelta:
    """Exponential, with full jitter, for ever."""
    longest = min(settings.retry_longest, 2.0 ** min(_unseen_tries(claim, reason), 8))
    return timedelta(seconds=random.uniform(0.1, longest))  # noqa: S311 - jitter


def _slowly(settings: Settings) -> timedelta:
    longest = settings.retry_longest
    return timedelta(seconds=random.uniform(longest / 2, longest))  # noqa: S311 - jitter


def spread(seconds: float) -> timedelta:
    """About so long: what begins together is not looked at together."""
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spread
