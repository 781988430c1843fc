"""`python -m reconciler`: settings, engine, signals, and tasks until SIGTERM."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

from app.db import sealed
from app.db.session import Database
from app.db.wakeups import WORK, Listener, Publisher
from app.domain.states import ResourceKind
from app.logs import configure_logs
from app.parent import stop_with_parent
from app.secrets.keyring import KeyRing
from app.settings import Settings, SettingsError
from reconciler.cluster.client import Bounds
from reconciler.cluster.trusted import connect
from reconciler.databases import DatabaseReconciler
from reconciler.loop import Loop
from reconciler.manifests.kinds import (
    CLUSTER,
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
)
from reconciler.resources import Resources
from reconciler.sandboxes import SandboxReconciler
from reconciler.watch import Watch

_ALWAYS_WATCHED = (STATEFUL_SET, POD, SERVICE, SECRET, CLUSTER)


async def main(settings: Settings, kubeconfig: Path) -> None:
    """Reconcile until SIGTERM or SIGINT."""
    url, listen_url = settings.postgres()
    keys = KeyRing(settings.secret_keys.get_secret_value())
    await sealed.check_at_start(url, keys)
    publisher = Publisher(listen_url, enabled=settings.notify)
    database = Database(url, pool=settings.database_pool, publisher=publisher)
    bounds = Bounds(settings.cluster_timeout, settings.cluster_rate, settings.cluster_burst)
    cluster = await connect(kubeconfig, bounds)
    sandboxes = SandboxReconciler(database, cluster, keys, settings)
    worker = settings.worker or f"{socket.gethostname()}/{os.getpid()}"
    databases = DatabaseReconciler(database, cluster, keys, settings)
    kinds = {
        ResourceKind.SANDBOX: sandboxes.reconcile,
        ResourceKind.DATABASE: databases.reconcile,
    }
    resources = Resources(kinds, settings)
    loop = Loop(database, resources.reconcile, settings, worker)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, loop.stop)
    try:
        async with asyncio.TaskGroup() as group:
            helpers = [group.create_task(publisher.run())]
            if settings.notify:
                listener = Listener(listen_url, lambda channel: _heard(channel, loop), loop.wake)
                helpers.append(group.create_task(listener.run()))
            if settings.watch:
                watch = Watch(database, cluster, settings.sandbox_namespace, loop.wake)
                helpers.append(group.create_task(watch.run(_watched(settings))))
            await loop.run()
            for task in helpers:
                task.cancel()
    finally:
        await cluster.close()
        await database.close()


def _watched(settings: Settings) -> tuple[Kind, ...]:
    route = INGRESS if settings.route_mode == "ingress" else HTTP_ROUTE
    policy = (NETWORK_POLICY,) if settings.network_policy else ()
    return (*_ALWAYS_WATCHED, route, *policy)


def _heard(channel: str, loop: Loop) -> None:
    if channel == WORK:
        loop.wake()


if __name__ == "__main__":
    try:
        settings = Settings.load()
        configure_logs(settings.log_level, settings.log_format)
        stop_with_parent(settings.parent_pipe)
        if settings.kubeconfig is None or not settings.kubeconfig.is_file():
            sys.exit("Set MOORING_KUBECONFIG to the file of the operator's cluster; there is none")
        asyncio.run(main(settings, settings.kubeconfig))
    except SettingsError as error:
        sys.exit(str(error))
