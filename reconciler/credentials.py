"""Looking at users' kubeconfigs: who is it, what may it not do; the answer goes to its setting.

A loop of its own beside that of resources, so that neither waits for the other: claims what is due,
looks (resolve, judge, connect, ask), records. Every look is shorter than its lease, so none is
renewed; one that is cut short by the end of the process is given back, for whoever claims it next.
What its worker may die of is begun by the other loop, once nothing is under way in either.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import structlog

from app.db import inspections
from app.db.claims import CRASHES
from app.db.inspections import Finding, Inspection
from app.db.session import AWAY, Database
from app.domain.observation import MOST_WORDS
from app.domain.reasons import Reason
from app.domain.settings import CredentialState
from app.domain.viewer import RECONCILER
from app.settings import Settings
from reconciler import crashes, dialects
from reconciler.cluster import reviews
from reconciler.cluster.answers import nonsense
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.clusters import NONSENSE, Clusters
from reconciler.manifests import kubeblocks_v1alpha1
from reconciler.manifests.permissions import Need, needed, older

log = structlog.get_logger(__name__)

# Looks at once, each of which waits for somebody else's server: at those that answered last time or
# are new, and at those that did not, which so take no time of the others.
_SLOTS, _AGAIN = 16, 8
# What is tried again soon, for the credential itself may be good.
_PASSING = frozenset(
    {
        Meaning.UNAVAILABLE,
        Meaning.NONSENSE,
        Meaning.THROTTLED,
        Meaning.EXPIRED,
        Meaning.CONFLICT,
    }
)
_NAMED = 10


class Credentials:
    """Claims kubeconfigs that are due and looks at each; `wake` is told when rows became due."""

    def __init__(
        self,
        database: Database,
        clusters: Clusters,
        settings: Settings,
        worker: str,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._clusters = clusters
        self._settings = settings
        self._worker = worker
        self._wake_rows = wake
        self._woken = asyncio.Event()
        self._looks: dict[UUID, Inspection] = {}
        self._claiming = False
        # Looks that have ended, of which Postgres could not be told.
        self._untold: list[Inspection] = []
        self._group: asyncio.TaskGroup | None = None
        self.held_back = False

    @property
    def under_way(self) -> int:
        """How many looks there are, or are about to be."""
        return len(self._looks) + self._claiming

    def wake(self) -> None:
        """Look for due credentials now."""
        self._woken.set()

    async def run(self) -> None:
        """Work for ever."""
        try:
            async with asyncio.TaskGroup() as self._group:
                while True:
                    self._woken.clear()
                    await self._claim()
                    longest = self._settings.poll * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
                    with suppress(TimeoutError):
                        async with asyncio.timeout(longest):
                            await self._woken.wait()
        except asyncio.CancelledError:
            self._untold += self._looks.values()
            with suppress(*AWAY, TimeoutError):
                async with asyncio.timeout(self._settings.lease_margin):
                    await self._forgive()
            raise

    async def take_suspect(self) -> bool:
        """Begin a look at one that is due and may end this process, beside which there is nothing
        else; whether there was one."""
        if self._group is None:
            return False
        async with self._database.autocommit(RECONCILER) as connection:
            lease = timedelta(seconds=self._settings.lease)
            found = await inspections.claim_suspect(connection, lease=lease, worker=self._worker)
        self._begin([found] if found else [])
        return found is not None

    async def _claim(self) -> None:
        silent = sum(looked.silent for looked in self._looks.values())
        slots, again = _SLOTS - (len(self._looks) - silent), _AGAIN - silent
        if self.held_back or not (slots or again):
            return
        self._claiming = True
        try:
            await self._forgive()
            async with self._database.autocommit(RECONCILER) as connection:
                lease = timedelta(seconds=self._settings.lease)
                due = await inspections.claim(
                    connection, slots=slots, again=again, lease=lease, worker=self._worker
                )
            self._begin(due)
        except AWAY as error:
            log.warning("credentials cannot be claimed", error=repr(error))
        finally:
            self._claiming = False

    async def _forgive(self) -> None:
        """Tell of looks that came to no end for want of Postgres, or of time, that they ended no
        worker."""
        while self._untold:
            async with self._database.autocommit(RECONCILER) as connection:
                await inspections.release(connection, self._untold[-1])
            self._untold.pop()

    def _begin(self, due: Sequence[Inspection]) -> None:
        assert self._group is not None
        for looked in due:
            self._looks[looked.lease_token] = looked
            self._group.create_task(self._look(looked))

    async def _look(self, looked: Inspection) -> None:
        finding = await self._found(looked)
        try:
            async with self._database.begin(RECONCILER) as session:
                await inspections.record(session, looked, finding)
        except AWAY:
            self._untold.append(looked)
        del self._looks[looked.lease_token]
        self._wake_rows()
        self.wake()

    async def _found(self, looked: Inspection) -> Finding:
        if looked.crashes >= CRASHES:
            return self._crashed(looked)
        longest = min(
            self._settings.pass_timeout, self._settings.lease - self._settings.lease_margin
        )
        try:
            async with asyncio.timeout(longest):
                return await self.inspect(looked)
        except TimeoutError:
            return self._later(looked, Reason.CLUSTER_UNAVAILABLE, "The cluster took too long.")
        except Exception:
            log.exception("a look at a credential failed", credential=str(looked.id))
            return self._later(looked, Reason.INTERNAL, "Mooring failed here; it tries again.")

    async def inspect(self, looked: Inspection) -> Finding:
        """What there is to be known of a credential; it never raises for what a cluster does."""
        try:
            cluster = await self._clusters.fresh(looked.model, looked.id)
            try:
                return await self._asked(cluster, looked)
            finally:
                await cluster.close()
        except ClusterError as error:
            return self._refused(looked, error)
        except NONSENSE as error:
            kind = type(error).__name__  # its words may be the cluster's
            log.warning("a user's cluster answers nonsense", credential=str(looked.id), error=kind)
            return self._refused(looked, nonsense())

    async def _asked(self, cluster: Cluster, looked: Inspection) -> Finding:
        namespace = looked.k8s_namespace
        user = await reviews.who(cluster)
        if not await cluster.has_namespace(namespace):
            said = f"There is no namespace {namespace} in the cluster."
            return self._known(CredentialState.REFUSED, user, Reason.NAMESPACE_MISSING, said)
        needs = needed(self._settings, own=True)
        if await dialects.spoken(cluster) is kubeblocks_v1alpha1:
            needs += older()
        lacking = await reviews.lacking(cluster, namespace, needs)
        if lacking:
            said = _named(lacking, namespace)
            return self._known(
                CredentialState.REFUSED, user, Reason.PERMISSION_MISSING, said, lacking
            )
        await self._clusters.works(looked.account_id)
        return self._known(CredentialState.READY, user)

    def _known(
        self,
        state: CredentialState,
        user: str | None,
        reason: Reason | None = None,
        message: str | None = None,
        lacking: list[Need] | None = None,
    ) -> Finding:
        return Finding(
            after=_spread(self._settings.kubeconfig_recheck),
            state=state,
            reason=reason,
            message=message,
            username=user,
            missing=[str(need) for need in lacking or ()],
        )

    def _refused(self, looked: Inspection, error: ClusterError) -> Finding:
        """A cluster that cannot be asked says nothing about the credential; any other no is one."""
        if error.meaning in _PASSING:
            return self._later(looked, error.reason, str(error))
        words = str(error)[:MOST_WORDS]
        return self._known(CredentialState.REFUSED, None, error.reason, words)

    def _crashed(self, looked: Inspection) -> Finding:
        """In place of a look that would end this worker too, as it did the last ones."""
        log.error(
            "a kubeconfig ended its workers", credential=str(looked.id), last=looked.last_worker
        )
        again = looked.reason == Reason.WORKER_CRASHED
        attempts = looked.attempts + 1 if again else 1
        rest = crashes.rest(attempts, looked.last_worker, self._settings)
        return Finding(
            after=rest.after,
            state=None,
            reason=Reason.WORKER_CRASHED,
            message=rest.message,
            attempts=attempts,
            held=rest.held,
        )

    def _later(self, looked: Inspection, reason: Reason, message: str) -> Finding:
        """Nothing is known yet: tried again with backoff and full jitter, for ever."""
        longest = min(self._settings.retry_longest, 2.0 ** min(looked.attempts + 1, 8))
        return Finding(
            after=timedelta(seconds=random.uniform(0.1, longest)),  # noqa: S311 - jitter
            state=None,
            reason=reason,
            message=message[:MOST_WORDS],
            attempts=looked.attempts + 1,
        )


def _named(lacking: list[Need], namespace: str) -> str:
    shown = ", ".join(map(str, lacking[:_NAMED]))
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    return f"It may not do in namespace {namespace}: {shown}{more}."


def _spread(seconds: float) -> timedelta:
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spread
