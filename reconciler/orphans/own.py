"""The clusters that accounts bring: looked into one by one, each through its user's credential.

It goes the way that passes go (`reconciler.clusters`): no proxy, the address judged anew, a budget
and time limits of its own, in the one namespace of the kubeconfig, with no right that passes do not
need. What one of them does concerns nobody else: one that is away, slow or talks nonsense is a line
of the report.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.db import inspections, inventory
from app.db.inventory import Bringing
from app.db.session import AWAY, Database
from app.domain.viewer import RECONCILER
from app.secrets.keyring import KeyRingError
from app.settings import Settings
from reconciler.cluster.answers import nonsense
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError
from reconciler.clusters import NONSENSE, Clusters
from reconciler.orphans.report import Report, place, plain, spelled_place
from reconciler.orphans.survey import Survey

# Clusters at once; seconds for one, for each part.
_AT_ONCE, _LONGEST = 4, 120.0
# Pages of 500 of one kind there.
_PAGES = 10


@dataclass(frozen=True, slots=True)
class Away:
    """One that could not be looked into, and why."""

    whose: Bringing
    why: str


Removing = Callable[[Report, Cluster, str], Awaitable[None]]


class OwnClusters:
    """Looks for orphans of at least that age; `removing` them is somebody else's, None: they stay.
    `mark`: of another installation than this one."""

    def __init__(
        self,
        clusters: Clusters,
        database: Database,
        settings: Settings,
        grace: timedelta,
        mark: str | None,
    ) -> None:
        self._clusters = clusters
        self._database = database
        self._settings = settings
        self._grace = grace
        self._mark = mark

    async def looked(self, login: str | None, removing: Removing | None) -> Sequence[Report | Away]:
        """Those of all accounts, or of this one, by login; one of AWAY where the database is."""
        async with self._database.read(RECONCILER) as connection:
            those = await inventory.bringing(connection, login)
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(whose: Bringing) -> Report | Away:
            async with slots:
                return await self._look(whose, removing)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(whose)) for whose in those]
        return [task.result() for task in tasks]

    async def _look(self, whose: Bringing, removing: Removing | None) -> Report | Away:
        try:
            return await self._into(whose, removing)
        except (ClusterError, KeyRingError) as error:
            return Away(whose, str(error))
        except NONSENSE:
            return Away(whose, str(nonsense()))
        except TimeoutError:
            return Away(whose, f"it has not told all within {_LONGEST:.0f} seconds")
        except AWAY as error:
            return Away(whose, f"the database is away ({error!r})")

    async def _into(self, whose: Bringing, removing: Removing | None) -> Report | Away:
        async with self._database.read(RECONCILER) as connection:
            present = await inspections.present(connection, whose.account_id)
        if present is None or (present.server, present.k8s_namespace) != (
            whose.server,
            whose.namespace,
        ):
            return Away(whose, "it was replaced while we looked")
        cluster = await self._clusters.fresh(present.model, present.id, pages=_PAGES)
        try:
            survey = Survey(cluster, self._database, self._settings, self._mark, whose)
            async with asyncio.timeout(_LONGEST):
                report = Report(await survey.made(), self._grace, whose)
            if removing is not None:
                await _bounded(removing, report, cluster)
        finally:
            await cluster.close()
        return report


def as_json(found: Sequence[Report | Away], *, own: bool) -> dict[str, Any]:
    """For programs: the first cluster, and, if that was asked for, accounts' own beside it."""
    first, *others = [
        {**place(one.whose), "away": one.why} if isinstance(one, Away) else one.json()
        for one in found
    ]
    return {**first, "ownClusters": others} if own else first


def as_text(found: Sequence[Report | Away]) -> str:
    """For a person: each that could be looked into, then the others."""
    away = [one for one in found if isinstance(one, Away)]
    lines = "".join(
        f"Not looked at: {spelled_place(one.whose)}: {plain(one.why)}\n" for one in away
    )
    parts = [one.text() for one in found if isinstance(one, Report)]
    return "\n".join([*parts, lines] if away else parts)


async def _bounded(removing: Removing, report: Report, cluster: Cluster) -> None:
    """What was removed is told, however it ends."""
    assert report.whose is not None
    try:
        async with asyncio.timeout(_LONGEST):
            await removing(report, cluster, report.whose.server)
    except TimeoutError:
        report.refused = f"it took longer than {_LONGEST:.0f} seconds: look again"
    except NONSENSE:
        report.refused = str(nonsense())
