"""The command line and the environment of each child.

Settings of this process (`MOORING_*`) are handed on, so `MOORING_LEASE=5 make run` reaches the
reconciler.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

# What could point a child at something that nobody named: see the header of app.settings.
_NOT_HANDED_ON = ("KUBECONFIG", "DATABASE_URL")


@dataclass(frozen=True, slots=True)
class Program:
    """How to start one child."""

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """This process's environment with the child's own settings over it."""
        inherited = {key: value for key, value in os.environ.items() if key not in _NOT_HANDED_ON}
        return inherited | {"PYTHONUNBUFFERED": "1"} | self.env


def migrate(owner_url: str, passwords: tuple[str, str], pipe: int) -> Program:
    api, reconciler = passwords
    env = {"MOORING_API_PASSWORD": api, "MOORING_RECONCILER_PASSWORD": reconciler}
    return _ours(["app.cli", "migrate"], owner_url, pipe, env)


def simulator(port: int, state: Path, kubeconfig: Path, pipe: int, more: str) -> Program:
    argv = [sys.executable, "-m", "reconciler.simulator", "--host", "127.0.0.1"]
    argv += ["--port", str(port), "--state", str(state), "--kubeconfig", str(kubeconfig)]
    argv += ["--parent-pipe", str(pipe), *shlex.split(more)]
    return Program(argv)


def api(url: str, pipe: int, listener: int, env: dict[str, str]) -> Program:
    return _ours(["app.cli", "api", "--fd", str(listener)], url, pipe, env)


def reconciler(url: str, pipe: int, env: dict[str, str]) -> Program:
    return _ours(["reconciler"], url, pipe, env)


def _ours(module: list[str], url: str, pipe: int, env: dict[str, str]) -> Program:
    ours = {"MOORING_DATABASE_URL": url, "MOORING_PARENT_PIPE": str(pipe)}
    return Program([sys.executable, "-m", *module], ours | env)
