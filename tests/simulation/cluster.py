"""The cluster of a run: the simulator in this process, spoken to over HTTP as ever.

One socket serves for all runs; behind it `renew` puts a cluster as new. Without TLS: nobody listens
here, and it would be half of the time.
"""

import asyncio
import socket
from pathlib import Path

import orjson
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.simulator import kubeconfig
from reconciler.simulator.controllers import all_of
from reconciler.simulator.controllers.delays import Delays
from reconciler.simulator.controllers.loop import Loop
from reconciler.simulator.controls import Controls
from reconciler.simulator.disturbance import Disturbance
from reconciler.simulator.faults import RULES, Faults
from reconciler.simulator.journal import Loaded
from reconciler.simulator.kinds import NAMESPACE
from reconciler.simulator.listing import Lister
from reconciler.simulator.releases import NEWEST
from reconciler.simulator.resources import Resources
from reconciler.simulator.routes import Server
from reconciler.simulator.store import BEGIN, Store
from reconciler.simulator.verbs import Verbs, Writer

TOKEN = "simulation"
# Longer than any run, by the clock that runs move.
_LONG = 10**7
_NAMESPACES = ("default", "kube-system", kubeconfig.NAMESPACE, "other")


class LocalCluster:
    """`store`, `verbs`, `faults` and `delays` are those of the present run."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._working: asyncio.Task[None] | None = None
        config = uvicorn.Config(
            self._serve,
            log_level="critical",
            access_log=False,
            ws="none",
            interface="asgi3",
            lifespan="off",
            timeout_keep_alive=_LONG,
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        # With its protocol named, or asyncio leaves Nagle on: a body would wait 40 ms for its head.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)

    async def listen(self, folder: Path) -> Path:
        """The kubeconfig that leads here."""
        self._socket.bind(("127.0.0.1", 0))
        await self._server.startup([self._socket])
        body = kubeconfig.body(f"http://127.0.0.1:{self._socket.getsockname()[1]}", b"", TOKEN)
        del body["clusters"][0]["cluster"]["certificate-authority-data"]
        path = folder / f"kubeconfig-{id(self)}"
        path.write_bytes(orjson.dumps(body))
        return path

    async def close(self) -> None:
        """Listen no more."""
        for server in self._server.servers:
            server.close()
        for connection in list(self._server.server_state.connections):
            connection.shutdown()

    async def renew(self) -> None:
        """A cluster with nothing in it, whose pods and databases are ready at once."""
        self.store = Store(Loaded(version=BEGIN))
        self.verbs = Verbs(self.store)
        for name in _NAMESPACES:
            body = {"metadata": {"name": name}}
            self.verbs.create(NAMESPACE, "", body, Writer("kube-apiserver"))
        self.faults, self.delays = Faults(), Delays(0, 0, 0)
        resources = Resources(self.verbs, Lister(self.store), self.faults)
        loop = Loop(self.store, all_of(self.verbs, self.delays, self.faults, NEWEST))
        self.faults.listeners += [loop.look_at_everything, resources.cut_watches]
        controls = Controls(self.delays, self.faults, loop.wake_all)
        self._app = Server(TOKEN, resources, controls, Disturbance(self.faults)).app()
        self._resources, self._loop = resources, loop
        self._working = asyncio.create_task(loop.run())

    def hurry(self, seconds: float) -> None:
        """Pods and databases take so long from now on, by the clock on the wall."""
        self.delays.ready_after = self.delays.gone_after = seconds
        self.delays.database_ready_after = seconds
        self._loop.wake_all()

    def disturb(self, *rules: dict[str, object]) -> None:
        """These faults, and no others."""
        self.faults.set(RULES.dump_json(RULES.validate_python(list(rules)), by_alias=True))

    async def end(self) -> None:
        """The run is over."""
        self.faults.clear()
        self._resources.close_watches()
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None
        await self._app(scope, receive, send)
