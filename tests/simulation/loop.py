"""An event loop whose clock stands still until somebody moves it.

What the engine waits for (leases, deadlines, polls, back-off, limits of requests) is counted on the
event loop's clock, so a run may skip five minutes in no time, and a seed replays the same moments.
Sockets are real: `drained` comes back once nothing in this process can go on without the clock,
Postgres or a step of somebody who waits for his turn. That is exact, not a guess, because data that
one end of a local connection has written is there for the other at once.
"""

import asyncio
import selectors


class SteppedLoop(asyncio.SelectorEventLoop):
    """`time` is what `advance` has made of it, in seconds."""

    def __init__(self) -> None:
        self._at = 1_000.0
        self._chosen = selectors.DefaultSelector()
        super().__init__(self._chosen)

    def time(self) -> float:
        """Seconds since some moment, as everywhere in asyncio."""
        return self._at

    def advance(self, seconds: float) -> None:
        """Let time pass; what is due by then comes with the next turn of the loop."""
        self._at += seconds

    async def drained(self) -> None:
        """Until nothing is left to do but for who waits for time, for Postgres or for his turn."""
        while True:
            await asyncio.sleep(0)
            if not self._ready and not self._is_due() and not self._chosen.select(0):  # type: ignore[attr-defined]
                return

    def listen(self, seconds: float) -> None:
        """Wait, on the wall's clock, until something has come by a socket."""
        self._chosen.select(seconds)

    def _is_due(self) -> bool:
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return any(not timer.cancelled() and timer.when() <= self._at for timer in timers[:1])

    def next_timer(self) -> float | None:
        """When the next timer is due; None: there is none."""
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return min((t.when() for t in timers if not t.cancelled()), default=None)
