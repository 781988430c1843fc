"""Of which CRDs there may be objects of a resource: written down before the first one is.

A kind that a CRD defines may be hidden, its objects stored all the same: its version is served no
more, or its lists are refused. Whether that matters to the end of a resource is known by what was
ever written for it, whatever the settings or the cluster's releases are by then. Names are those of
CustomResourceDefinitions, as `clusters.apps.kubeblocks.io`, and are never taken away.
"""

from collections.abc import Collection

from sqlalchemy import text

from app.db.claims import Claim
from app.db.rows import Executor
from app.domain.states import ResourceKind

# Of a resource that is older than these notes: of all that its kind may have.
UNKNOWN = "*"

_ADD = {
    kind: text(f"""
UPDATE {kind.lower()} k SET definitions = ARRAY(
  SELECT DISTINCT d FROM unnest(k.definitions || CAST(:names AS text[])) d ORDER BY d)
FROM resource r WHERE k.id = :id AND r.id = k.id
  AND r.lease_token = :token AND r.locked_until > mooring_clock()
RETURNING k.id
""")
    for kind in ResourceKind
}


async def add(executor: Executor, claim: Claim, names: Collection[str]) -> bool:
    """Objects of these may be there from now on; whether the row is still ours."""
    binds = {"id": claim.id, "token": claim.lease_token, "names": sorted(names)}
    found = await executor.execute(_ADD[claim.kind], binds)
    return found.first() is not None
