"""One child process: started, watched, started again when it dies, stopped.

Each runs in a session of its own, so the terminal's Ctrl-C reaches the parent alone, which then
stops them in order.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
# A child that has lived so long was healthy: its next death begins the count anew.
_HEALTHY_AFTER = 30.0
_LOG_LIMIT = 20_000_000

Spawn = Callable[[], "subprocess.Popen[bytes]"]


class Child:
    """A named child. `spawn` starts its process; it is called again after each death."""

    def __init__(
        self,
        name: str,
        spawn: Spawn,
        *,
        log: Path,
        stop_signal: signal.Signals = signal.SIGTERM,
        hurry_signal: signal.Signals = signal.SIGKILL,
        patience: float = 15.0,
    ) -> None:
        """`patience`: seconds from the stop signal until the signal for a hurry."""
        self.name = name
        self.log = log
        self.patience = patience
        self._spawn = spawn
        self._stop_signal = stop_signal
        self._hurry_signal = hurry_signal
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._deaths = 0
        self._due: float | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        self._due = None
        self._started = time.monotonic()
        self._process = self._spawn()

    def ended(self) -> str | None:
        """How it ended, once it has: `exited with 1`, `was killed by SIGKILL`."""
        code = self._process.poll() if self._process is not None else None
        if code is None:
            return None
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"

    def look(self, say: Callable[[str], None]) -> bool:
        """Start it again if it is dead and its pause is over; True when that happened."""
        how = self.ended()
        if how is None:
            return False
        now = time.monotonic()
        if self._due is None:
            self._deaths = 1 if now - self._started > _HEALTHY_AFTER else self._deaths + 1
            pause = min(_FIRST_PAUSE * 2 ** (self._deaths - 1), _LONGEST_PAUSE)
            self._due = now + pause
            say(f"{self.name} {how}; starting it again in {pause:g} s (log: {self.log})")
        if now < self._due:
            return False
        self.start()
        return True

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(self._stop_signal)  # does nothing to one that has ended

    def hurry(self) -> None:
        if self._process is not None:
            self._process.send_signal(self._hurry_signal)

    def last_words(self, lines: int = 15) -> str:
        """The end of its log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def popen(
    argv: list[str], env: dict[str, str], log: Path, inherited: tuple[int, ...]
) -> subprocess.Popen[bytes]:
    """Start one of our own programs: own session, log appended to, some descriptors inherited."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.rename(log.with_suffix(".log.1"))
    with log.open("ab") as out:
        return subprocess.Popen(  # noqa: S603 - our own programs
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            pass_fds=inherited,
            start_new_session=True,
        )
