"""Cluster events as wake-ups: each asks for a look at the owner of its object, and nothing else.

List and watch of our own: kubernetes_asyncio's reconnects without backoff and raises on 410. What
an event says is never shown: it goes to the cluster's index, which knows the echoes of our own
writes and saves looks that would find nothing new. A lost one costs time, not truth: all there is
of each kind is listed every few minutes beside its watch, one list in place of a look at each.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import UUID

import structlog

from app.db import resources
from app.db.session import AWAY, Database
from app.domain.states import Lane
from app.domain.viewer import RECONCILER
from reconciler import dialects, metrics
from reconciler.cluster.accounts import Accounts
from reconciler.cluster.budget import TURN, Turn
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.cluster.index import Index
from reconciler.cluster.listing import Listing
from reconciler.manifests.identity import MANAGED_BY, MANAGER, RESOURCE
from reconciler.manifests.kinds import CLUSTER, OLD_CLUSTER, Kind, Object

log = structlog.get_logger(__name__)
# Between two questions: the first event of a burst does not wait, the others share the second.
_GATHER = 0.02
# Until a kind that a CRD defines is looked for again, in seconds.
_NOT_SERVED = 60.0
# A watch that ends sooner, in seconds, is none that may be begun again at once.
_LASTED = 5.0
# The policies of accounts, of which there may be ten thousands, are nobody's here.
_SELECTOR = f"{MANAGED_BY}={MANAGER},{RESOURCE}"


class _Pages(Protocol):
    """All there is, a page at a time; `told`: who is to be looked at, also if it breaks."""

    told: set[UUID]

    def page(self, bodies: Iterable[Object]) -> None:
        """Some of it."""

    def end(self) -> set[UUID]:
        """That was all; who is to be looked at."""


class _Followed(Protocol):
    """What a watch is of, and who hears it; `bare`: of each object only its metadata is read."""

    kind: Kind
    selector: str
    bare: bool

    def listing(self) -> _Pages:
        """All there is from now on."""

    def saw(self, body: Object, *, gone: bool) -> UUID | None:
        """An event; who is to be looked at."""

    def heard(self) -> None:
        """The watch is alive."""

    def lost(self) -> None:
        """It is broken."""


class _Ours:
    """Our objects of a kind, for the index."""

    selector = _SELECTOR
    bare = False

    def __init__(self, index: Index, kind: Kind) -> None:
        self._index = index
        self.kind = kind

    def listing(self, *, meanwhile: bool = False) -> Listing:
        return Listing(self._index, self.kind, meanwhile=meanwhile)

    def saw(self, body: Object, *, gone: bool) -> UUID | None:
        return self._index.saw(self.kind, body, gone=gone)

    def heard(self) -> None:
        self._index.heard(self.kind)

    def lost(self) -> None:
        self._index.lost(self.kind)


class Watch:
    """Watches `kinds` of our objects in one namespace; "": in all of the cluster; and where there
    are databases among them, the accounts that their operator keeps.

    `compared`: seconds in which each kind is listed once beside its watch.
    """

    def __init__(
        self,
        database: Database,
        cluster: Cluster,
        namespace: str,
        wake: Callable[[], None],
        compared: float = 300.0,
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._namespace = namespace
        cluster.index.covers(namespace)
        self._wake = wake
        self._compared = compared
        self._seen: set[UUID] = set()
        self._something = asyncio.Event()

    async def run(self, kinds: tuple[Kind, ...]) -> None:
        """Watch for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.ask())
            index = self._cluster.index
            for kind in kinds:
                group.create_task(self._follow(_Ours(index, kind)))
            if {CLUSTER, OLD_CLUSTER} & set(kinds):
                group.create_task(self._follow(Accounts(index)))
            group.create_task(self.compare(kinds))

    async def _follow(self, followed: _Followed) -> None:
        kind, since, failures, first = followed.kind, "", 0, True
        while True:
            try:
                if not await dialects.writes(self._cluster, kind):
                    self._cluster.index.forget(kind)
                    since = ""
                    await asyncio.sleep(_NOT_SERVED * random.uniform(0.8, 1.2))  # noqa: S311
                    continue
                if not since:
                    since = await self._begin(followed, tells=not first)
                    first = False
                begun = asyncio.get_running_loop().time()
                since = await self._events(followed, since)
                lasted = asyncio.get_running_loop().time() - begun > _LASTED
                metrics.WATCHES.labels(kind.plural, "ended" if lasted else "cut").inc()
                if lasted:
                    failures = 0
                    continue
                failures += 1
            except ClusterError as error:
                followed.lost()
                metrics.WATCHES.labels(kind.plural, error.meaning.value).inc()
                # What cannot be understood would come again.
                if error.meaning in (Meaning.EXPIRED, Meaning.NONSENSE):
                    since = ""
                if error.meaning == Meaning.NOT_SERVED:
                    log.info("a kind is not served", kind=kind.kind)
                    await asyncio.sleep(_NOT_SERVED * random.uniform(0.8, 1.2))  # noqa: S311
                    continue
                failures += 1
                log.warning("a watch ended", kind=kind.kind, error=str(error))
            longest = min(30.0, 0.2 * 2 ** min(failures, 8))
            await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - jitter

    async def _begin(self, followed: _Followed, *, tells: bool) -> str:
        """List all there is; the version to watch from. `tells`: it stands for missed events, as
        one does not that comes first, for all rows were due when we started."""
        listing = followed.listing()
        try:
            since = await self._list(listing, followed, bare=followed.bare)
            listing.end()
        finally:
            # What it has told of is known from then on: the next one would find it as it is known.
            self._note(listing.told if tells else set())
        return since

    async def _events(self, followed: _Followed, since: str) -> str:
        seconds = 240 * random.uniform(1, 1.2)  # noqa: S311 - jitter
        kind, selector, bare = followed.kind, followed.selector, followed.bare
        events = self._cluster.watch(kind, self._namespace, selector, since, seconds, bare=bare)
        async for event in events:
            if event["type"] == "ERROR":
                raise ClusterError(Meaning.EXPIRED, 410, str(event["object"].get("message")))
            since = event["object"]["metadata"]["resourceVersion"]
            followed.heard()
            if event["type"] != "BOOKMARK":
                owner = followed.saw(event["object"], gone=event["type"] == "DELETED")
                self._note({owner} if owner else set())
        return since

    async def _list(self, listing: _Pages, followed: _Followed, *, bare: bool) -> str:
        """Read all there is into `listing`; the version to watch from."""
        since = ""
        pages = self._cluster.snapshot(followed.kind, self._namespace, followed.selector, bare=bare)
        async for found, version in pages:
            listing.page(found)
            since = version
        return since

    async def compare(self, kinds: tuple[Kind, ...]) -> None:
        """List for ever, one kind after the other: what a watch did not tell is found so."""
        TURN.set(Turn(Lane.CLOCK))
        index = self._cluster.index
        while True:
            for kind in kinds:
                between = self._compared / len(kinds)
                await asyncio.sleep(between * random.uniform(0.8, 1.2))  # noqa: S311 - spread
                if not index.trusts([kind]):
                    continue  # it is listed before its watch begins anew
                try:
                    moved = await self._missed(kind)
                except ClusterError as error:
                    log.warning("a kind cannot be listed", kind=kind.kind, error=str(error))
                    continue
                if moved:
                    log.info("objects are not as was heard", kind=kind.kind, count=len(moved))
                self._note(moved)

    async def _missed(self, kind: Kind) -> set[UUID]:
        """Whose objects of a kind are others than was heard: versions say whether any are, and only
        then all of them are read, for what changed is in the rest."""
        followed = _Ours(self._cluster.index, kind)
        bare = followed.listing(meanwhile=True)
        await self._list(bare, followed, bare=True)
        if not bare.finds():
            return set()
        whole = followed.listing(meanwhile=True)
        await self._list(whole, followed, bare=False)
        return whole.end()

    def _note(self, owners: set[UUID]) -> None:
        if owners:
            self._seen |= owners
            self._something.set()

    async def ask(self) -> None:
        """Have those looked at, for ever, of whom something was heard."""
        while True:
            await self._something.wait()
            self._something.clear()
            asking, self._seen = self._seen, set()
            try:
                async with self._database.autocommit(RECONCILER) as connection:
                    await resources.ask(connection, asking, unless_crashed=True)
                self._wake()
                await asyncio.sleep(_GATHER)
            except AWAY as error:
                log.warning("nobody could be asked", count=len(asking), error=repr(error))
                self._seen |= asking
                self._something.set()
                await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - jitter
