"""Damping what comes up and goes down again and again: a pure rule over one look.

After some falls in a row it is not shown as RUNNING before it has been up for a while, the longer
the more often it fell; until then it is starting, with the reason Flapping. So each flip is a
change for its subscribers only as long as it may be the last one (docs/decisions/0036).
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from app.db.claims import Claim
from app.domain.reasons import Reason
from app.domain.states import DesiredState, Phase
from app.domain.steadiness import Steadiness
from app.settings import Settings
from reconciler.observed.view import View

# What of the window the longest wait may be: one that has waited it out can still fall in a row.
_PART = 3


@dataclass(frozen=True, slots=True)
class Damped:
    """What is to be recorded of a look; `after`: seconds until the next one, None as usual."""

    view: View
    steadiness: Steadiness
    after: float | None = None


def damped(claim: Claim, view: View, settings: Settings) -> Damped:
    """A look, damped. A new generation begins anew: whatever was changed may have been the cure."""
    if claim.desired_state != DesiredState.RUNNING:
        return Damped(view, Steadiness())
    same = claim.observed_generation == claim.generation
    before = claim.steadiness if same else Steadiness()
    window = timedelta(seconds=settings.flapping_window)
    up = view.phase is Phase.RUNNING
    steadiness = before.looked(claim.claimed_at, window, up=up)
    needed = hold(steadiness.falls, settings)
    permanent = view.reason is not None and view.reason.permanent
    if not needed or permanent:
        return Damped(view, steadiness)
    if not up:
        return Damped(_flapping(view, steadiness, needed), steadiness, needed / 4)
    assert steadiness.up_since is not None
    left = needed - (claim.claimed_at - steadiness.up_since).total_seconds()
    if left <= 0 or claim.phase == Phase.RUNNING:
        return Damped(view, steadiness)
    return Damped(_flapping(view, steadiness, needed), steadiness, left)


def hold(falls: int, settings: Settings) -> float:
    """For how many seconds it has to be up after so many falls; 0: not at all."""
    over = falls - settings.flapping_after
    if over < 0:
        return 0.0
    longest = settings.flapping_window / _PART
    return float(min(settings.flapping_hold * 2 ** min(over, 16), longest))


def _flapping(view: View, steadiness: Steadiness, needed: float) -> View:
    assert steadiness.fell_at is not None
    assert steadiness.falling_since is not None
    lasted = steadiness.fell_at - steadiness.falling_since
    said = (
        f"It came up and went down again {steadiness.falls} times in {_spoken(lasted)}; it counts"
        f" as running once it stays up for {_spoken(timedelta(seconds=needed))}."
    )
    message = f"{said} {view.message or 'What took it down is in its history.'}"
    # Its culprit comes and goes with each flip, and would be a change each time.
    return replace(view, phase=Phase.STARTING, reason=Reason.FLAPPING, message=message, object=None)


def _spoken(lasted: timedelta) -> str:
    seconds = max(1, round(lasted.total_seconds()))
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"
