"""Undoing what somebody else did to the objects of a resource that was whole, and telling it.

Each object is known before it is applied: from the watch, else from one list of its kind. What an
apply then changes is drift; what it leaves is nobody's news: fields that are others', controllers'
defaults, echoes of our own writes. One that carries the mark of another manifest was ours to
change, as when a password is another (docs/decisions/0035). Where no watch tells, what is as it was
written is not applied: reading a kind costs a cluster less than a write of each of its objects.
"""

from collections.abc import Mapping, Sequence

from app.db.claims import Claim
from reconciler import plan
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.cluster.index import Known, mark_of, shape_of
from reconciler.drift import Drift
from reconciler.manifests import parts
from reconciler.manifests.kinds import Kind, Object, kind_of, title
from reconciler.manifests.namespace import holds
from reconciler.removal import selector


class Mending:
    """Applies the objects of a resource that was whole; `read`: those that were, by title."""

    def __init__(
        self, cluster: Cluster, claim: Claim, drift: Drift, read: Mapping[str, Object | None]
    ) -> None:
        self._cluster = cluster
        self._claim = claim
        self._drift = drift
        self._read = read
        self._lists: dict[Kind, Sequence[Object]] = {}

    async def apply(self, body: Object) -> Object:
        """Apply one, if it is not known to be in vain: the object as it is afterwards."""
        told = self._cluster.index.tells(kind_of(body), body["metadata"]["namespace"])
        before, there = self._cluster.index.now(self._claim.id, body) if told else None, None
        read = title(body) in self._read
        if not read and before is not None and before.applied == (before.shape, mark_of(body)):
            return body  # another object is why this pass writes
        # What somebody is just doing may not be heard of yet: then it would look like our undoing.
        if not told or read or (before is not None and before.applied[0]):
            there = await self._there(body)
            before = Known.of(there) if there else None
        if before is None:
            return await self._again(body)
        if told or there is None or not _is_applied(there, body):
            return await self._put(body, before, there)
        return there

    async def _put(self, body: Object, before: Known, there: Object | None) -> Object:
        applied = await self._cluster.apply(body)
        ours = before.mark in ("", mark_of(body))
        held = there is not None and _is_applied(there, body)
        if ours and not held and shape_of(applied) != before.shape:
            self._drift.changed.append(title(body))
        return applied

    async def _again(self, body: Object) -> Object:
        """Somebody else's that has its name by now is never overwritten; one whose label alone
        was taken off is known by its mark."""
        try:
            made = await self._cluster.apply(body, new=True)
        except ClusterError as error:
            kind, meta = kind_of(body), body["metadata"]
            moved = error.meaning is Meaning.CONFLICT
            there = moved and await self._cluster.named(kind, meta["namespace"], meta["name"])
            if not there:
                raise
            if not plan.is_ours(there, self._claim) and mark_of(there) != mark_of(body):
                raise ClusterError(Meaning.CLASH, 409, plan.CLASH, object=title(body)) from error
            return await self._put(body, Known.of(there), there)
        if self._was_made(body):
            self._drift.removed.append(title(body))
        return made

    def _was_made(self, body: Object) -> bool:
        """A setting that is another may want an object that never was."""
        there = [one for one in self._read.values() if one is not None]
        return all(parts.is_known(one, body, complete=True) for one in there)

    async def _there(self, body: Object) -> Object | None:
        """The object itself."""
        if title(body) in self._read:
            return self._read[title(body)]
        kind, meta = kind_of(body), body["metadata"]
        if kind not in self._lists:
            listed = await self._cluster.list_all(kind, meta["namespace"], selector(self._claim))
            self._lists[kind] = listed
        found = (o for o in self._lists[kind] if o["metadata"]["name"] == meta["name"])
        # Items of a list carry neither.
        return next(({"apiVersion": kind.api_version, "kind": kind.kind, **o} for o in found), None)


def _is_applied(there: Object, body: Object) -> bool:
    """Whether applying `body` would change nothing of what is there."""
    return mark_of(there) == mark_of(body) and holds(there, body)
