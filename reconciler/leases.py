"""The leases that this process holds, on its own clock, and their renewal.

A lease counts from before its claim was sent, so that ours always ends before the database's. It is
renewed at a third; a pass is stopped a margin before the end, or at once when a renewal says that
the row is another's. What a stopped pass would have recorded, the fence would refuse anyway.
"""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from app.db import claims
from app.db.claims import Claim
from app.db.session import AWAY, Database
from app.domain.viewer import RECONCILER
from app.settings import Settings
from reconciler import metrics

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Lease:
    """One claimed row; times are of the event loop's clock, `limit` is there while it is passed.

    `waited`: the seconds for which its pass has waited for our own budget; `waits_since` while it
    does: no time of the pass, for the cluster was not asked.
    """

    claim: Claim
    taken: float
    until: float
    limit: asyncio.Timeout | None = None
    waited: float = 0.0
    waits_since: float | None = None


class Leases:
    """All leases of this process, by token: a row may be claimed anew before a pass ends."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._held: dict[UUID, Lease] = {}
        self.none_held = asyncio.Event()
        self.none_held.set()

    @property
    def held(self) -> list[Claim]:
        """What is claimed and neither recorded nor given up."""
        return [lease.claim for lease in self._held.values()]

    def __len__(self) -> int:
        return len(self._held)

    def take(self, claim: Claim, sent: float) -> Lease:
        """Hold what a claim sent at `sent` returned."""
        lease = Lease(claim, sent, sent + self._settings.lease)
        self._held[claim.lease_token] = lease
        self.none_held.clear()
        return lease

    def end(self, done: Iterable[Claim]) -> None:
        """These are recorded, or given up."""
        for claim in done:
            self._held.pop(claim.lease_token, None)
        if not self._held:
            self.none_held.set()

    def alive(self, claim: Claim) -> bool:
        """Whether a result may still be recorded under this claim."""
        lease = self._held.get(claim.lease_token)
        return lease is not None and lease.until > asyncio.get_running_loop().time()

    def unrecorded(self) -> list[Claim]:
        """Whose passes ended in time, while for as long as their leases nobody could be told."""
        now = asyncio.get_running_loop().time()
        late = [held for held in self._held.values() if held.limit is None and held.until <= now]
        return [held.claim for held in late]

    def deadline(self, lease: Lease) -> float:
        """When its pass is stopped."""
        held = self.last_act(lease)
        if lease.waits_since is not None:
            return held
        return min(lease.taken + self._settings.pass_timeout + lease.waited, held)

    def last_act(self, lease: Lease) -> float:
        """When the lease itself would stop its pass."""
        return lease.until - self._settings.lease_margin

    def waits(self, lease: Lease, begins: bool) -> None:
        """Its pass begins to wait for our own budget, or does so no more."""
        now = asyncio.get_running_loop().time()
        if lease.waits_since is not None:
            lease.waited += now - lease.waits_since
        lease.waits_since = now if begins else None
        self._reschedule(lease)

    async def renew(self) -> None:
        """Renew for ever; soon again when it cannot be asked."""
        pause = usual = self._settings.lease / 3
        while True:
            await asyncio.sleep(pause)
            soon = random.uniform(0.1, 0.5)  # noqa: S311 - jitter
            pause = usual if await self._is_renewed() else min(soon, usual)

    async def _is_renewed(self) -> bool:
        if not self._held:
            return True
        sent = asyncio.get_running_loop().time()
        asked = list(self._held.values())
        lease = timedelta(seconds=self._settings.lease)
        try:
            async with self._database.autocommit(RECONCILER) as connection:
                kept = await claims.renew(connection, [held.claim for held in asked], lease)
        except AWAY as error:
            log.warning("leases cannot be renewed", error=repr(error))
            return False
        # What was recorded meanwhile has no lease any more, and lost none.
        for held in (h for h in asked if h.claim.lease_token in self._held):
            self._extend(held, sent + self._settings.lease if held.claim.id in kept else sent)
        return True

    def _extend(self, lease: Lease, until: float) -> None:
        if until <= lease.until:
            metrics.LOST.labels("renewal").inc()
            log.warning("a lease is lost", resource=str(lease.claim.id))
        lease.until = until
        self._reschedule(lease)

    def _reschedule(self, lease: Lease) -> None:
        # One whose time is over may still be at its end, where it takes no other time.
        if lease.limit is not None and not lease.limit.expired():
            lease.limit.reschedule(self.deadline(lease))
