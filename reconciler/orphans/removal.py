"""Removing orphans: each is looked at again, written down, and deleted as it was seen then.

A row that has come since, an object that is new or has changed: it stays. A resource's objects go
as they do when its row is to be deleted (`reconciler.removal`): pods with their workload, the
rights of a database's pods last. An account's namespace goes once nothing of any resource is in it,
and nothing of somebody else's.
"""

from dataclasses import dataclass

import structlog

from app.db import accounts, inventory
from app.db.audit import Entry
from app.db.sealed import OPERATOR
from app.db.session import Database
from app.domain.viewer import RECONCILER
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.manifests.identity import RESOURCE
from reconciler.manifests.kinds import KINDS, POD, Kind, Object
from reconciler.namespaces import Namespaces
from reconciler.observed.fields import title
from reconciler.orphans import rules
from reconciler.orphans.rules import Orphan
from reconciler.orphans.survey import OURS
from reconciler.removal import LAST

log = structlog.get_logger(__name__)
# A workload's status is written again and again: it is looked at anew, so often.
_TRIES = 5
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of one; `left`: why it, or some of it, is there still."""

    orphan: Orphan
    deleted: tuple[str, ...]
    left: str | None = None


class Removal:
    """Takes orphans of one cluster away; `server`: that of a user's."""

    def __init__(
        self,
        cluster: Cluster,
        database: Database,
        namespaces: Namespaces,
        server: str | None = None,
    ) -> None:
        self._cluster = cluster
        self._database = database
        self._namespaces = namespaces
        self._server = server

    async def remove(self, orphan: Orphan) -> Removed:
        """Have it deleted; ClusterError or one of AWAY where that cannot be."""
        remove = self._namespace if orphan.what == rules.NAMESPACE else self._resource
        removed = await remove(orphan)
        log.info(
            "an orphan is removed" if removed.deleted else "an orphan stays",
            what=orphan.what,
            id=str(orphan.owner.id),
            namespace=orphan.owner.namespace,
            objects=list(removed.deleted),
            left=removed.left,
        )
        return removed

    async def _resource(self, orphan: Orphan) -> Removed:
        if await self._is_known(orphan):
            return Removed(orphan, (), "it has a row by now")
        bodies = await self._present(orphan)
        known = {piece.uid for piece in orphan.pieces if piece.kind is not POD}
        if any(kind is not POD and body["metadata"]["uid"] not in known for kind, body in bodies):
            return Removed(orphan, (), "it has new objects: look again")
        standing = [one for one in bodies if "deletionTimestamp" not in one[1]["metadata"]]
        later = [(kind, body) for kind, body in standing if kind in LAST]
        now = [(kind, body) for kind, body in standing if kind not in LAST and kind is not POD]
        if not now and len(later) == len(bodies):
            now, later = later, []
        names = tuple(title(kind.kind, body) for kind, body in now)
        if not names:
            return Removed(orphan, (), _waiting(bodies))
        await self._write_down(orphan, names)
        done: list[str] = []
        for kind, body in now:
            try:
                await self._delete(kind, body)
            except ClusterError as error:
                return Removed(orphan, tuple(done), f"{title(kind.kind, body)}: {error}")
            done.append(title(kind.kind, body))
        waits = ", ".join(title(kind.kind, body) for kind, body in later)
        return Removed(orphan, names, f"{waits}: once the rest is gone" if waits else None)

    async def _namespace(self, orphan: Orphan) -> Removed:
        name, owner = orphan.name, orphan.owner.id
        async with self._database.read(RECONCILER) as connection:
            known = (await accounts.of_namespaces(connection, [name])).get(name)
        if known is not None:
            return Removed(orphan, (), "it has an account by now")
        for kind in KINDS:
            if await self._cluster.list_all(kind, name, RESOURCE):
                return Removed(orphan, (), "it holds resources: once they are gone")
        if others := await self._namespaces.others(name):
            named = ", ".join(others[:_NAMED])
            return Removed(orphan, (), f"it holds what is not Mooring's: {named}")
        await self._write_down(orphan, (f"Namespace/{name}",))
        if await self._namespaces.remove(owner, name):
            return Removed(orphan, (), "it holds something new: look again")
        return Removed(orphan, (f"Namespace/{name}",))

    async def _is_known(self, orphan: Orphan) -> bool:
        async with self._database.read(RECONCILER) as connection:
            where = await inventory.namespaces_of(connection, [orphan.owner.id])
        return where.get(orphan.owner.id) == orphan.owner.namespace

    async def _present(self, orphan: Orphan) -> list[tuple[Kind, Object]]:
        """What there is of it now, of the kinds of which there was something."""
        owner, selector = orphan.owner, f"{OURS}={orphan.owner.id}"
        found: dict[str, tuple[Kind, Object]] = {}
        for kind in dict.fromkeys(piece.kind for piece in orphan.pieces):
            for body in await self._cluster.list_all(kind, owner.namespace, selector):
                found.setdefault(body["metadata"]["uid"], (kind, body))
        return list(found.values())

    async def _delete(self, kind: Kind, body: Object) -> None:
        """Delete an object that is as it was; of one whose status alone moves, the newest."""
        for attempt in range(_TRIES):
            try:
                await self._cluster.delete(kind, body, exact=True)
            except ClusterError as error:
                if error.meaning is not Meaning.CONFLICT or attempt == _TRIES - 1:
                    raise
                meta = body["metadata"]
                newer = await self._cluster.named(kind, meta["namespace"], meta["name"])
                if newer is None or newer["metadata"]["uid"] != meta["uid"]:
                    return
                if newer.get("spec") != body.get("spec"):
                    raise
                body = newer
            else:
                return

    async def _write_down(self, orphan: Orphan, names: tuple[str, ...]) -> None:
        async with self._database.begin(OPERATOR) as session:
            session.entries.append(
                Entry(
                    "orphan.remove",
                    subject_type=orphan.what,
                    subject_id=orphan.owner.id,
                    subject_name=orphan.name,
                    detail={
                        "namespace": orphan.owner.namespace,
                        "objects": list(names),
                        **({"server": self._server} if self._server else {}),
                    },
                )
            )


def _waiting(bodies: list[tuple[Kind, Object]]) -> str | None:
    """Why nothing of what there is can be deleted now; None when there is nothing."""
    if len(bodies) == len([kind for kind, _ in bodies if kind is POD]) and bodies:
        named = ", ".join(title(kind.kind, body) for kind, body in bodies[:_NAMED])
        return f"{named}: Mooring may not delete pods"
    return "it is being deleted" if bodies else None
