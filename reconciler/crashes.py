"""What becomes of a row or kubeconfig that ended its workers: it rests, and is tried again rarely.

Decided here for both loops (docs/decisions/0031). Whom to suspect, and try alone, the claims say.
"""

from dataclasses import dataclass
from datetime import timedelta

from app.db.claims import CRASHES, Claim
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.settings import Settings
from reconciler import plan

# The first rest of what ended its workers is such a part of the time until it is tried unasked.
_RESTS = 15


@dataclass(frozen=True, slots=True)
class Rest:
    """Of what ended its workers: until it is tried unasked, and, whoever asks, at the soonest."""

    after: timedelta
    held: timedelta
    message: str


def rest(attempts: int, last_worker: str | None, settings: Settings) -> Rest:
    """How long it is left alone once it has been found to end its workers for so many times."""
    after = plan.spread(settings.crashed_retry)
    shortest = timedelta(seconds=settings.crashed_retry / _RESTS)
    held = min(after, shortest * 2 ** min(attempts - 1, 8))
    message = (
        f"{CRASHES - 1 + attempts} looks at it ended with their worker, the last one with"
        f" {last_worker}: it died, or hung for as long as a lease. Whoever asks, it is not"
        f" tried again before {held.total_seconds():.0f} s have passed."
    )
    return Rest(after, held, message)


def outcome(claim: Claim, settings: Settings) -> Outcome:
    """The outcome in place of a pass that would end this worker too, as it did the last ones."""
    attempts = plan.tries(claim, Reason.WORKER_CRASHED)
    resting = rest(attempts, claim.last_worker, settings)
    return Outcome(
        generation=claim.generation,
        after=resting.after,
        failed=True,
        reason=Reason.WORKER_CRASHED,
        message=resting.message,
        attempts=attempts,
        held=resting.held,
    )
