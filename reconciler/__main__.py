"""`python -m reconciler`: settings, engine, signals, and tasks until SIGTERM."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
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
from reconciler.clusters import Clusters
from reconciler.credentials import Credentials
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
from reconciler.resources import Reconciling, Resources
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
    worker = settings.worker or f"{socket.gethostname()}/{os.getpid()}"
    clusters = Clusters(cluster, database, keys, settings)
    resources = Resources(_kinds(database, keys, settings), clusters, settings)
    loop = Loop(database, resources.reconcile, settings, worker, clusters.most)
    credentials = Credentials(database, clusters, settings, worker, loop.wake)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, loop.stop)
    try:
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(publisher.run()),
                group.create_task(credentials.run()),
            ]
            if settings.notify:
                wakes = (loop.wake, credentials.wake)
                listener = Listener(
                    listen_url, lambda channel: _heard(channel, wakes), lambda: _wake(wakes)
                )
                helpers.append(group.create_task(listener.run()))
            if settings.watch:
                watch = Watch(database, cluster, settings.sandbox_namespace, loop.wake)
                helpers.append(group.create_task(watch.run(_watched(settings))))
            await loop.run()
            for task in helpers:
                task.cancel()
    finally:
        await clusters.close()
        await cluster.close()
        await database.close()


def _kinds(
    database: Database, keys: KeyRing, settings: Settings
) -> Mapping[ResourceKind, Reconciling]:
    """Whose a row of each kind is, once its cluster is known."""
    return {
        ResourceKind.SANDBOX: lambda at: SandboxReconciler(database, at, keys, settings).reconcile,
        ResourceKind.DATABASE: lambda at: (
            DatabaseReconciler(database, at, keys, settings).reconcile
        ),
    }


def _watched(settings: Settings) -> tuple[Kind, ...]:
    route = INGRESS if settings.route_mode == "ingress" else HTTP_ROUTE
    policy = (NETWORK_POLICY,) if settings.network_policy else ()
    return (*_ALWAYS_WATCHED, route, *policy)


def _heard(channel: str, wakes: Iterable[Callable[[], None]]) -> None:
    if channel == WORK:
        _wake(wakes)


def _wake(wakes: Iterable[Callable[[], None]]) -> None:
    for wake in wakes:
        wake()


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
