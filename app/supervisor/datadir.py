"""The data folder of `mooring dev`: who owns it, and the keys that are made in it once.

Two locks: `lock` is the parent's own; `children.lock` is also held open by its children, so a
second start knows when the last process of a killed run is gone.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from app.supervisor.errors import DevError


class DataDir:
    """The folder and what is in it; open() it before anything else."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._owned = False
        self._lock: IO[str] | None = None
        self._children: IO[str] | None = None

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def ready_file(self) -> Path:
        """What runs, for programs; there while everything does."""
        return self.path / "ready.json"

    @property
    def simulator_state(self) -> Path:
        return self.path / "simulator.json"

    @property
    def simulator_kubeconfig(self) -> Path:
        return self.path / "simulator.kubeconfig"

    @property
    def children_lock(self) -> int:
        """The descriptor that every child of ours inherits."""
        if self._children is None:
            raise RuntimeError("open() comes first")
        return self._children.fileno()

    def open(self, wait: Callable[[str], None], *, timeout: float = 60.0) -> None:
        """Own the folder. `wait` is called with a line when the last run is still ending.

        Raises:
            DevError: another `mooring dev` owns it, or the last one's processes do not end.
        """
        try:
            self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            self.keys.mkdir(mode=0o700, exist_ok=True)
            self._lock = (self.path / "lock").open("a+")
            self._children = (self.path / "children.lock").open("a+")
        except OSError as error:
            raise DevError(
                f"The data folder {self.path} cannot be written ({error.strerror}). "
                "Set MOORING_DATA_DIR to one that can"
            ) from error
        self._own(self._lock)
        self._outwait(self._children, wait, timeout)
        self.ready_file.unlink(missing_ok=True)

    def close(self) -> None:
        # Only its owner's: a second start on the same folder is refused and must take nothing away.
        if self._owned:
            self.ready_file.unlink(missing_ok=True)
        for lock in (self._children, self._lock):
            if lock is not None:
                lock.close()

    def _own(self, lock: IO[str]) -> None:
        if not _locked(lock):
            lock.seek(0)
            raise DevError(
                f"mooring dev already runs on {self.path} (process {lock.read().strip()}). "
                "Stop it with Ctrl-C, or choose another folder: MOORING_DATA_DIR=… make run"
            )
        self._owned = True
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()

    def _outwait(self, lock: IO[str], wait: Callable[[str], None], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        if not _locked(lock):
            wait("Waiting for the processes of the last run to end")
            while not _locked(lock):
                if time.monotonic() > deadline:
                    raise DevError(
                        f"Processes of an earlier run still use {self.path}. Find them with "
                        f"`fuser {self.path}/children.lock`, end them, and start again"
                    )
                time.sleep(0.05)

    def key(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> str:
        """The secret `name`, made at its first use and kept (mode 0600)."""
        file = self.keys / name
        if not file.exists():
            write_private(file, make())
        return file.read_text().strip()

    def publish(self, facts: dict[str, Any]) -> None:
        """Write ready.json, whole or not at all; it holds passwords, so mode 0600."""
        write_private(self.ready_file, json.dumps(facts, indent=2) + "\n")


def secret_key() -> str:
    """A key for secrets at rest in the form of MOORING_SECRET_KEYS: id:base64 of 32 bytes."""
    return "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()


def write_private(file: Path, text: str) -> None:
    """Write `text` so that the file is whole or absent, and only its owner's from the start."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w") as out:
            out.write(text)
        Path(name).rename(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
