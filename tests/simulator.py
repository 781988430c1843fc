"""The simulator as a process of its own, for tests:

    async with running_simulator(folder) as simulator:
        ... simulator.kubeconfig, simulator.url, simulator.token, simulator.authority

It keeps its state in `folder`, so a second one with the same folder goes on where it was. It is
forked (see `forking`); `as_program=True` starts it as `mooring dev` does, for tests of just that.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import ssl
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson

from tests.forking import Forked

START_SECONDS = 30.0


class Process(Protocol):
    """What a test may do with it: asyncio's own processes are such."""

    @property
    def returncode(self) -> int | None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    async def wait(self) -> int: ...


@dataclass
class RunningSimulator:
    """`process` may be killed or ended by the test; the rest is what a client needs."""

    process: Process
    kubeconfig: Path
    url: str
    token: str
    authority: Path

    @property
    def trust(self) -> ssl.SSLContext:
        """For clients that read no kubeconfig: `ssl=simulator.trust`."""
        return trust_of(self.kubeconfig)


def trust_of(kubeconfig: Path) -> ssl.SSLContext:
    """Trusts the authority inside a kubeconfig, and nobody else."""
    return ssl.create_default_context(cadata=_authority(kubeconfig))


def _authority(kubeconfig: Path) -> str:
    cluster = orjson.loads(kubeconfig.read_bytes())["clusters"][0]["cluster"]
    return b64decode(cluster["certificate-authority-data"]).decode()


@asynccontextmanager
async def running_simulator(
    folder: Path,
    *options: str,
    ready_after: float = 0.0,
    gone_after: float = 0.0,
    database_ready_after: float = 0.0,
    as_program: bool = False,
    pass_fds: tuple[int, ...] = (),
) -> AsyncIterator[RunningSimulator]:
    """Delays are in seconds; `options` are further command-line arguments; only a program takes
    `pass_fds`."""
    kubeconfig = folder / "kubeconfig"
    kubeconfig.unlink(missing_ok=True)
    arguments = [
        *("--state", str(folder / "cluster"), "--kubeconfig", str(kubeconfig)),
        *("--ready-after", str(ready_after), "--gone-after", str(gone_after)),
        *("--database-ready-after", str(database_ready_after)),
        *options,
    ]
    process = await _started(arguments, pass_fds) if as_program else Forked(_simulate, arguments)
    try:
        await _written(kubeconfig, process)
        config = orjson.loads(kubeconfig.read_bytes())
        url = config["clusters"][0]["cluster"]["server"]
        authority = folder / "authority.pem"
        authority.write_text(_authority(kubeconfig))
        token = config["users"][0]["user"]["token"]
        yield RunningSimulator(process, kubeconfig, url, token, authority)
    finally:
        # Whatever it has answered is in its file.
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _started(arguments: Sequence[str], pass_fds: tuple[int, ...]) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "reconciler.simulator", *arguments),
        cwd=Path(__file__).parents[1],
        pass_fds=pass_fds,
    )


def _simulate(arguments: list[str]) -> None:
    from reconciler.simulator.__main__ import main  # noqa: PLC0415 - not in the tests' process

    parent = multiprocessing.parent_process()
    assert parent is not None
    main([*arguments, "--parent-pipe", str(parent.sentinel)])


async def _written(kubeconfig: Path, process: Process) -> None:
    async with asyncio.timeout(START_SECONDS):
        while not kubeconfig.exists():
            assert process.returncode is None, "the simulator ended before it listened"
            await asyncio.sleep(0.005)
