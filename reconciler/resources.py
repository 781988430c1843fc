"""One pass over a claimed resource, whatever its kind: the right reconciler, and what stops it.

What `reconcile` gives is the outcome to be recorded; refusals of the cluster are outcomes too.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from app.db import claims, resources
from app.db.claims import Claim
from app.db.session import Database
from app.domain.observation import SOON, Outcome
from app.domain.states import ResourceKind
from app.domain.viewer import RECONCILER
from app.settings import Settings
from reconciler import plan
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.clusters import Clusters
from reconciler.drift import Drift
from reconciler.manifests.kinds import Object, kind_of, title
from reconciler.namespaces import Namespaces

# An object or a list that moved under a pass: it reads again and writes again, so often at once.
_AT_ONCE = 5
_MOVED = frozenset({Meaning.CONFLICT, Meaning.EXPIRED})


# Reconciles rows of one kind, once it is told in which cluster.
Reconciling = Callable[[Cluster], Callable[[Claim, Drift], Awaitable[Outcome]]]


class Superseded(Exception):  # noqa: N818 - no error: somebody else has the row, or wants more
    """The row is another's or gone, or its generation has moved on: write nothing."""


async def check_lease(database: Database, claim: Claim) -> None:
    """Superseded unless the row is still ours and wants the same: read before the first write."""
    async with database.read(RECONCILER) as connection:
        if not await claims.still_current(connection, claim):
            raise Superseded


async def make(cluster: Cluster, claim: Claim, body: Object) -> Object:
    """Apply an object that is not there yet, as far as one knows: the object as it is afterwards.

    Somebody else's of its name is never overwritten: ClusterError with CLASH.
    """
    try:
        return await cluster.apply(body, new=True)
    except ClusterError as error:
        meta = body["metadata"]
        moved = error.meaning is Meaning.CONFLICT
        there = moved and await cluster.named(kind_of(body), meta["namespace"], meta["name"])
        if not there:
            raise
    if not plan.is_ours(there, claim):
        raise ClusterError(Meaning.CLASH, 409, plan.CLASH, object=title(body))
    return await cluster.apply(body)


class Resources:
    """Reconciles each kind by its own, in the cluster that the row is in."""

    def __init__(
        self,
        kinds: Mapping[ResourceKind, Reconciling],
        clusters: Clusters,
        namespaces: Namespaces,
        database: Database,
        settings: Settings,
    ) -> None:
        self._kinds = kinds
        self._clusters = clusters
        self._namespaces = namespaces
        self._database = database
        self._settings = settings

    async def reconcile(self, claim: Claim) -> Outcome | None:
        """One pass; None: the row is another's by now, or wants something else."""
        drift = Drift()
        try:
            async with self._clusters.of(claim) as cluster:
                outcome = await self._insist(cluster, claim, drift)
            if claim.server is not None and outcome.after > SOON:
                outcome = await self._unwatched(claim, drift.told(outcome))
        except ClusterError as error:
            outcome = plan.refused(claim, error, self._settings)
        except Superseded:
            return None
        return drift.told(outcome)

    async def _unwatched(self, claim: Claim, outcome: Outcome) -> Outcome:
        async with self._database.read(RECONCILER) as connection:
            moving = await resources.moving(connection, claim.account_id, claim.id)
        return plan.unwatched(claim, outcome, self._settings, moving=moving)

    async def _insist(self, cluster: Cluster, claim: Claim, drift: Drift) -> Outcome:
        for _ in range(_AT_ONCE):
            try:
                return await self._once(cluster, claim, drift)
            except ClusterError as error:
                if error.meaning not in _MOVED and not self._namespaces.is_lost(claim, error):
                    raise
        return await self._once(cluster, claim, drift)

    async def _once(self, cluster: Cluster, claim: Claim, drift: Drift) -> Outcome:
        check = partial(check_lease, self._database, claim)
        await self._namespaces.ready(claim, check)
        return await self._kinds[claim.kind](cluster)(claim, drift)
