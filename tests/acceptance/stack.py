"""The real `mooring dev` in a folder of its own, with handles to break it.

    with running_stack() as stack:                       # about four seconds
        stack.url                                        # http://127.0.0.1:<port>
        stack.owner_url                                  # Postgres, for assertions on rows
        stack.kubeconfig                                 # of the simulator, for its objects
        await stack.kill("reconciler")                   # -9; returns once it was started again
        with stack.another_reconciler() as process: ...  # beside the first one

Settings go in by keyword without the prefix: `running_stack(notify="false", lease="3")`. A test
that fails shows the screen and the ends of all logs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.postgres.orphans import is_zombie
from tests.postgres import open_folder

# Generous: a deadline is for a machine that does other things too.
PATIENCE = 90.0

# Quicker than in life, so that a story takes seconds and a takeover does too.
QUICK = {
    "simulator_arguments": "--ready-after 0.3 --gone-after 0.2 --database-ready-after 0.3",
    "lease": "6",
    "lease_margin": "1",
    "pass_timeout": "4",
    "poll": "1",
}


class Stack:
    """One running `mooring dev`."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.settings = settings
        self._dev: subprocess.Popen[str] | None = None

    # What runs

    @property
    def ready(self) -> dict[str, Any]:
        """ready.json as it is now."""
        found: dict[str, Any] = json.loads((self.data / "ready.json").read_text())
        return found

    @property
    def url(self) -> str:
        return str(self.ready["url"])

    @property
    def graphql_url(self) -> str:
        return f"{self.url}/graphql"

    @property
    def websocket_url(self) -> str:
        return "ws" + self.graphql_url.removeprefix("http")

    @property
    def owner_url(self) -> str:
        """Postgres as the owner of the schema: for assertions only."""
        return str(self.ready["database"]["owner"])

    @property
    def kubeconfig(self) -> Path:
        return Path(self.ready["kubeconfig"])

    @property
    def screen(self) -> str:
        """All that `mooring dev` has printed."""
        return (self.folder / "screen").read_text()

    def pid(self, name: str) -> int:
        """The process id of `postgres`, `simulator`, `api` or `reconciler`."""
        return int(self.ready["processes"][name])

    def log(self, name: str) -> str:
        folder = self.data / ("postgres" if name == "postgres" else "logs")
        file = folder / ("server.log" if name == "postgres" else f"{name}.log")
        return file.read_text(errors="replace") if file.exists() else ""

    def story(self) -> str:
        """The screen and the ends of all logs, for a test that failed."""
        names = ("migrate", "postgres", "simulator", "api", "reconciler", "another")
        ends = (f"--- {name}\n" + "\n".join(self.log(name).splitlines()[-60:]) for name in names)
        return "\n".join([self.screen, *ends])

    # Life

    def start(self) -> None:
        """Start it and wait until it is ready."""
        # After a kill -9 the last one's is still there.
        (self.data / "ready.json").unlink(missing_ok=True)
        self.launch()
        deadline = time.monotonic() + PATIENCE
        while not (self.data / "ready.json").exists():
            assert self.dev.poll() is None, f"mooring dev ended:\n{self.screen}"
            assert time.monotonic() < deadline, f"mooring dev is not ready:\n{self.screen}"
            time.sleep(0.05)

    def launch(self) -> None:
        """Start it without waiting."""
        with (self.folder / "screen").open("w") as screen:
            self._dev = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "dev"],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )

    @property
    def dev(self) -> subprocess.Popen[str]:
        """The parent process."""
        assert self._dev is not None
        return self._dev

    def interrupt(self) -> int:
        """Ctrl-C, and its exit code."""
        self.dev.send_signal(signal.SIGINT)
        return self.dev.wait(PATIENCE)

    def stop(self) -> None:
        """Stop whatever still runs."""
        if self._dev is not None and self._dev.poll() is None:
            self.interrupt()

    async def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """End a child and wait until its successor was started; the successor's process id."""
        old = self.pid(name)
        os.kill(old, number)
        return await self.started_again(name, old)

    async def started_again(self, name: str, old: int) -> int:
        """Wait until `name` has another process id than `old`."""
        deadline = time.monotonic() + PATIENCE
        while (new := self.pid(name)) == old:
            assert time.monotonic() < deadline, f"{name} was not started again:\n{self.screen}"
            await asyncio.sleep(0.05)
        return new

    @contextlib.contextmanager
    def another_reconciler(self, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """A second reconciler beside the first, with the same settings but for `settings`."""
        program = self.ready["programs"]["reconciler"]
        environment = self._environment() | program["env"] | _named(settings)
        # It has no parent to watch: this block ends it.
        environment.pop("MOORING_PARENT_PIPE")
        with (self.data / "logs" / "another.log").open("ab") as log:
            process = subprocess.Popen(program["argv"], env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(PATIENCE)

    def _environment(self) -> dict[str, str]:
        mine = {key: value for key, value in os.environ.items() if not key.startswith("MOORING_")}
        dev = {"data_dir": str(self.data), "port": "0", "log_level": "debug"}
        return mine | _named(QUICK | dev | self.settings)


def processes_of(folder: Path) -> list[int]:
    """The living processes that `folder` occurs in: command line, environment, working folder."""
    name = os.fsencode(folder)
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _mentions(entry, name) and not is_zombie(int(entry.name))
    ]


def gone(folder: Path) -> list[int]:
    """Wait until no process of `folder` is left; those that still are when patience ends."""
    deadline = time.monotonic() + PATIENCE
    while (left := processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@contextlib.contextmanager
def running_stack(**settings: str) -> Iterator[Stack]:
    """A stack for the block, with nothing left of it afterwards."""
    folder = open_folder()
    stack = Stack(folder, settings)
    try:
        stack.start()
        yield stack
    except BaseException as error:
        error.add_note(stack.story())
        raise
    finally:
        stack.stop()
        assert not gone(folder)
        shutil.rmtree(folder)


def _named(settings: dict[str, str]) -> dict[str, str]:
    return {f"MOORING_{key.upper()}": value for key, value in settings.items()}


def _mentions(entry: Path, name: bytes) -> bool:
    try:
        if name in os.fsencode((entry / "cwd").readlink()):
            return True
        return any(name in (entry / part).read_bytes() for part in ("cmdline", "environ"))
    except OSError:
        return False
