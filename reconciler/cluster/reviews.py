"""What a cluster says about the credential that asks: who it is, and what it may do."""

from collections.abc import Sequence

from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.manifests.kinds import Object
from reconciler.manifests.permissions import MOST_RULES, Need, missing

_WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
_ACCESS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
# Characters of a name that are kept.
_NAME = 253


async def who(cluster: Cluster) -> str | None:
    """The user behind the credential; None where the cluster does not say (before 1.28)."""
    try:
        said = await cluster.review(_WHO)
    except ClusterError as error:
        if error.meaning in (Meaning.NOT_FOUND, Meaning.NOT_SERVED, Meaning.FORBIDDEN):
            return None
        raise
    return str(said["status"]["userInfo"]["username"])[:_NAME]


async def lacking(cluster: Cluster, namespace: str, needs: Sequence[Need]) -> list[Need]:
    """Which of these the credential may not do in a namespace.

    The rules are all there is with RBAC; where another authorizer cannot list its own, which they
    say, or where there are too many, it is asked about each that is not among them.
    """
    served = {kind: await cluster.serves(kind) for kind in dict.fromkeys(n.kind for n in needs)}
    wanted = [need for need in needs if served[need.kind]]
    status = (await cluster.review(_RULES, {"namespace": namespace}))["status"]
    rules = status.get("resourceRules") or []
    left = missing(wanted, rules)
    if not status.get("incomplete") and len(rules) <= MOST_RULES:
        return left
    return [need for need in left if not await _may(cluster, namespace, need)]


async def _may(cluster: Cluster, namespace: str, need: Need) -> bool:
    asked: Object = {
        "namespace": namespace,
        "verb": need.verb,
        "group": need.kind.group,
        "resource": need.kind.plural,
    }
    said = await cluster.review(_ACCESS, {"resourceAttributes": asked})
    return bool(said["status"].get("allowed"))
