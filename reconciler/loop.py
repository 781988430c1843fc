"""Wait (woken, timer, stop), claim, run, drain: the heart of the reconciler.

A row under lease is renewed at a third of the lease and counted on our own monotonic clock from
before the claim was sent; a pass that could outlive its lease is cancelled a margin before. Slots:
half to what was asked for, a quarter to deletions, a quarter to the clock; what one leaves goes to
the others. Accounts that fill their share of slots are left out of the claim itself.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError

from app.db import claims
from app.db.claims import Claim
from app.db.record import Recorded
from app.db.session import Database
from app.domain.observation import SOON, Outcome
from app.domain.states import ASKED, CLOCK, DELETION, Lane
from app.settings import Settings
from reconciler.recorder import Recorder, Result

log = structlog.get_logger(__name__)
_UNAVAILABLE = (OSError, DBAPIError, InterfaceError)
_FIRST = UUID(int=0)


@dataclass(slots=True)
class _Held:
    claim: Claim
    until: float
    task: asyncio.Task[None] | None = None


class Loop:
    """Claims rows and runs `reconcile` on each."""

    def __init__(
        self,
        database: Database,
        reconcile: Callable[[Claim], Awaitable[Outcome]],
        settings: Settings,
        worker: str,
    ) -> None:
        self._database = database
        self._reconcile = reconcile
        self._settings = settings
        self._worker = worker
        self._held: dict[UUID, _Held] = {}
        self._woken = asyncio.Event()
        self._after: dict[Lane, UUID] = {}
        self.recorder = Recorder(database, self._recorded)

    def wake(self) -> None:
        """Look for due rows now."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`, then let passes end within the drain time."""
        helpers = [asyncio.create_task(self.recorder.run()), asyncio.create_task(self._renew())]
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                more = await self._claim()
                await self._wait(stopping, 0 if more else self._settings.poll)
            await self._drain()
        finally:
            for task in [*helpers, stopping, *(h.task for h in self._held.values() if h.task)]:
                task.cancel()

    async def _wait(self, stopping: "asyncio.Task[bool]", seconds: float) -> None:
        woken = asyncio.create_task(self._woken.wait())
        longest = seconds * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        await asyncio.wait({woken, stopping}, timeout=longest, return_when=asyncio.FIRST_COMPLETED)
        woken.cancel()

    async def _claim(self) -> bool:
        """Claim for every lane; whether more may be due."""
        self._woken.clear()
        free = self._settings.slots - len(self._held)
        shares = ((ASKED, 2), (DELETION, 4), (CLOCK, 4))
        more = False
        for lane, share in shares:
            slots = min(free, max(1, self._settings.slots // share))
            if slots <= 0:
                return False
            try:
                found = await self._claim_lane(lane, slots)
            except _UNAVAILABLE as error:
                log.warning("rows cannot be claimed", error=repr(error))
                return False
            free -= len(found)
            more = more or len(found) == slots
        return more and free > 0

    async def _claim_lane(self, lane: Lane, slots: int) -> list[Claim]:
        sent = time.monotonic()
        busy = Counter(held.claim.account_id for held in self._held.values())
        after = self._after.get(lane, _FIRST)
        async with self._database.autocommit() as connection:
            found = await claims.claim(
                connection,
                lane=lane,
                after=after,
                slots=slots,
                saturated=[a for a, n in busy.items() if n >= self._settings.account_slots],
                lease=timedelta(seconds=self._settings.lease),
                worker=self._worker,
            )
        for claim in found:
            held = _Held(claim, sent + self._settings.lease)
            self._held[claim.id] = held
            held.task = asyncio.create_task(self._pass(held))
        # The start rotates; past the last account the lap begins anew, at once.
        self._after[lane] = max((c.account_id for c in found), default=_FIRST)
        if not found and after != _FIRST:
            self.wake()
        return found

    async def _pass(self, held: _Held) -> None:
        claim = held.claim
        try:
            async with asyncio.timeout(self._settings.pass_timeout):
                outcome = await self._reconcile(claim)
        except TimeoutError:
            outcome = Outcome(
                claim.generation,
                timedelta(seconds=1),
                reason="PassTimeout",
                message="The cluster took too long.",
                attempts=claim.attempts + 1,
            )
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("a pass failed", resource=str(claim.id), kind=claim.kind)
            outcome = Outcome(
                claim.generation,
                timedelta(seconds=random.uniform(1, 30)),  # noqa: S311 - jitter
                reason="Internal",
                message="Mooring failed here; it tries again.",
                attempts=claim.attempts + 1,
            )
        self.recorder.put(claim, outcome)

    def _recorded(self, batch: list[Result], recorded: Recorded) -> None:
        for claim, outcome in batch:
            self._held.pop(claim.id, None)
            if outcome.after <= SOON:
                self._look_in(outcome.after.total_seconds())
        if recorded.asked_again or len(recorded.written) < len(batch):
            self.wake()

    def _look_in(self, seconds: float) -> None:
        # A little late rather than early: the database counts from its own now().
        asyncio.get_running_loop().call_later(seconds + 0.01, self.wake)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._settings.lease / 3)
            sent = time.monotonic()
            held = [h.claim for h in self._held.values()]
            if held:
                lease = timedelta(seconds=self._settings.lease)
                try:
                    async with self._database.autocommit() as connection:
                        kept = await claims.renew(connection, held, lease)
                    self._keep(held, kept, sent + self._settings.lease)
                except _UNAVAILABLE as error:
                    log.warning("leases cannot be renewed", error=repr(error))
            self._give_up(time.monotonic() + self._settings.lease_margin)

    def _keep(self, asked: list[Claim], kept: set[UUID], until: float) -> None:
        for claim in asked:
            held = self._held.get(claim.id)
            if held is None or held.claim is not claim:
                continue
            held.until = until if claim.id in kept else 0.0

    def _give_up(self, deadline: float) -> None:
        # The next renewal comes after a third of the lease: what would end before then stops now.
        for held in [h for h in self._held.values() if h.until < deadline]:
            log.warning("a lease is lost", resource=str(held.claim.id))
            if held.task is not None:
                held.task.cancel()
            self._held.pop(held.claim.id, None)

    async def _drain(self) -> None:
        deadline = time.monotonic() + self._settings.drain
        while self._held and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
