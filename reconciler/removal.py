"""Taking away what a resource consists of: gone only when a list over all kinds is empty.

All kinds are those that each API server has, and of those that CRDs define the ones of which
something was ever written for it. One of these that cannot be seen keeps no other from going, but
the row from being gone.

The first pass deletes whatever there is, by what the watch has told of where there is one. As long
as that says that all are leaving, or the first kind that still has something does, nothing else
need be asked: fifteen lists at each event of a deletion would use up the cluster's budget for all.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice

from app.db.claims import Claim
from app.domain.observation import Outcome
from app.domain.states import Phase, ResourceKind
from app.settings import Settings
from reconciler import definitions, plan
from reconciler.cluster.answers import nonsense
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.manifests.identity import RESOURCE
from reconciler.manifests.kinds import (
    BUILT_IN,
    CLAIM,
    CLUSTER,
    INGRESS,
    NETWORK_POLICY,
    OLD_CLUSTER,
    OLD_OPS_REQUEST,
    POD,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    Kind,
    Object,
    title,
)
from reconciler.observed.fields import part
from reconciler.observed.view import View, foreign

_AGAIN = timedelta(seconds=1)
# Objects that one pass deletes; a resource has some ten.
_MOST = 200
# What a database's pods may do, they may until their end.
LAST = frozenset({SERVICE_ACCOUNT, ROLE, ROLE_BINDING})
# Those that a database's operator holds.
_RELEASED = frozenset({CLUSTER, OLD_CLUSTER, OLD_OPS_REQUEST})
# What each is made of, by us and by controllers, beside what CRDs define; the other kinds are asked
# for last.
_MADE: dict[ResourceKind, tuple[Kind, ...]] = {
    ResourceKind.SANDBOX: (
        STATEFUL_SET,
        POD,
        CLAIM,
        SERVICE,
        SECRET,
        INGRESS,
        NETWORK_POLICY,
    ),
    ResourceKind.DATABASE: (SERVICE_ACCOUNT, ROLE, ROLE_BINDING),
}
# What a list has told of better: who may not see a kind is told so before whether it is served.
_LISTED = frozenset({Meaning.NOT_SERVED, Meaning.FORBIDDEN})
_WORKLOADS = frozenset({STATEFUL_SET, CLUSTER, OLD_CLUSTER})
_KEPT = ("name", "namespace", "uid", "resourceVersion", "deletionTimestamp", "finalizers")


@dataclass
class _Left:
    """What there is of a resource, and why not all of it can be seen."""

    objects: list[tuple[Kind, Object]] = field(default_factory=list)
    unseen: ClusterError | None = None

    def add(self, found: Iterable[tuple[Kind, Object]]) -> None:
        """Of each no more than it takes to delete and name it, for a user's cluster may have much
        to say of all kinds."""
        room = _MOST - len(self.objects)
        self.objects += [(kind, _named(body)) for kind, body in islice(found, room)]


async def remove(
    cluster: Cluster,
    claim: Claim,
    namespace: str,
    settings: Settings,
    check: Callable[[], Awaitable[None]],
    *,
    name: str,
    noted: Collection[str],
    released: bool = False,
) -> Outcome:
    """Delete what there is; `check` is awaited before the first write.

    name: that of its workload. noted: of which CRDs something was ever written for it. released:
    somebody has ordered that what holds a database's objects be taken off.
    """
    known = [] if released else cluster.index.objects(claim.id, namespace)
    removal = _Removal(cluster, claim, namespace, name, noted)
    if plan.is_leaving(claim, settings):
        if known and cluster.index.is_leaving(claim.id):
            return plan.told(plan.verdict(claim, _blocked(known), settings, None), settings)
        left = await removal.first()
        if not left.objects:
            return _ended(claim, left, settings)
        if all("deletionTimestamp" in body["metadata"] for _, body in left.objects):
            return plan.verdict(claim, _blocked(left.objects), settings, None)
        known = []
    # When a deletion begins, lists need not find what is known; they find the rest at its end.
    left = _Left([] if plan.is_observed(claim) else known)
    if not left.objects:
        left = await removal.all()
    others = [(kind, body) for kind, body in left.objects if kind not in LAST]
    # What the rights are for may be what cannot be seen.
    going = others or ([] if left.unseen else left.objects)
    if not going:
        return _ended(claim, left, settings)
    await check()
    # Before they are: the first may be gone before the last is told.
    for kind, body in going:
        cluster.index.told(claim.id, kind, body)
    for kind, body in going:
        # Pods go with their workload, in its order.
        if kind is not POD and "deletionTimestamp" not in body["metadata"]:
            await cluster.delete(kind, body)
        elif released and kind in _RELEASED:
            await cluster.release(kind, body, foreign(body))
    return plan.verdict(claim, _blocked(left.objects), settings, None)


async def take_away(
    cluster: Cluster, claim: Claim, namespace: str, kinds: Iterable[Kind], wanted: Iterable[Object]
) -> None:
    """Delete what there is of a resource of these kinds and is not among `wanted`."""
    kept = {title(body) for body in wanted}
    for kind in kinds:
        for body in await cluster.list_all(kind, namespace, selector(claim)):
            if title({"kind": kind.kind, **body}) not in kept:
                await cluster.delete(kind, body)


def selector(claim: Claim) -> str:
    """What selects the objects of a resource."""
    return f"{RESOURCE}={claim.id}"


def _ended(claim: Claim, left: _Left, settings: Settings) -> Outcome:
    """Nothing is left that can be deleted: of what cannot be seen, it is said why."""
    if left.unseen is not None:
        return plan.refused(claim, left.unseen, settings)
    return Outcome(claim.generation, _AGAIN, phase=Phase.GONE, gone=True)


def _blocked(left: list[tuple[Kind, Object]]) -> View:
    return plan.blocked([(kind.kind, body) for kind, body in left])


class _Removal:
    """Finds what there is of one resource."""

    def __init__(
        self, cluster: Cluster, claim: Claim, namespace: str, name: str, noted: Collection[str]
    ) -> None:
        self._cluster = cluster
        self._claim = claim
        self._namespace = namespace
        self._name = name
        self._noted = noted

    async def first(self) -> _Left:
        """What there is of the first kind of which there is something."""
        left = _Left()
        # A database is its Cluster, which goes last.
        defined_first = self._claim.kind == ResourceKind.DATABASE
        if defined_first:
            await self._add_defined(left)
        for kind in BUILT_IN:
            if not left.objects:
                await self._add_built_in(left, [kind])
        if not left.objects and not defined_first:
            await self._add_defined(left)
        if not left.objects:
            await self._add_workload(left)
        return left

    async def all(self) -> _Left:
        """What there is, as far as one pass gets: of the kinds that it is made of, or of the
        others."""
        made, left = _MADE[self._claim.kind], _Left()
        await self._add_built_in(left, made)
        await self._add_defined(left)
        if not any(kind in _WORKLOADS for kind, _ in left.objects):
            await self._add_workload(left)
        if not left.objects:
            await self._add_built_in(left, [kind for kind in BUILT_IN if kind not in made])
        return left

    async def _add_workload(self, left: _Left) -> None:
        """That of its name: no list finds one whose label somebody took off."""
        if self._claim.kind == ResourceKind.SANDBOX:
            kinds: tuple[Kind, ...] = (STATEFUL_SET,)
        else:
            possible = definitions.possible(self._claim, self._noted)
            kinds = (CLUSTER, OLD_CLUSTER) if CLUSTER.definition in possible else ()
        refused: ClusterError | None = None
        for kind in kinds:
            try:
                found = await self._cluster.get(kind, self._namespace, self._name)
            except ClusterError as error:
                if kind in BUILT_IN or error.meaning not in definitions.UNSEEN:
                    raise
                refused = refused or (None if error.meaning in _LISTED else error)
                continue
            if found is not None and plan.is_ours(found, self._claim):
                left.add([(kind, found)])
            return
        left.unseen = left.unseen or refused

    async def _add_built_in(self, left: _Left, kinds: Iterable[Kind]) -> None:
        for kind in kinds:
            listed = await self._cluster.listed(kind, self._namespace, selector(self._claim))
            if listed is None and kind in _MADE[self._claim.kind]:
                raise nonsense(f"What answers does not know {kind.kind}: it is no API server.")
            left.add((kind, body) for body in listed or ())

    async def _add_defined(self, left: _Left) -> None:
        where = self._namespace, selector(self._claim)
        for name in definitions.possible(self._claim, self._noted):
            try:
                left.add(await definitions.listed(self._cluster, name, self._noted, *where))
            except ClusterError as error:
                if error.meaning not in definitions.UNSEEN:
                    raise
                left.unseen = left.unseen or error
                if not error.status:
                    return  # the next one may be as silent, and a pass has its time


def _named(body: Object) -> Object:
    meta = body["metadata"]
    policy = part(body, "spec").get("terminationPolicy")
    return {
        "metadata": {key: meta[key] for key in _KEPT if key in meta},
        "spec": {"terminationPolicy": policy} if policy else {},
    }
