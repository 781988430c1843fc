"""Everything as processes of their own: Postgres, simulator, two APIs, two reconcilers.

    async with running_stack() as stack:
        stack.urls                      # of the APIs
        stack.owner_url                 # Postgres without a proxy, for what is looked at
        stack.proxies["reconciler-2"]   # between that process and Postgres
        await stack.kill("api-1")       # and `start`, `pause`, `resume`

`mooring dev` will not do: it restarts what ends, at once, and nothing is between it and Postgres.
`reconciler-2` lives an hour in the future.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg

from app.db import roles
from app.postgres import EmbeddedPostgres
from app.supervisor import client
from app.supervisor.ports import free_ports
from app.supervisor.processes import forget_strangers
from tests.chaos.processes import ROOT, Process
from tests.chaos.proxy import Proxy, proxied
from tests.postgres import PASSWORDS, make_database, open_folder

PATIENCE = 240.0
APIS = ("api-1", "api-2")
RECONCILERS = ("reconciler-1", "reconciler-2")
SHIFTED = {"reconciler-2": 3600.0}
# Shorter than in life, so that a takeover takes seconds.
LEASE = 6.0
RESYNC_AFTER = 200
# Seconds in which an API that nothing holds up has done what it was asked.
CALM = 2.0
_SETTINGS = {
    "lease": str(LEASE),
    "lease_margin": "1",
    "pass_timeout": "4",
    "poll": "1",
    "recheck": "30",
    "retry_longest": "5",
    # What falls again and again here does so because of us, and is to be up soon after.
    "flapping_hold": "2",
    "flapping_window": "30",
    "cluster_rate": "1000",
    "cluster_burst": "1000",
    "cluster_timeout": "3",
    "drain": "3",
    "resync_after": str(RESYNC_AFTER),
    "sign_up": '["PASSWORD"]',
    "sign_ups_hourly": "0",
    "mutations_per_minute": "0",
    "token_lifetime": "86400",
    "password_memory": "7168",
    "password_time": "5",
    # Of a thousand sandboxes the default would refuse most.
    "namespace_quota": "{}",
    "log_level": "info",
}
_SIMULATOR = ("--ready-after", "0.3", "--gone-after", "0.2", "--database-ready-after", "0.3")


class Stack:
    """What runs, and the handles to break it."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self._settings = _SETTINGS | settings
        # What a kill -9 leaves is in the kernel, so nothing need reach the disk.
        postgres, *others = free_ports(2 + len(APIS) + len(RECONCILERS))
        self.postgres = EmbeddedPostgres(
            folder, port=postgres, options={"fsync": "off", "max_connections": "200"}
        )
        self.proxies: dict[str, Proxy] = {}
        self.processes: dict[str, Process] = {}
        self.ports = dict(zip(("simulator", *APIS, *RECONCILERS), others, strict=True))
        self.kubeconfig = folder / "kubeconfig"
        self.owner_url = ""
        self._pipe, self._our_end = os.pipe()
        self._holding: list[str] = []
        # Those that are to live; what ended of them by itself though it had been ready.
        self._up: set[str] = set()
        self.ended: list[str] = []
        self._calm_since = 0.0

    def health(self, name: str) -> str:
        """Where an API or a reconciler tells whether it can work."""
        return f"http://127.0.0.1:{self.ports[name]}"

    @property
    def urls(self) -> list[str]:
        """Where the APIs are."""
        return [self.health(name) for name in APIS]

    def log(self, name: str) -> str:
        """All that a process has said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    # Life

    async def start(self, held: AsyncExitStack) -> None:
        """Start everything and wait until it is ready."""
        forget_strangers()
        self.postgres.start()
        self.owner_url = await make_database(self.postgres, "mooring")
        shared = self._environment()
        self._migrate(shared)
        target = ("127.0.0.1", self.postgres.port)
        for name in (*APIS, *RECONCILERS):
            self.proxies[name] = await held.enter_async_context(proxied(target))
        self._make_processes(shared)
        await self.start_and_wait("simulator")
        keeping = asyncio.create_task(self._keep())
        held.callback(keeping.cancel)
        for name in (*APIS, *RECONCILERS):
            self._start(name)
        for name in (*APIS, *RECONCILERS):
            await self.ready(name)

    async def close(self) -> None:
        """Stop everything."""
        self._up.clear()
        for process in self.processes.values():
            await process.stop()
        self.postgres.close()
        os.close(self._pipe)
        os.close(self._our_end)

    async def kill(self, name: str) -> None:
        """kill -9; `postgres` too."""
        self._up.discard(name)
        if name != "postgres":
            await self.processes[name].kill()
        elif self.postgres.pid is not None:
            os.kill(self.postgres.pid, signal.SIGKILL)
            await _until(lambda: self.postgres.pid is None, "postgres is gone")

    async def stop(self, name: str) -> None:
        """End it as one who stops it does."""
        self._up.discard(name)
        if name == "postgres":
            await asyncio.to_thread(self.postgres.stop)
        else:
            await self.processes[name].stop()

    async def start_and_wait(self, name: str) -> None:
        """Start what was killed or stopped, and wait until it works."""
        if name == "postgres":
            # Here and not in a thread: the server ends with the thread that started it.
            self.postgres.prepare()
            self.postgres.spawn()
        else:
            if name == "simulator":
                self.kubeconfig.unlink(missing_ok=True)
            self._start(name)
        await self.ready(name)

    def _start(self, name: str) -> None:
        self.processes[name].start()
        self._up.add(name)

    async def _keep(self) -> None:
        """Start again what ends by itself, as a kubelet does."""
        while True:
            await asyncio.sleep(0.5)
            for process in self.processes.values():
                if process.name in self._up and not process.alive:
                    if process.was_ready:
                        last = self.log(process.name).splitlines()[-1:]
                        self.ended.append(f"{process.name} ended with {process.code}: {last}")
                    process.start()

    async def ready(self, name: str) -> None:
        """Wait until it works, however often it is started until then."""
        if name == "postgres":
            await _until(self.postgres.ready, "postgres accepts connections")
        elif name == "simulator":
            await _until(self.kubeconfig.exists, "the simulator listens")
        else:
            deadline = time.monotonic() + PATIENCE
            while not await asyncio.to_thread(client.is_ready, self.health(name)):
                assert time.monotonic() < deadline, (
                    f"{name} is not ready:\n{self.log(name)[-2000:]}"
                )
                await asyncio.sleep(0.1)
            self.processes[name].was_ready = True

    def forget_cluster(self) -> int:
        """Of the state of the simulator, which is not running, keep the token and the version; how
        many lines went. A cluster's versions go on after a restore from nothing, as etcd's do."""
        state = self.folder / "cluster"
        lines = [line.split(b" ") for line in state.read_bytes().split(b"\n") if line]
        # `KEY token version` at least first (reconciler/simulator/journal.py).
        last = lines[-1]
        token, version = lines[0][1], int(last[2] if last[0] == b"KEY" else last[1])
        state.write_bytes(b"KEY %b %d\n" % (token, version + 1000))
        return len(lines)

    # What is held up

    @contextlib.contextmanager
    def holding_up(self, what: str) -> Iterator[None]:
        """For the block something may be under way for long: see `calm`."""
        self._holding.append(what)
        try:
            yield
        finally:
            self._holding.remove(what)
            self._calm_since = time.monotonic()

    async def calm(self) -> None:
        """Return once nothing was held up for `CALM` seconds, counted from now at the earliest."""
        asked = time.monotonic()
        while self._holding or time.monotonic() < max(asked, self._calm_since) + CALM:
            await asyncio.sleep(0.1)

    # What is looked at

    @asynccontextmanager
    async def rows(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """A connection of the owner's, past every proxy."""
        connection = await asyncpg.connect(
            self.owner_url, server_settings={"application_name": "checks"}
        )
        try:
            yield connection
        finally:
            await connection.close()

    # Making

    def _migrate(self, shared: dict[str, str]) -> None:
        given = {
            "MOORING_DATABASE_URL": self.owner_url,
            "MOORING_API_PASSWORD": PASSWORDS[roles.API],
            "MOORING_RECONCILER_PASSWORD": PASSWORDS[roles.RECONCILER],
        }
        argv = [sys.executable, "-m", "app.cli", "migrate"]
        subprocess.run(argv, env=shared | given, cwd=ROOT, check=True, capture_output=True)

    def _make_processes(self, shared: dict[str, str]) -> None:
        state = self.folder / "cluster"
        argv = [sys.executable, "-m", "reconciler.simulator", "--state", str(state)]
        argv += ["--port", str(self.ports["simulator"]), "--kubeconfig", str(self.kubeconfig)]
        self._make("simulator", [*argv, *_SIMULATOR], shared)
        for name in APIS:
            served = {"MOORING_PORT": str(self.ports[name])} | self._way(name, roles.API)
            self._make(name, [sys.executable, "-m", "app.cli", "api"], shared | served)
        for name in RECONCILERS:
            acting = {
                "MOORING_KUBECONFIG": str(self.kubeconfig),
                "MOORING_WORKER": name,
                "MOORING_HEALTH_PORT": str(self.ports[name]),
                "CHAOS_CLOCK": str(SHIFTED.get(name, 0)),
            }
            acting |= self._way(name, roles.RECONCILER)
            self._make(name, [sys.executable, "-m", "reconciler"], shared | acting)

    def _make(self, name: str, argv: list[str], environment: dict[str, str]) -> None:
        pipe = {} if name == "simulator" else {"MOORING_PARENT_PIPE": str(self._pipe)}
        argv = [*argv, "--parent-pipe", str(self._pipe)] if name == "simulator" else argv
        log = self.folder / f"{name}.log"
        self.processes[name] = Process(
            name, argv, environment | pipe, log, self._pipe, self.folder / "census"
        )

    def _way(self, name: str, role: str) -> dict[str, str]:
        """To Postgres, through the process's own proxy."""
        password, port = PASSWORDS[role], self.proxies[name].port
        return {"MOORING_DATABASE_URL": f"postgresql://{role}:{password}@127.0.0.1:{port}/mooring"}

    def _environment(self) -> dict[str, str]:
        census = self.folder / "census"
        census.mkdir()
        ours = {f"MOORING_{key.upper()}": value for key, value in self._settings.items()}
        keys = {
            "MOORING_TOKEN_KEYS": f"k1:{secrets.token_urlsafe(32)}",
            "MOORING_SECRET_KEYS": "k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        inside = {
            "PYTHONPATH": str(Path(__file__).parent / "inside"),
            "PYTHONUNBUFFERED": "1",
            "CHAOS_CENSUS": str(census),
        }
        mine = {key: value for key, value in os.environ.items() if not key.startswith("MOORING_")}
        return mine | ours | keys | inside


@asynccontextmanager
async def running_stack(keep: Path | None = None, **settings: str) -> AsyncIterator[Stack]:
    """A stack for the block; `keep`: where the logs go afterwards."""
    folder = open_folder()
    stack = Stack(folder, settings)
    try:
        async with AsyncExitStack() as held:
            try:
                await stack.start(held)
                yield stack
            finally:
                await stack.close()
    finally:
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            for file in folder.glob("*.log"):
                shutil.copy(file, keep)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)


async def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"after {PATIENCE:.0f} s it is not so that {what}"
        await asyncio.sleep(0.02)
