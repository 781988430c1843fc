"""Asks the API for what explains a view that the pods leave in doubt, and only then."""

from app.db.claims import Claim
from reconciler.cluster.client import Cluster
from reconciler.manifests.kinds import CLAIM
from reconciler.observed.clues import Clues, explained, unbound
from reconciler.observed.fields import text
from reconciler.observed.view import Doubt, Look, View
from reconciler.removal import selector

# Volumes that are asked about; a resource has one or two.
_MOST = 3


async def resolved(cluster: Cluster, claim: Claim, namespace: str, view: View, look: Look) -> View:
    """The view, with what volumes and events tell where it is in doubt."""
    if view.doubt is None:
        return view
    if view.doubt is Doubt.UNSCHEDULED:
        volumes = await cluster.list_all(CLAIM, namespace, selector(claim))
        about = [text(volume, "metadata", "uid") for volume in unbound(volumes)[:_MOST]]
    else:
        volumes, about = [], [view.about]
    events = [event for uid in about for event in await cluster.events(namespace, uid)]
    return explained(view, Clues(volumes, events), look)
