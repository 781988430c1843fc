"""Kinds that CRDs define: of which of them a row may have objects, and whether they can be seen.

The objects of a CRD are the same ones in each of its versions, so one that is served tells of all.
Where none is, they are gone only if the CRD is: one whose versions were turned off keeps what is
stored, out of everybody's sight, until it is served again. So "not served" counts as none for what
was never written for a row, and where the CRD is known to be gone; else the row stays, and says
whose turn it is. A kind whose lists alone are refused is no reason to leave the others standing.
"""

from collections.abc import Collection, Iterable
from typing import Final

from app.db import definitions
from app.db.claims import Claim
from app.db.session import Database
from app.domain.states import ResourceKind
from app.domain.viewer import RECONCILER
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.manifests.kinds import (
    BUILT_IN,
    CLUSTER,
    HTTP_ROUTE,
    OLD_CLUSTER,
    OLD_OPS_REQUEST,
    Kind,
    Object,
)

# The versions that are written, the newest first.
_VERSIONS: Final = {
    HTTP_ROUTE.definition: (HTTP_ROUTE,),
    CLUSTER.definition: (CLUSTER, OLD_CLUSTER),
    OLD_OPS_REQUEST.definition: (OLD_OPS_REQUEST,),
}
_OF: Final = {
    ResourceKind.SANDBOX: frozenset({HTTP_ROUTE.definition}),
    ResourceKind.DATABASE: frozenset({CLUSTER.definition, OLD_OPS_REQUEST.definition}),
}
# What one kind may answer while others are listed as ever: 429 while its storage is made ready, as
# after a change of its CRD.
_OF_ONE_KIND = frozenset({Meaning.UNAVAILABLE, Meaning.FORBIDDEN, Meaning.THROTTLED})
UNSEEN: Final = _OF_ONE_KIND | {Meaning.NOT_SERVED}
_TURNED_OFF = (
    "whoever operates the cluster has to serve {} again, or to remove the CustomResourceDefinition"
    " with all that is stored."
)
_NOBODY_KNOWS = (
    "whoever operates the cluster has to serve it again or, if it was removed with all that was"
    " stored, to let Mooring get the CustomResourceDefinition. A database is given up with"
    " `releaseDatabase`."
)
_Found = list[tuple[Kind, Object]]


async def noted(
    database: Database,
    cluster: Cluster,
    claim: Claim,
    known: Collection[str],
    kinds: Iterable[Kind],
) -> bool:
    """Have it written down that there may be objects of these kinds of a row, before there are;
    whether the row is still ours. What is not served nobody can write."""
    others = {kind for kind in kinds if kind not in BUILT_IN and kind.definition not in known}
    new = {kind.definition for kind in others if await cluster.serves(kind)}
    if not new:
        return True
    async with database.autocommit(RECONCILER) as connection:
        return await definitions.add(connection, claim, new)


def possible(claim: Claim, known: Collection[str]) -> list[str]:
    """Those of which there may be objects of a row; `known` is what was written down of it."""
    own = _OF[claim.kind]
    return sorted(own if definitions.UNKNOWN in known else own.intersection(known))


async def listed(
    cluster: Cluster, name: str, known: Collection[str], namespace: str, selector: str
) -> _Found:
    """What there is of a CRD's objects; ClusterError, which names it, where that cannot be told."""
    refused: ClusterError | None = None
    for kind in _VERSIONS[name]:
        try:
            found = await cluster.listed(kind, namespace, selector)
        except ClusterError as error:
            if error.meaning not in _OF_ONE_KIND:
                raise
            refused = refused or _unseen(kind, error)
            continue
        if found is not None:
            return [(kind, body) for body in found]
    refused = refused or await concealed(cluster, name, known)
    if refused is not None:
        raise refused
    return []


async def concealed(cluster: Cluster, name: str, known: Collection[str]) -> ClusterError | None:
    """What is to be told where no version of a CRD is served and objects of it may be stored all
    the same; None where there are none. `known`: what was ever written for the row."""
    defined = await cluster.defines(name)
    if defined is None:
        return _hidden(name, _NOBODY_KNOWS) if name in known else None
    versions = " or ".join(kind.version for kind in _VERSIONS[name])
    return _hidden(name, _TURNED_OFF.format(versions)) if defined else None


def _hidden(name: str, turn: str) -> ClusterError:
    said = f"What there is of {name} cannot be seen, for no version of it is served: {turn}"
    culprit = f"CustomResourceDefinition/{name}"
    return ClusterError(Meaning.NOT_SERVED, 404, said, object=culprit, reading=True)


def _unseen(kind: Kind, error: ClusterError) -> ClusterError:
    answer = f"HTTP {error.status}" if error.status else "nothing"
    said = (
        f"Whether there is any of {kind.definition} left cannot be seen: the cluster answers"
        f" {answer} to a list of {kind.api_version} ({error})."
    )
    return ClusterError(
        error.meaning,
        error.status,
        said,
        object=error.object,
        reading=True,
        retry_after=error.retry_after,
    )
