"""Enlarging the disk of a sandbox: its claim is asked for more, and what runs goes on meanwhile.

A workload's template of the claim is immutable and keeps the size that it was made with, so only a
disk that is to be another than that costs a look at its claim. One that is down has no need of it:
it grows when it starts.
"""

from dataclasses import dataclass, replace

from app.db.claims import Claim
from app.domain.quantities import milli
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError
from reconciler.manifests.kinds import CLAIM, Object
from reconciler.manifests.workload import claim_name, claimed
from reconciler.observed.view import View
from reconciler.observed.volume import asks_for, growing
from reconciler.removal import selector


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of the sandbox `name`, and the size that it is wanted to have."""

    namespace: str
    name: str
    size: str


async def grown(cluster: Cluster, claim: Claim, disk: Disk, live: Object, view: View) -> View:
    """`view` of what runs with the disk; it says so while that is smaller than wanted, and where
    the cluster refuses."""
    at_first = claimed(live)
    if at_first is None or milli(at_first.size) == milli(disk.size):
        return view
    name = claim_name(disk.name)
    found = await cluster.list_all(CLAIM, disk.namespace, selector(claim))
    volume = next((one for one in found if one["metadata"]["name"] == name), None)
    if volume is None:
        return view
    try:
        if asks_for(volume) < (milli(disk.size) or 0):
            spec = {"resources": {"requests": {"storage": disk.size}}}
            volume = await cluster.patch(CLAIM, volume, {"spec": spec})
    except ClusterError as error:
        if not error.reason.permanent:
            raise
        culprit = error.object or f"{CLAIM.kind}/{name}"
        return replace(view, reason=error.reason, message=str(error), object=culprit)
    return growing(view, volume, disk.size)
