"""`python -m reconciler`: settings, engine, signals, and tasks until SIGTERM."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Iterable, Mapping

from app.db import migrations, sealed
from app.db.engine import Process, this_process
from app.db.readiness import database_checks
from app.db.session import Database
from app.db.wakeups import WORK, Listener, Publisher
from app.domain.states import ResourceKind
from app.domain.viewer import RECONCILER
from app.logs import configure_logs
from app.parent import stop_with_parent
from app.secrets.keyring import KeyRing
from app.settings import Settings, SettingsError
from reconciler import event_loop, health
from reconciler.closings import Closings
from reconciler.cluster.trusted import operators
from reconciler.clusters import Clusters
from reconciler.credentials import Credentials
from reconciler.databases import DatabaseReconciler
from reconciler.health import Page
from reconciler.loop import Loop
from reconciler.manifests.permissions import watched
from reconciler.namespaces import Namespaces
from reconciler.rechecks import Rechecks
from reconciler.resources import Reconciling, Resources
from reconciler.sandboxes import SandboxReconciler
from reconciler.watch import Watch

# Objects made beyond those given up, before those since the last time are looked through; one look
# in a hundred is through all. A page of a list is 100,000 dicts and lists, none of them in a cycle:
# with Python's 700 looking was two thirds of what the lists beside the watches cost (decision 43).
_COLLECTED_AFTER = 50_000


async def main(settings: Settings) -> None:
    """Reconcile until SIGTERM or SIGINT."""
    url, listen_url = settings.postgres()
    keys = KeyRing(settings.secret_keys.get_secret_value())
    await sealed.check_at_start(url, keys)
    publisher = Publisher(listen_url, enabled=settings.notify)
    worker = settings.worker or this_process()
    process = Process("reconciler", worker)
    database = Database(
        url,
        pool=settings.database_pool,
        pooled=settings.listen_url is not None,
        publisher=publisher,
        process=process,
        limit=settings.lease_timeout,
    )
    cluster = await operators(settings)
    clusters = Clusters(cluster, database, keys, settings)
    namespaces = Namespaces(cluster, database, settings)
    kinds = _kinds(database, keys, settings)
    resources = Resources(kinds, clusters, namespaces, database, settings)
    credentials = Credentials(
        database,
        clusters,
        settings,
        worker,
        lambda: loop.wake(),  # noqa: PLW0108 - there is none yet
    )
    loop = Loop(
        database,
        resources.reconcile,
        settings,
        worker,
        clusters.most,
        held=clusters.held,
        beside=credentials,
    )
    closings = Closings(database, namespaces, settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, loop.stop)
    longest = settings.progress_within

    async def works() -> str | None:
        return loop.progress.idle_because(longest)

    checks = {**database_checks(database, migrations.head(), RECONCILER), "work": works}
    served = health.served(
        settings.host,
        settings.health_port,
        checks,
        lambda: loop.progress.stuck(longest),
        Page(database, clusters.breakers),
    )
    try:
        async with (
            served,
            asyncio.TaskGroup() as group,
        ):
            helpers = [
                group.create_task(publisher.run()),
                group.create_task(credentials.run()),
                group.create_task(closings.run()),
            ]
            if settings.notify:
                wakes = (loop.wake, credentials.wake, closings.wake)
                listener = Listener(
                    listen_url, lambda channel: _heard(channel, wakes), lambda: _wake(wakes)
                )
                helpers.append(group.create_task(listener.run()))
            if settings.watch:
                where = settings.sandbox_namespace or ""
                watch = Watch(database, cluster, where, loop.wake, settings.recheck)
                helpers.append(group.create_task(watch.run(watched(settings))))
                rechecks = Rechecks(database, cluster.index, settings)
                helpers.append(group.create_task(rechecks.run()))
            if settings.sandbox_namespace is None:
                helpers.append(group.create_task(namespaces.run()))
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
        gc.set_threshold(_COLLECTED_AFTER, 10, 10)
        with event_loop.runner() as runner:
            runner.run(main(settings))
    except SettingsError as error:
        sys.exit(str(error))
