"""One process of the stack: started, killed, paused, asked what it holds.

Everything of it goes to one log file; it ends with us, by the pipe that it watches.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ENDING = 20.0
_CENSUS = 10.0


@dataclass
class Process:
    """`pipe`: the descriptor that ends the process with us; `census`: where it writes its tasks."""

    name: str
    argv: list[str]
    environment: dict[str, str]
    log: Path
    pipe: int
    census: Path
    starts: int = 0
    was_ready: bool = False
    _running: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    @property
    def alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def start(self) -> None:
        """Start it, without waiting for anything."""
        assert not self.alive
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self.argv,
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self.pipe,),
            )
        self.starts += 1
        self.was_ready = False

    @property
    def code(self) -> int | None:
        """The exit code of its last run; None while it lives."""
        return self._running.poll() if self._running is not None else None

    def signal(self, number: signal.Signals) -> None:
        """To the process itself, if it lives."""
        if self.alive:
            os.kill(self.pid, number)

    async def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        await self._ended()

    async def stop(self) -> None:
        """SIGTERM; kill -9 if that is not heard. A paused one is woken first."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_ENDING):
                await self._ended()
        except TimeoutError:
            await self.kill()

    async def _ended(self) -> None:
        while self.alive:
            await asyncio.sleep(0.02)

    async def tasks(self) -> Counter[str]:
        """Its asyncio tasks by the name of their coroutine."""
        file = self.census / f"{self.pid}.json"
        file.unlink(missing_ok=True)
        self.signal(signal.SIGUSR2)
        async with asyncio.timeout(_CENSUS):
            while not file.exists():
                await asyncio.sleep(0.02)
        return Counter(json.loads(file.read_text()))

    def descriptors(self) -> Counter[str]:
        """Its open files by kind: `socket`, `pipe`, `anon_inode`, `file`."""
        found: Counter[str] = Counter()
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                target = str(entry.readlink())
            except OSError:
                continue
            found["file" if target.startswith("/") else target.partition(":")[0]] += 1
        return found
