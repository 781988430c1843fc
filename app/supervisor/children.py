"""The children together: started in order, watched, stopped in the other order."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from app.supervisor.child import Child
from app.supervisor.errors import DevError, StoppedError

# A first start on a slow machine compiles every module once.
_START_TIMEOUT = 120.0
_LOOK_EVERY = 0.1


class Children:
    """The children of one run. `stops` counts how often the person asked to stop."""

    def __init__(self, say: Callable[[str], None], logs: Path) -> None:
        self._say = say
        self._logs = logs
        self._all: list[Child] = []
        self.stops = 0

    def pids(self) -> dict[str, int | None]:
        return {child.name: child.pid for child in self._all}

    def start(self, child: Child) -> None:
        """Start one more; it is watched from now on and stopped before those that were earlier."""
        self._all.append(child)
        child.start()

    def run(self, child: Child) -> None:
        """Run a program to its end.

        Raises:
            DevError: it failed.
        """
        child.start()
        try:
            self.until(lambda: not child.running(), f"{child.name} has ended")
        finally:
            _end(child)
        if child.ended() != "exited with 0":
            raise DevError(_obituary(child))

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Wait while things start.

        Raises:
            StoppedError: the person asked to stop.
            DevError: a child died, or two minutes were not enough.
        """
        deadline = time.monotonic() + _START_TIMEOUT
        while not done():
            if self.stops:
                raise StoppedError
            for child in self._all:
                if child.ended() is not None:
                    raise DevError(_obituary(child))
            if time.monotonic() > deadline:
                raise DevError(
                    f"Waited {_START_TIMEOUT:g} s in vain until {what}. "
                    f"The logs in {self._logs} say why"
                )
            time.sleep(0.03)

    def watch(self, started_again: Callable[[], None]) -> None:
        """Start again whatever dies, until the person asks to stop."""
        while not self.stops:
            for child in self._all:
                if child.look(self._say):
                    self._say(f"{child.name} runs again (process {child.pid})")
                    started_again()
            time.sleep(_LOOK_EVERY)

    def stop(self) -> None:
        """Stop all, last started first; a second Ctrl-C does not wait for them."""
        begun = max(self.stops, 1)
        if self._all:
            self._say("Stopping (Ctrl-C again: at once)")
        for child in reversed(self._all):
            child.ask_to_stop()
            deadline = time.monotonic() + child.patience
            while child.running() and self.stops <= begun and time.monotonic() < deadline:
                time.sleep(0.02)
            if child.running():
                self._say(f"{child.name} did not stop in time and is ended")
            _end(child)


def _end(child: Child) -> None:
    while child.running():
        child.hurry()
        time.sleep(0.02)


def _obituary(child: Child) -> str:
    return f"{child.name} {child.ended()}. The end of its log ({child.log}):\n{child.last_words()}"
