"""What the loop did lately: counted for Prometheus, and judged for the health page.

Two questions, because two different things are to be done about them. Does the loop go round? If
not, only a restart helps: `stuck`, the liveness probe's. Does it get anything done? If not,
Postgres or the operator's cluster is at fault, which no restart mends: `idle_because`, the
readiness probe's. A cluster that is away would else have its reconcilers killed in a loop, and with
them the breakers and backoffs that spare it.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Final
from uuid import UUID

import structlog

from app.db.claims import Claim
from app.domain.observation import SOON, Outcome
from app.domain.reasons import WAITING, Reason
from reconciler import metrics
from reconciler.cluster.errors import Meaning

# Seconds that a notification may be under way: it follows the commit and may share a statement.
_UNDER_WAY: Final = 1.0
_OF_CLUSTERS: Final = frozenset(meaning.value for meaning in Meaning)
# What a pass that got nothing done gives; who answers, whatever it is, is there.
_UNREACHABLE: Final = frozenset(
    meaning.value
    for meaning in (
        Meaning.UNAVAILABLE,
        Meaning.UNAUTHORIZED,
        Meaning.THROTTLED,
        Meaning.NONSENSE,
        Meaning.CERTIFICATE,
    )
)

log = structlog.get_logger(__name__)


class Verdict(StrEnum):
    """What came of a pass."""

    SETTLED = "settled"
    AGAIN = "again"
    FAILED = "failed"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    TIMEOUT = "timeout"
    ERROR = "error"
    LOST = "lost"


_STOPPED: Final = {Reason.PASS_TIMEOUT: Verdict.TIMEOUT, Reason.INTERNAL: Verdict.ERROR}


def verdict_of(outcome: Outcome | None, *, lost: bool = False) -> Verdict:
    """What an outcome comes to; None is one that was given up. `lost`: its lease ended first."""
    if outcome is None:
        return Verdict.SUPERSEDED
    reason = outcome.reason
    if lost or reason in _STOPPED:
        return Verdict.LOST if lost or reason is None else _STOPPED[reason]
    if reason is not None and reason.value in _OF_CLUSTERS:
        return Verdict.REFUSED
    if outcome.failed:
        return Verdict.FAILED
    waits = outcome.after <= SOON or reason in WAITING
    return Verdict.AGAIN if waits else Verdict.SETTLED


@dataclass(slots=True)
class _Run:
    """Passes that got nothing done, one after the other: since when, of which rows (two are kept),
    and whether it was for want of the cluster."""

    since: float
    reason: Reason | None = None
    rows: set[UUID] = field(default_factory=set)
    unreachable: bool = False

    @property
    def is_of_all(self) -> bool:
        """Whether it says something of more than one row, which may be at fault itself."""
        return self.unreachable or len(self.rows) > 1


class Progress:
    """Of one loop; `clock` in seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._turned = self._claimed = clock()
        self._failing: _Run | None = None

    def turned(self) -> None:
        """The loop comes round."""
        metrics.ROUNDS.inc()
        self._turned = self._clock()

    def claimed(
        self, found: Sequence[Claim], *, by_timer: bool, busy: Container[UUID] = ()
    ) -> None:
        """Postgres answered a claim; `by_timer`: nothing had announced that rows are due. Those of
        accounts that are `busy` may have been announced and left for want of room."""
        self._claimed = self._clock()
        for claim in found:
            lane = claim.lane.name.lower()
            metrics.CLAIMS.labels(lane).inc()
            waited = (claim.claimed_at - claim.due_at).total_seconds()
            metrics.WAIT.labels(lane).observe(max(waited, 0))
            # Since its intent nobody has asked for a look at it, and no pass has recorded one.
            new = claim.due_at == claim.generation_since
            if by_timer and new and waited > _UNDER_WAY and claim.account_id not in busy:
                metrics.MISSED.inc()

    def passed(
        self, claim: Claim, outcome: Outcome | None, seconds: float, *, lost: bool = False
    ) -> None:
        """A pass over `claim` ended after `seconds`."""
        verdict = verdict_of(outcome, lost=lost)
        kind = claim.kind.lower()
        metrics.PASS.labels(kind, verdict.value).observe(seconds)
        reason = outcome.reason if outcome else None
        if reason is not None:
            metrics.REASONS.labels(kind, reason.value).inc()
        if outcome is not None and outcome.healed is not None:
            metrics.HEALED.labels(kind).inc()
            log.info("what somebody did was undone", undone=outcome.healed)
        log.debug("a pass ended", verdict=verdict.value, reason=reason, ms=round(seconds * 1000, 1))
        # Users' clusters and credentials are users' to mend.
        if claim.server is not None or verdict is Verdict.SUPERSEDED:
            return
        unreachable = reason is not None and reason.value in _UNREACHABLE
        if unreachable or verdict in (Verdict.TIMEOUT, Verdict.ERROR, Verdict.LOST):
            self._failed(claim, reason, unreachable=unreachable)
        else:
            self._failing = None

    def _failed(self, claim: Claim, reason: Reason | None, *, unreachable: bool) -> None:
        run = self._failing = self._failing or _Run(self._clock())
        run.reason = reason
        run.unreachable = run.unreachable or unreachable
        if len(run.rows) < 2:
            run.rows.add(claim.id)

    def stuck(self, longest: float) -> str | None:
        """What is wrong if the loop has not come round for `longest` seconds."""
        since = self._clock() - self._turned
        return f"The loop has not come round for {since:.0f} s." if since > longest else None

    def idle_because(self, longest: float) -> str | None:
        """What is wrong if for `longest` seconds no claim was answered, or each pass failed."""
        now = self._clock()
        if now - self._claimed > longest:
            return f"Postgres has answered no claim for {now - self._claimed:.0f} s."
        run = self._failing
        if run is None or now - run.since <= longest or not run.is_of_all:
            return None
        why = f" ({run.reason.value})" if run.reason else ""
        return (
            f"No pass has succeeded in the operator's cluster for {now - run.since:.0f} s{why}."
            " See that it answers this process, and this process's log."
        )
