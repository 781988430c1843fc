"""Which KubeBlocks a cluster has: found by discovery, anew every few seconds.

Whether a Cluster knows `stop` is found by sending it: the CRD itself is cluster-scoped, which a
user's credential may not read, and the server's schemas are megabytes.
"""

from collections.abc import Collection

from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.manifests import kubeblocks_v1, kubeblocks_v1alpha1
from reconciler.manifests.database import Dialect
from reconciler.manifests.kinds import CLUSTER, OLD_CLUSTER, Kind

_MISSING = "KubeBlocks is not installed in this cluster: apps.kubeblocks.io is not served."
_STOP = "componentSpecs.stop"


async def spoken(cluster: Cluster) -> Dialect | None:
    """The dialect to write; None without KubeBlocks. Who may not ask takes it to be the newest."""
    try:
        served: Collection[str] = await cluster.versions(CLUSTER.group)
    except ClusterError as error:
        if error.meaning is not Meaning.FORBIDDEN:
            raise
        served = (CLUSTER.version,)
    if CLUSTER.version in served:
        return kubeblocks_v1
    old = kubeblocks_v1alpha1.CLUSTER.version in served
    return kubeblocks_v1alpha1 if old else None


async def writes(cluster: Cluster, kind: Kind) -> bool:
    """Whether objects of this kind are ours to follow: a Cluster's of the dialect alone, for the
    others are the same ones in another version."""
    if kind not in (CLUSTER, OLD_CLUSTER):
        return True
    dialect = await spoken(cluster)
    return dialect is None or kind == dialect.CLUSTER


def missing() -> ClusterError:
    """What is told where there is no KubeBlocks."""
    return ClusterError(Meaning.OPERATOR_MISSING, 404, _MISSING)


def knows_stop(cluster: Cluster) -> bool:
    """Whether a Cluster is told by its `stop`, as far as is known."""
    return not cluster.remembers(_STOP)


def refuses_stop(cluster: Cluster, error: ClusterError) -> bool:
    """Whether a refusal says that a Cluster has no `stop`, which is remembered."""
    told = ".stop: field not declared in schema" in str(error)
    if told:
        cluster.remember(_STOP)
    return told
