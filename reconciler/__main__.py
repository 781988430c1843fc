"""`python -m reconciler`: settings, engine, signals, and tasks until SIGTERM."""

import asyncio
import os
import signal
import socket
import sys

from app.db.session import Database
from app.db.wakeups import WORK, Listener, Publisher
from app.logs import configure_logs
from app.parent import stop_with_parent
from app.secrets.keyring import KeyRing
from app.settings import Settings
from reconciler.cluster.client import connect
from reconciler.loop import Loop
from reconciler.manifests.kinds import (
    INGRESS,
    NETWORK_POLICY,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
)
from reconciler.sandboxes import SandboxReconciler
from reconciler.watch import Watch

_WATCHED = (STATEFUL_SET, POD, SERVICE, SECRET, INGRESS, NETWORK_POLICY)


async def main(settings: Settings) -> None:
    """Reconcile until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    assert settings.kubeconfig is not None
    url = settings.database_url.get_secret_value()
    listen_url = settings.listen_url.get_secret_value() if settings.listen_url else url
    publisher = Publisher(listen_url, enabled=settings.notify)
    database = Database(url, pool=settings.database_pool, publisher=publisher)
    cluster = await connect(
        settings.kubeconfig,
        timeout=settings.cluster_timeout,
        rate=settings.cluster_rate,
        burst=settings.cluster_burst,
    )
    keys = KeyRing(settings.secret_keys.get_secret_value())
    sandboxes = SandboxReconciler(database, cluster, keys, settings)
    worker = settings.worker or f"{socket.gethostname()}/{os.getpid()}"
    loop = Loop(database, sandboxes.reconcile, settings, worker)
    listener = Listener(listen_url, lambda channel: _heard(channel, loop), loop.wake)
    tasks = [asyncio.create_task(publisher.run())]
    if settings.notify:
        tasks.append(asyncio.create_task(listener.run()))
    if settings.watch:
        watch = Watch(database, cluster, settings.sandbox_namespace, loop.wake)
        tasks.append(asyncio.create_task(watch.run(_WATCHED)))
    try:
        await loop.run(stop)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await cluster.close()
        await database.close()


def _heard(channel: str, loop: Loop) -> None:
    if channel == WORK:
        loop.wake()


if __name__ == "__main__":
    chosen = Settings()
    configure_logs(chosen.log_level, chosen.log_format)
    stop_with_parent(chosen.parent_pipe)
    if chosen.kubeconfig is None:
        sys.exit("MOORING_KUBECONFIG is not set: give the kubeconfig of the operator's cluster")
    asyncio.run(main(chosen))
