"""Looking at a whole cluster for what no row knows, and at all rows for what is not there; at a
user's, in the one namespace that it is brought with.

Objects are listed first and their rows asked for afterwards, page by page: a row is there before
its first object, so an object that was made meanwhile has one. Of objects with rows nothing is kept
but whose they are, so that ten thousand resources take a few megabytes.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.db import accounts, installation, inventory
from app.db.inventory import Bringing, Settled
from app.db.session import Database
from app.domain.states import ResourceKind
from app.domain.viewer import RECONCILER
from app.settings import Settings
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.manifests.identity import INSTALLATION, MANAGED_BY, MANAGER, RESOURCE
from reconciler.manifests.kinds import (
    CLUSTER,
    KINDS,
    NAMESPACE,
    OLD_CLUSTER,
    STATEFUL_SET,
    Kind,
    Object,
)
from reconciler.manifests.namespace import ACCOUNT
from reconciler.orphans import rules
from reconciler.orphans.rules import Orphan, Owner, Piece

OURS = f"{MANAGED_BY}={MANAGER},{RESOURCE}"
_ACCOUNTS = f"{MANAGED_BY}={MANAGER},{ACCOUNT}"
_WORKLOADS = frozenset({STATEFUL_SET, CLUSTER, OLD_CLUSTER})
# A list that expires under its pages begins anew, so often.
_TRIES = 3


@dataclass
class Found:
    """What there is; `mark`: the installation that was looked for, `own`: whether that is the one
    whose database this is; `clock`: the cluster's.

    `known`: owners with rows that are there; `strangers`: owners without, by the mark of another
    installation, None where there is no mark. `blind`: what could not be looked at, and why.
    """

    mark: str
    own: bool = True
    clock: datetime | None = None
    orphans: list[Orphan] = field(default_factory=list)
    missing: list[Settled] = field(default_factory=list)
    known: set[Owner] = field(default_factory=set)
    strangers: Counter[str | None] = field(default_factory=Counter)
    blind: list[str] = field(default_factory=list)
    elsewhere: int = 0
    # Whether rows of databases are missing where nobody serves their kind.
    unserved: bool = False

    @property
    def managed(self) -> int:
        """How many owners of that installation are there: of another none is known."""
        return len(self.orphans) + (len(self.known) if self.own else 0)


class Survey:
    """Of the operator's cluster or of one that somebody brings (`whose`), for the installation
    whose database this is, or for another whose `mark` somebody gives."""

    def __init__(
        self,
        cluster: Cluster,
        database: Database,
        settings: Settings,
        mark: str | None = None,
        whose: Bringing | None = None,
    ) -> None:
        self._cluster = cluster
        self._database = database
        self._settings = settings
        self._mark = mark
        self._whose = whose
        # Of accounts' namespaces, by name, whose each is.
        self._namespaces: dict[str, str | None] = {}
        self._running: set[UUID] = set()

    async def made(self) -> Found:
        """Look once; ClusterError or one of AWAY where that cannot be."""
        async with self._database.read(RECONCILER) as connection:
            began = await inventory.now(connection)
            own = str(await installation.mark(connection))
            elsewhere = 0 if self._whose else await inventory.elsewhere(connection)
        mark = self._mark or own
        found = Found(mark, mark == own, elsewhere=elsewhere)
        if self._whose is None and self._settings.sandbox_namespace is None:
            await self._look_at_accounts(found, own)
        await self._look_at_resources(found)
        if not found.blind:  # else nobody knows what is not there
            found.missing = [
                row async for row in self._settled(began) if row.id not in self._running
            ]
            found.unserved = await self._serves_no_databases(found)
        found.clock = self._cluster.clock
        return found

    async def _serves_no_databases(self, found: Found) -> bool:
        lost = any(row.kind is ResourceKind.DATABASE for row in found.missing)
        kinds = (CLUSTER, OLD_CLUSTER)
        return lost and not any([await self._cluster.serves(kind) for kind in kinds])

    async def _look_at_accounts(self, found: Found, own: str) -> None:
        """Their namespaces, before what is in them."""
        unknown: list[Orphan] = []
        async for page in self._pages(found, NAMESPACE, "", _ACCOUNTS):
            bodies = {body["metadata"]["name"]: body for body in page}
            async with self._database.read(RECONCILER) as connection:
                known = await accounts.of_namespaces(connection, list(bodies))
            for name, body in bodies.items():
                owner = rules.account_of(body)
                if owner is not None and known.get(name) == owner.id:
                    found.known.add(owner)
                    self._namespaces[name] = own
                elif owner is not None:
                    self._namespaces[name] = body["metadata"]["labels"].get(INSTALLATION)
                    piece = rules.piece_of(NAMESPACE, body)
                    unknown.append(Orphan(owner, rules.NAMESPACE, name, [piece]))
        self._judge(found, unknown)

    async def _look_at_resources(self, found: Found) -> None:
        pieces: dict[Owner, dict[str, Piece]] = {}
        for place in await self._places():
            for kind in KINDS:
                async for page in self._pages(found, kind, place, OURS):
                    await self._sort(kind, page, found, pieces)
        self._judge(
            found, (rules.orphan_of(owner, list(its.values())) for owner, its in pieces.items())
        )

    async def _sort(
        self,
        kind: Kind,
        page: Sequence[Object],
        found: Found,
        pieces: dict[Owner, dict[str, Piece]],
    ) -> None:
        """Keep of a page what no row knows."""
        owned = [(owner, body) for body in page if (owner := rules.owner_of(body)) is not None]
        asked = {owner.id for owner, _ in owned if owner not in found.known}
        async with self._database.read(RECONCILER) as connection:
            where = await inventory.namespaces_of(connection, asked) if asked else {}
        for owner, body in owned:
            if owner in found.known or where.get(owner.id) == owner.namespace:
                found.known.add(owner)
                if kind in _WORKLOADS:
                    self._running.add(owner.id)
            else:  # one object has the same uid in all versions of its kind
                its = pieces.setdefault(owner, {})
                its.setdefault(body["metadata"]["uid"], rules.piece_of(kind, body))

    def _judge(self, found: Found, orphans: Iterable[Orphan]) -> None:
        """Whose they are."""
        for orphan in orphans:
            if orphan.owner in found.known:  # its row came while we looked
                continue
            mark = rules.mark_of(orphan.pieces, self._namespaces.get(orphan.owner.namespace))
            if mark == found.mark:
                found.orphans.append(orphan)
            else:
                found.strangers[mark] += 1

    async def _places(self) -> list[str]:
        """The namespaces to look at; "": all."""
        if self._whose is not None:
            return [self._whose.namespace]
        if self._settings.sandbox_namespace is None:
            return [""]
        async with self._database.read(RECONCILER) as connection:
            theirs = await inventory.places(connection)
        return sorted({self._settings.sandbox_namespace, *theirs})

    async def _pages(
        self, found: Found, kind: Kind, place: str, selector: str
    ) -> AsyncIterator[Sequence[Object]]:
        """What there is of a kind; one that may not be listed is told of."""
        for attempt in range(_TRIES):
            try:
                async for page in self._cluster.pages(kind, place, selector):
                    yield page
            except ClusterError as error:
                if error.meaning is Meaning.EXPIRED and attempt < _TRIES - 1:
                    continue
                if error.meaning is not Meaning.FORBIDDEN:
                    raise
                where = f" in {place}" if place else ""
                found.blind.append(f"{kind.plural}{where}: {error}")
            return

    async def _settled(self, before: datetime) -> AsyncIterator[Settled]:
        """All rows that had settled before we looked."""
        after = UUID(int=0)
        while True:
            async with self._database.read(RECONCILER) as connection:
                page = await inventory.settled(connection, before, after, self._whose)
            for row in page:
                yield row
            if len(page) < inventory.PAGE:
                return
            after = page[-1].id
