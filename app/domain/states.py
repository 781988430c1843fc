"""What a resource's status is: the one definition, in Python and in SQL.

The status is a pure function of what is wanted and what was seen. Postgres computes it as a
generated column (so it can never disagree with its inputs) and Python computes it where a row is
about to be written; both come from `RULES` below: a migration renders the CASE with `status_sql`,
and a test compares every combination on a real Postgres. Time is no input: a passed deadline is
recorded by the reconciler as a failure.

Facts carry their SQL beside their Python, so that the two are read, and changed, together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import lru_cache


class DesiredState(StrEnum):
    """What the user wants; written by the API only."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"
    DELETED = "DELETED"


class Phase(StrEnum):
    """What was seen after the last write of a pass; written by the reconciler only."""

    NEW = "new"
    ABSENT = "absent"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    TERMINATING = "terminating"
    GONE = "gone"
    UNKNOWN = "unknown"


class ResourceStatus(StrEnum):
    """What users see of one resource."""

    CREATING = "CREATING"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    TERMINATING = "TERMINATING"
    TERMINATED = "TERMINATED"
    ERROR = "ERROR"


class ResourceKind(StrEnum):
    """The kinds of resource a project can own."""

    SANDBOX = "SANDBOX"
    DATABASE = "DATABASE"


class Lane(IntEnum):
    """Why a row is due (data-layer.md section 3); the first two are claimed fairly by account."""

    ASKED = 0
    DELETION = 1
    CLOCK = 2


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that the status depends on; the names are those of the columns."""

    desired_state: DesiredState
    phase: Phase
    was_ready: bool
    generation: int
    desired_generation: int
    observed_generation: int
    failed_generation: int | None


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement about the inputs, for Python, for Postgres, and in words for the docs."""

    holds: Callable[[Inputs], bool]
    sql: str
    words: str


def _wants(desired: DesiredState) -> Fact:
    return Fact(
        lambda r: r.desired_state == desired, f"desired_state = '{desired}'", f"{desired} is wanted"
    )


def _seen(*phases: Phase) -> Fact:
    listed = ", ".join(f"'{phase}'" for phase in phases)
    words = f"it is seen {' or '.join(phases)}"
    return Fact(lambda r: r.phase in phases, f"phase IN ({listed})", words)


_FAILED = Fact(
    lambda r: r.failed_generation == r.generation,
    "failed_generation = generation",
    "a failure is recorded for its newest generation",
)
_OBSERVED = Fact(
    lambda r: r.observed_generation == r.generation,
    "observed_generation = generation",
    "it was looked at for its newest generation",
)
_STOP_OBSERVED = Fact(
    lambda r: r.observed_generation >= r.desired_generation,
    "observed_generation >= desired_generation",
    "it was looked at since the stop was asked for",
)
_NEVER_READY = Fact(lambda r: not r.was_ready, "NOT was_ready", "it has never been ready")

# The first row whose facts all hold gives the status (design section 2).
RULES: tuple[tuple[tuple[Fact, ...], ResourceStatus], ...] = (
    ((_FAILED,), ResourceStatus.ERROR),
    ((_wants(DesiredState.DELETED), _seen(Phase.GONE)), ResourceStatus.TERMINATED),
    ((_wants(DesiredState.DELETED),), ResourceStatus.TERMINATING),
    (
        (
            _wants(DesiredState.STOPPED),
            _seen(Phase.STOPPED, Phase.ABSENT, Phase.GONE),
            _STOP_OBSERVED,
        ),
        ResourceStatus.STOPPED,
    ),
    ((_wants(DesiredState.STOPPED),), ResourceStatus.STOPPING),
    ((_seen(Phase.RUNNING), _OBSERVED), ResourceStatus.RUNNING),
    ((_NEVER_READY, _seen(Phase.NEW, Phase.ABSENT, Phase.GONE)), ResourceStatus.CREATING),
    ((), ResourceStatus.STARTING),
)

# The status that each wish ends in.
WANTED = {
    DesiredState.RUNNING: ResourceStatus.RUNNING,
    DesiredState.STOPPED: ResourceStatus.STOPPED,
    DesiredState.DELETED: ResourceStatus.TERMINATED,
}


@lru_cache(maxsize=4096)
def status(inputs: Inputs) -> ResourceStatus:
    """The status of a resource with these inputs; a record asks six times for each row."""
    return next(result for facts, result in RULES if all(fact.holds(inputs) for fact in facts))


def converged(inputs: Inputs) -> bool:
    """The newest generation has been looked at, and the resource is as wanted."""
    return _OBSERVED.holds(inputs) and status(inputs) == WANTED[inputs.desired_state]


def status_sql() -> str:
    """`RULES` as a CASE over the columns of `resource`, fit for a generated column."""
    arms = [
        f"WHEN {' AND '.join(fact.sql for fact in facts)} THEN '{result}'"
        for facts, result in RULES
        if facts
    ]
    return f"CASE {' '.join(arms)} ELSE '{RULES[-1][1]}' END"


def converged_sql(table: str) -> str:
    """`converged` over the columns of `table`, which has a `status`."""
    arms = " ".join(f"WHEN '{desired}' THEN '{end}'" for desired, end in WANTED.items())
    return (
        f"({table}.observed_generation = {table}.generation"
        f" AND {table}.status = CASE {table}.desired_state {arms} END)"
    )
