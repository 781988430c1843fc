"""A server that outlived its parent, found and stopped.

On Linux the kernel stops the server when its parent dies; elsewhere, and in the seconds between,
the next start finds it here. The caller holds the lock of the data folder, so whatever still runs
in it belongs to nobody.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

_PROC = Path("/proc")


def stop_orphans(data: Path, *, timeout: float = 30.0) -> None:
    """End the server of `data` and all its processes, and remove its `postmaster.pid`.

    Fast shutdown first; what is left after `timeout` seconds is killed, which costs the next
    start a recovery and no data.
    """
    pid_file = data / "postmaster.pid"
    deadline = time.monotonic() + timeout
    _signal(_postmaster(data), signal.SIGINT)
    while left := _processes(data):
        if time.monotonic() > deadline:
            _signal(left, signal.SIGKILL)
        time.sleep(0.02)
    # PostgreSQL takes any living process with that number, and a zombie too, for a server.
    pid_file.unlink(missing_ok=True)


def _postmaster(data: Path) -> list[int]:
    pid = _recorded_pid(data)
    return [pid] if pid in _processes(data) and pid is not None else []


def _recorded_pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def _processes(data: Path) -> list[int]:
    """The living processes of this data folder: each has it as its working directory."""
    if not (_PROC / "self").exists():
        pid = _recorded_pid(data)
        return [pid] if pid is not None and _exists(pid) else []
    folder = str(data.resolve())
    return [int(entry.name) for entry in _PROC.iterdir() if _lives_in(entry, folder)]


def _lives_in(entry: Path, folder: str) -> bool:
    if not entry.name.isdigit():
        return False
    try:
        return (entry / "cwd").readlink() == Path(folder) and not is_zombie(int(entry.name))
    except OSError:
        return False


def is_zombie(pid: int) -> bool:
    """Whether `pid` has ended and only waits for a parent to ask (state Z); False off Linux."""
    try:
        # proc(5): the name is in brackets and may hold anything; the state follows the last one.
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
