"""Taking away what a resource consists of: gone only when a list over all kinds is empty.

The first pass deletes whatever there is, by what the watch has told of where there is one. As long
as that says that all are leaving, or the first kind that still has something does, nothing else
need be asked: fifteen lists at each event of a deletion would use up the cluster's budget for all.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta

from app.db.claims import Claim
from app.domain.observation import Outcome
from app.domain.states import Phase, ResourceKind
from app.settings import Settings
from reconciler import plan
from reconciler.cluster.client import Cluster
from reconciler.manifests.identity import RESOURCE
from reconciler.manifests.kinds import (
    CLAIM,
    CLUSTER,
    HTTP_ROUTE,
    INGRESS,
    KINDS,
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
# What a sandbox is made of, by us and by controllers; the other kinds are asked for last.
_MADE: dict[ResourceKind, tuple[Kind, ...]] = {
    ResourceKind.SANDBOX: (
        STATEFUL_SET,
        POD,
        CLAIM,
        SERVICE,
        SECRET,
        INGRESS,
        HTTP_ROUTE,
        NETWORK_POLICY,
    )
}
_KEPT = ("name", "namespace", "uid", "resourceVersion", "deletionTimestamp", "finalizers")


async def remove(
    cluster: Cluster,
    claim: Claim,
    namespace: str,
    settings: Settings,
    check: Callable[[], Awaitable[None]],
    *,
    released: bool = False,
) -> Outcome:
    """Delete what there is; `check` is awaited before the first write.

    released: somebody has ordered that what holds a database's objects be taken off.
    """
    known = [] if released else cluster.index.objects(claim.id, namespace)
    if plan.is_leaving(claim, settings):
        if known and cluster.index.is_leaving(claim.id):
            return plan.told(plan.verdict(claim, _blocked(known), settings, None), settings)
        left = await _first(cluster, claim, namespace)
        if not left:
            return _gone(claim)
        if all("deletionTimestamp" in body["metadata"] for _, body in left):
            return plan.verdict(claim, _blocked(left), settings, None)
        known = []
    # When a deletion begins, lists need not find what is known; they find the rest at its end.
    left = [] if plan.is_observed(claim) else known
    left = left or await _all(cluster, claim, namespace)
    if not left:
        return _gone(claim)
    await check()
    others = [(kind, body) for kind, body in left if kind not in LAST]
    # Before they are: the first may be gone before the last is told.
    for kind, body in others or left:
        cluster.index.told(claim.id, kind, body)
    for kind, body in others or left:
        # Pods go with their workload, in its order.
        if kind is not POD and "deletionTimestamp" not in body["metadata"]:
            await cluster.delete(kind, body)
        elif released and kind in _RELEASED:
            await cluster.release(kind, body, foreign(body))
    return plan.verdict(claim, _blocked(left), settings, None)


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


def _gone(claim: Claim) -> Outcome:
    return Outcome(claim.generation, _AGAIN, phase=Phase.GONE, gone=True)


def _blocked(left: list[tuple[Kind, Object]]) -> View:
    return plan.blocked([(kind.kind, body) for kind, body in left])


async def _first(cluster: Cluster, claim: Claim, namespace: str) -> list[tuple[Kind, Object]]:
    for kind in KINDS:
        found = await cluster.list_all(kind, namespace, selector(claim))
        if found:
            return [(kind, body) for body in found]
    return []


async def _all(cluster: Cluster, claim: Claim, namespace: str) -> list[tuple[Kind, Object]]:
    """What there is, as far as one pass gets: of the kinds that it is made of, or of the others."""
    made = _MADE.get(claim.kind, KINDS)
    others = [kind for kind in KINDS if kind not in made]
    found = await _of(made, cluster, claim, namespace)
    return found or await _of(others, cluster, claim, namespace)


async def _of(
    kinds: Sequence[Kind], cluster: Cluster, claim: Claim, namespace: str
) -> list[tuple[Kind, Object]]:
    """Of each object no more than it takes to delete and name it, for a user's cluster may have
    much to say of all kinds."""
    found: list[tuple[Kind, Object]] = []
    for kind in kinds:
        listed = await cluster.list_all(kind, namespace, selector(claim))
        found += [(kind, _named(body)) for body in listed[: _MOST - len(found)]]
        if len(found) == _MOST:
            break
    return found


def _named(body: Object) -> Object:
    meta = body["metadata"]
    policy = part(body, "spec").get("terminationPolicy")
    return {
        "metadata": {key: meta[key] for key in _KEPT if key in meta},
        "spec": {"terminationPolicy": policy} if policy else {},
    }
