"""What a pass found out about a resource, and what of it becomes visible: pure.

The reconciler reports an `Outcome`; `merge` applies it to the row as it stands under lock (its
intent may have moved since the claim) and says what is to be written and whether users see a
difference. Attempts, a message alone and the next look are not visible changes (design section 2).
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from app.domain.reasons import Reason
from app.domain.states import (
    DesiredState,
    Inputs,
    Lane,
    Phase,
    ResourceStatus,
    converged,
    status,
)
from app.domain.steadiness import Steadiness

# Characters that a row keeps of what a cluster says, whoever's it is.
MOST_WORDS = 2000
# What follows the words of a row that says on what it said: why nothing else is known since.
UNSEEN = " Since then no look has found out whether it still is so. "
# A row that is looked at again within this time waits in a fair lane (data-layer.md section 4), and
# the loop's own timer brings it.
SOON = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a sandbox is reached; None while there is no such address."""

    public_url: str | None
    ttyd_url: str | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a database listens, seen from inside the cluster, and what it turned out to be."""

    host: str | None
    port: int | None
    database: str | None
    username: str | None
    observed_version: str | None


# What only one kind has and its row shows.
Details = Addresses | Endpoint


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one pass found out, made for the generation that its claim returned.

    `phase` None: the pass could not read, or not finish its writes. `failed` records a failure for
    that generation. `gone`: a list over all kinds was empty. `after`: when to look again; `held`:
    for how long its cluster is not asked, whoever looks, None while it is. `details` None leaves
    them; so does `password`, a database's, sealed for its row: it comes when it is new.
    `steadiness` None and `volumes` None are left as they are; `volumes` are those it runs with.
    `healed`: what somebody did to its objects and this pass undid: a line of history by itself.
    """

    generation: int
    after: timedelta
    phase: Phase | None = None
    failed: bool = False
    gone: bool = False
    reason: Reason | None = None
    message: str | None = None
    object: str | None = None
    attempts: int = 0
    details: Details | None = None
    password: bytes | None = None
    healed: str | None = None
    steadiness: Steadiness | None = None
    volumes: str | None = None
    held: timedelta | None = None


def bounded(outcome: Outcome) -> Outcome:
    """An outcome with nothing from a cluster that a row has no place for.

    Batches of outcomes are recorded together: what one user's cluster says may not spoil that of
    others, whatever it is.
    """
    details = outcome.details
    if isinstance(details, Endpoint):
        details = replace(
            details,
            username=_words(details.username),
            observed_version=_words(details.observed_version),
        )
    return replace(
        outcome,
        message=_words(outcome.message),
        object=_words(outcome.object),
        details=details,
        healed=_words(outcome.healed),
        volumes=_words(outcome.volumes),
    )


def _words(said: object) -> str | None:
    """Text that Postgres takes, and not too much of it."""
    return None if said is None else str(said)[:MOST_WORDS].replace("\0", "")


@dataclass(frozen=True, slots=True)
class Seen:
    """The columns of a row that a record may change, beside the inputs of its status."""

    inputs: Inputs
    reason: str | None
    object: str | None
    details: Details

    @property
    def status(self) -> ResourceStatus:
        """The status that Postgres computes from the same inputs."""
        return status(self.inputs)

    def visible(self) -> tuple[Any, ...]:
        """What users see of it."""
        return (
            self.status,
            converged(self.inputs),
            self.inputs.observed_generation,
            self.reason,
            self.object,
            self.details,
        )


def leaves_reason(row: Seen, outcome: Outcome) -> bool:
    """Whether the row says on what it said: that somebody stopped it no later look could find out
    again, so a pass that saw nothing must not take it away."""
    same = row.inputs.observed_generation == outcome.generation
    return outcome.phase is None and same and row.reason == Reason.STOPPED_ELSEWHERE


def words(row: Seen, outcome: Outcome) -> str | None:
    """The message of an outcome; where the row says on what it said, what is said after that."""
    if not leaves_reason(row, outcome):
        return outcome.message
    return f"{UNSEEN}{outcome.reason}: {outcome.message}"


def merge(row: Seen, outcome: Outcome) -> Seen:
    """The row after `outcome`."""
    leaves = leaves_reason(row, outcome)
    return Seen(
        inputs=_inputs(row.inputs, outcome),
        reason=row.reason if leaves else outcome.reason,
        object=row.object if leaves else outcome.object,
        details=outcome.details or row.details,
    )


def lane_after(inputs: Inputs, after: timedelta) -> Lane:
    """The lane in which a row waits for a look in `after`.

    What is not as wanted yet, and has not failed, stays a wish however long its look is put off:
    thousands of looks of the clock may be due before it. A failed one does not: rows that nobody
    mends gather, and the fair lanes are walked by account.
    """
    done = converged(inputs) or inputs.failed_generation == inputs.generation
    if done and after > SOON:
        return Lane.CLOCK
    return Lane.DELETION if inputs.desired_state == DesiredState.DELETED else Lane.ASKED


def _inputs(now: Inputs, outcome: Outcome) -> Inputs:
    phase = outcome.phase or now.phase
    looked = outcome.phase is not None or outcome.failed
    return Inputs(
        desired_state=now.desired_state,
        phase=phase,
        was_ready=now.was_ready or outcome.phase == Phase.RUNNING,
        generation=now.generation,
        desired_generation=now.desired_generation,
        observed_generation=outcome.generation if looked else now.observed_generation,
        failed_generation=outcome.generation if outcome.failed else None,
    )
