"""Programs of ours as processes that are forked off one which has loaded them.

A fresh interpreter takes half a second of a core for that, a fork some milliseconds; for the rest
it is a process as any other, which ends when we do. The one that forks is multiprocessing's.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess

_FORKING = multiprocessing.get_context("forkserver")
# The programs, and what they load only when they are at work.
_FORKING.set_forkserver_preload(
    [
        "app.cli",
        "app.db.session",
        "app.services.accounts",
        "app.services.auditing",
        "app.status",
        "reconciler.simulator.__main__",
        "tests.mooring",
        "tests.simulator",
        "uvicorn.lifespan.on",
        "uvicorn.loops.uvloop",
        "uvicorn.protocols.http.httptools_impl",
    ]
)


class Forked:
    """A process that runs `target`, at the top of a module; as asyncio's own are, but for pipes."""

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        self._process = ForkServerProcess(target=target, args=arguments, daemon=True)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    async def wait(self) -> int:
        """The exit code, negative for a signal."""
        ended, running = asyncio.Event(), asyncio.get_running_loop()
        running.add_reader(self._process.sentinel, ended.set)
        try:
            while (code := self._process.exitcode) is None:
                ended.clear()
                await ended.wait()
        finally:
            running.remove_reader(self._process.sentinel)
        return code
