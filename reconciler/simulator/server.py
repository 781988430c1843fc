"""The process: opens state and socket, runs the controllers, writes the kubeconfig, and ends."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from reconciler.simulator import certificate, kubeconfig
from reconciler.simulator.certificate import Certificate
from reconciler.simulator.controllers import all_of
from reconciler.simulator.controllers.delays import Delays
from reconciler.simulator.controllers.loop import Loop
from reconciler.simulator.controls import Controls
from reconciler.simulator.disturbance import Disturbance
from reconciler.simulator.faults import Faults
from reconciler.simulator.kinds import NAMESPACE
from reconciler.simulator.listing import Lister
from reconciler.simulator.releases import NEWEST, Release, absent, install
from reconciler.simulator.resources import Resources
from reconciler.simulator.routes import Server
from reconciler.simulator.store import opened
from reconciler.simulator.verbs import Verbs, Writer

BACKLOG = 2048
NAMESPACES = ("default", "kube-system", kubeconfig.NAMESPACE)


@dataclass(frozen=True)
class Arguments:
    """port 0 is any free one; state None keeps nothing; parent_pipe is a descriptor to watch."""

    host: str = "127.0.0.1"
    port: int = 0
    state: Path | None = None
    kubeconfig: Path | None = None
    delays: Delays = field(default_factory=Delays)
    history: int = 4_000
    parent_pipe: int | None = None
    kubeblocks: Release = NEWEST


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours are handled in `run`: uvicorn's would raise them again after a clean end."""
        yield


async def run(arguments: Arguments) -> None:
    """Serve until SIGTERM, SIGINT, or the end of the parent's pipe."""
    install(arguments.kubeblocks)
    store, token = opened(arguments.state, secrets.token_urlsafe(32), arguments.history)
    serving = certificate.opened(_beside(arguments.state), arguments.host)
    verbs = Verbs(store)
    for name in NAMESPACES:
        if store.get(NAMESPACE, "", name) is None:
            verbs.create(NAMESPACE, "", {"metadata": {"name": name}}, Writer("kube-apiserver"))
    faults = Faults()
    resources = Resources(verbs, Lister(store), faults)
    loop = Loop(store, all_of(verbs, arguments.delays, faults, arguments.kubeblocks))
    faults.listeners += [loop.look_at_everything, resources.cut_watches]
    controls = Controls(arguments.delays, faults, loop.wake_all)
    disturbance = Disturbance(faults)
    app = Server(token, resources, controls, disturbance, absent(arguments.kubeblocks)).app()
    # Requests in flight end by themselves once the watches are closed. Idle connections are kept
    # as long as upstream does, or clients would meet closed ones.
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=90,
        ws="none",
        ssl_context_factory=lambda *_: serving.context(),
    )
    server = _Uvicorn(config)

    def stop() -> None:
        server.should_exit = True
        resources.close_watches()

    listening = _listen(arguments.host, arguments.port)
    _stop_on_signals(stop, arguments.parent_pipe)
    working = asyncio.create_task(loop.run())
    # The socket takes connections from here on; uvicorn answers them a moment later.
    listening.listen(BACKLOG)
    _announce(arguments, listening, serving, token)
    await server.serve([listening])
    working.cancel()
    store.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    return listening


def _stop_on_signals(stop: Callable[[], None], parent_pipe: int | None) -> None:
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, stop)
    if parent_pipe is not None:
        running.add_reader(parent_pipe, _parent_gone, running, parent_pipe)


def _parent_gone(running: asyncio.AbstractEventLoop, pipe: int) -> None:
    if not os.read(pipe, 1024):
        running.remove_reader(pipe)
        os.kill(os.getpid(), signal.SIGTERM)


def _beside(state: Path | None) -> Path | None:
    return state.with_name(state.name + ".pem") if state is not None else None


def _announce(
    arguments: Arguments, listening: socket.socket, serving: Certificate, token: str
) -> None:
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    url = f"https://{host}:{listening.getsockname()[1]}"
    if arguments.kubeconfig is not None:
        kubeconfig.write(arguments.kubeconfig, url, serving.authority, token)
