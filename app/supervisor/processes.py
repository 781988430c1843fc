"""The command line and the environment of each child.

Settings of this process (`MOORING_*`) are handed on, so `MOORING_LEASE=5 make run` reaches the
reconciler.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

# What could point us at something that nobody named (see the header of app.settings): libpq's
# variables, which asyncpg and the server read, too.
_STRANGERS = re.compile("KUBECONFIG|DATABASE_URL|PG[A-Z]+")
_OURSELVES = "127.0.0.1,localhost"


def forget_strangers() -> None:
    """Take out of this process's environment, and of its children's, what is for others."""
    for name in filter(_STRANGERS.fullmatch, list(os.environ)):
        del os.environ[name]
    # A proxy is for the world outside: the reconciler's client would ask it for the simulator.
    direct = ",".join(
        filter(None, (os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), _OURSELVES))
    )
    os.environ |= {"no_proxy": direct, "NO_PROXY": direct}


@dataclass(frozen=True, slots=True)
class Program:
    """How to start one child."""

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """This process's environment with the child's own settings over it."""
        return os.environ | {"PYTHONUNBUFFERED": "1"} | self.env


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
