"""How steadily a resource runs: since when it is up, and how often it went down lately. Pure.

The reconciler keeps this on the row from look to look, whichever of its processes looks; what
follows from it (`reconciler/flapping.py`) is a phase like any other, so that time is no input of
the status. A fall that nobody saw is none: then users did not see it either.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Steadiness:
    """`falls`: how often it went down, each time within a window of the one before; the first of
    them `falling_since`, the last `fell_at`. `up_since`: when it was first seen up again; None
    while it is down. All by Postgres' clock."""

    falls: int = 0
    falling_since: datetime | None = None
    fell_at: datetime | None = None
    up_since: datetime | None = None

    def looked(self, now: datetime, window: timedelta, *, up: bool) -> "Steadiness":
        """After a look that found it `up` or not."""
        if up:
            return self if self.up_since else replace(self, up_since=now)
        if self.up_since is None:
            return self
        again = self.fell_at is not None and now - self.fell_at <= window
        return Steadiness(
            falls=self.falls + 1 if again else 1,
            falling_since=self.falling_since if again else now,
            fell_at=now,
        )
