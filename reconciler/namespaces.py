"""Accounts' namespaces in the operator's cluster: made before the first resource, kept as settings
say.

A pass that is to make something in one asks `ready` first, which is free for a namespace that this
process has seen. Beside that all of them are looked at every `recheck` seconds, in one list for
each kind: what a setting or somebody's hand has changed is applied anew. One that goes is made
again once it is gone; nothing is ever written into one that somebody else made.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from uuid import UUID
from weakref import WeakValueDictionary

import structlog

from app.db import accounts, installation
from app.db.claims import Claim
from app.db.session import AWAY, Database
from app.domain.states import DesiredState
from app.domain.viewer import RECONCILER
from app.settings import Settings
from reconciler import plan
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.manifests.identity import MANAGED_BY, MANAGER
from reconciler.manifests.kinds import NAMESPACE, Kind, Object, kind_of, title
from reconciler.manifests.namespace import (
    ACCOUNT,
    HELD,
    MADE_OF,
    holds,
    is_left_over,
    is_of,
    objects,
)

log = structlog.get_logger(__name__)

_SELECTOR = f"{MANAGED_BY}={MANAGER},{ACCOUNT}"
# What one namespace is made of, by kind and name.
_Parts = dict[tuple[Kind, str], Object]


class Namespaces:
    """Those of the operator's `cluster`."""

    def __init__(self, cluster: Cluster, database: Database, settings: Settings) -> None:
        self._cluster = cluster
        self._database = database
        self._settings = settings
        # Accounts' namespaces that are there, and others, of which nothing is to be done.
        self._made: set[str] = set()
        self._others: set[str] = set()
        self._mark: UUID | None = None
        self._making = WeakValueDictionary[str, asyncio.Lock]()

    async def ready(self, claim: Claim, check: Callable[[], Awaitable[None]]) -> None:
        """See that the namespace of a row is there before something is made in it; `check` is
        awaited before the first write. ClusterError with CLASH when it is somebody else's.
        """
        name = claim.namespace
        if claim.server is not None or claim.desired_state != DesiredState.RUNNING or name is None:
            return
        async with self._making.setdefault(name, asyncio.Lock()):
            if name in self._made or name in self._others:
                return
            async with self._database.read(RECONCILER) as connection:
                owner = (await accounts.of_namespaces(connection, [name])).get(name)
            if owner is None:
                self._others.add(name)
            else:
                await self._ensure(owner, name, check)

    def is_lost(self, claim: Claim, error: ClusterError) -> bool:
        """Whether it was there and is not, so that `ready` makes it again."""
        if error.meaning not in (Meaning.NAMESPACE, Meaning.NAMESPACE_MISSING):
            return False
        known = claim.namespace in self._made
        self._made.discard(claim.namespace or "")
        return known and error.meaning is Meaning.NAMESPACE_MISSING

    async def remove(self, owner: UUID, name: str) -> list[str] | None:
        """Have an account's namespace deleted, whose resources are gone: None once there is none.

        Else what others have in it, for whose sake it stays, or nothing while it goes.
        """
        live = await self._found(name)
        if live is None or not is_of(live, owner):
            return None
        if "deletionTimestamp" in live["metadata"]:
            return []
        others = await self.others(name)
        if not others:
            self._made.discard(name)
            await self._cluster.delete(NAMESPACE, live)
        return others

    async def others(self, name: str) -> list[str]:
        """What is in a namespace that is not ours, our controllers', or the cluster's own."""
        return [
            f"{kind.kind}/{body['metadata']['name']}"
            for kind in HELD
            for body in await self._cluster.list_all(kind, name, "")
            if not is_left_over(body)
        ]

    async def run(self) -> None:
        """Keep all of them for ever."""
        while True:
            try:
                await self.sweep()
            except ClusterError as error:
                log.warning("accounts' namespaces cannot be looked at", error=str(error))
            except AWAY as error:
                log.warning("accounts' namespaces cannot be looked at", error=repr(error))
            except Exception:
                log.exception("accounts' namespaces cannot be looked at")
            longest = self._settings.recheck
            await asyncio.sleep(longest * random.uniform(0.8, 1.2))  # noqa: S311 - spread

    async def sweep(self) -> None:
        """Look at all of them once."""
        listed = await self._listed("")
        names = [name for name, found in listed.items() if (NAMESPACE, name) in found]
        async with self._database.read(RECONCILER) as connection:
            owners = await accounts.of_namespaces(connection, names)
        made = set[str]()
        for name, owner in owners.items():
            await asyncio.sleep(0)  # with thousands of accounts all else would wait
            body = listed[name][NAMESPACE, name]
            # Another Mooring may have its own in this cluster, and one that goes is left to go.
            if is_of(body, owner) and "deletionTimestamp" not in body["metadata"]:
                try:
                    await self._keep(owner, name, listed[name])
                except ClusterError as error:
                    log.warning("a namespace is not as it should be", name=name, error=str(error))
                else:
                    made.add(name)
        self._made = made

    async def _found(self, name: str) -> Object | None:
        try:
            return await self._cluster.get(NAMESPACE, "", name)
        except ClusterError as error:
            # Whoever has one namespace for all need not see others, nor has made any.
            if error.meaning is Meaning.FORBIDDEN and self._settings.sandbox_namespace is not None:
                return None
            raise

    async def _ensure(self, owner: UUID, name: str, check: Callable[[], Awaitable[None]]) -> None:
        live = await self._cluster.get(NAMESPACE, "", name)
        if live is not None and not is_of(live, owner):
            raise ClusterError(Meaning.CLASH, 409, plan.CLASH, object=title(live))
        if live is not None and "deletionTimestamp" in live["metadata"]:
            said = f"Namespace {name} is being deleted; it is made again once it is gone."
            raise ClusterError(Meaning.NAMESPACE, 0, said, object=f"Namespace/{name}")
        await check()
        # It is known once it is whole: nothing runs where a quota or a policy could not be made.
        found: _Parts = {}
        if live is not None:
            found = {**(await self._listed(name)).get(name, {}), (NAMESPACE, name): live}
        await self._keep(owner, name, found)
        self._made.add(name)

    async def _listed(self, namespace: str) -> dict[str, _Parts]:
        """What there is of accounts' namespaces, by namespace; in a single one, what is in it."""
        found: dict[str, _Parts] = {}
        for kind in MADE_OF if not namespace else MADE_OF[1:]:
            for body in await self._cluster.list_all(kind, namespace, _SELECTOR):
                meta = body["metadata"]
                meta.pop("managedFields", None)  # as large as all the rest
                where = meta["name"] if kind is NAMESPACE else meta["namespace"]
                found.setdefault(where, {})[kind, meta["name"]] = body
        return found

    async def _keep(self, owner: UUID, name: str, found: _Parts) -> None:
        """Make what is not `found` as it should be, the namespace first; one that somebody else
        has made in between is a CONFLICT."""
        if self._mark is None:  # it never changes
            async with self._database.read(RECONCILER) as connection:
                self._mark = await installation.mark(connection)
        wanted = {
            (kind_of(body), body["metadata"]["name"]): body
            for body in objects(owner, name, self._settings, self._mark)
        }
        for key, body in wanted.items():
            live = found.get(key)
            if not _is_as(live, body):
                if live is not None:
                    # The list may be old by now: one that is gone is not for this look to make.
                    body["metadata"]["uid"] = live["metadata"]["uid"]
                await self._cluster.apply(body, new=key[0] is NAMESPACE and live is None)
        for key, body in found.items():
            if key not in wanted:
                await self._cluster.delete(key[0], body)


def _is_as(live: Object | None, wanted: Object) -> bool:
    # Items of a list do not say what they are.
    said = {key: value for key, value in wanted.items() if key not in ("apiVersion", "kind")}
    return live is not None and holds(live, said)
