"""Wait (woken, timer, stop), claim, run, drain: the heart of the reconciler.

What is claimed, and in whose turn, is `claiming`'s; what becomes of it, `recorder`'s.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from app.db import claims
from app.db.claims import CRASHES, Claim
from app.db.record import Recorded
from app.db.session import AWAY, Database, is_lost
from app.domain import trace
from app.domain.observation import SOON, Outcome
from app.domain.reasons import Reason
from app.domain.viewer import RECONCILER
from app.settings import Settings
from reconciler import crashes, metrics, plan
from reconciler.claiming import Beside, Claiming, Nothing
from reconciler.cluster.budget import TURN, Turn
from reconciler.leases import Lease, Leases
from reconciler.progress import Progress
from reconciler.recorder import Recorder, Result

log = structlog.get_logger(__name__)
# Whoever it waited for: Postgres, which may let a statement wait, is not told apart.
_TOO_LONG = "This look at it took too long."


class Loop:
    """Claims rows and runs `reconcile` on each; from it None means that the row has moved on.

    `most` gives how many passes of an account may be under way, from how many usually may; `held`
    for how long the cluster of a row is not asked, if it is not. `beside`: what else is claimed in
    this process.
    """

    def __init__(
        self,
        database: Database,
        reconcile: Callable[[Claim], Awaitable[Outcome | None]],
        settings: Settings,
        worker: str,
        most: Callable[[UUID, int], int] = lambda _, usual: usual,
        *,
        held: Callable[[Claim], timedelta | None] = lambda _: None,
        beside: Beside | None = None,
    ) -> None:
        self._database = database
        self._reconcile = reconcile
        self._held = held
        self._settings = settings
        self._leases = Leases(database, settings)
        self._recorder = Recorder(database, self._leases, self._recorded, self.wake)
        self._woken = asyncio.Event()
        self._stopping = False
        self._unrecorded: list[Claim] = []
        # Whether it is the timer that this round is due to; the first one looks at all there is.
        self._by_timer = False
        self.progress = Progress()
        self._claiming = Claiming(
            database,
            self._leases,
            self.progress,
            settings,
            worker=worker,
            most=most,
            beside=beside or Nothing(),
        )
        metrics.SLOTS.set(settings.slots)
        metrics.LEASES.set_function(self._leases.__len__)

    def wake(self) -> None:
        """Look for due rows now."""
        self._woken.set()

    def stop(self) -> None:
        """Claim nothing more, let passes end within the drain time, then return from `run`."""
        self._stopping = True
        self.wake()

    async def run(self) -> None:
        """Work until `stop`."""
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(self._recorder.run()),
                group.create_task(self._leases.renew()),
            ]
            passes: set[asyncio.Task[None]] = set()
            while not self._stopping:
                self.progress.turned()
                for lease in await self._claim():
                    task = group.create_task(self._pass(lease))
                    passes.add(task)
                    task.add_done_callback(passes.discard)
                await self._wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.drain):
                    await self._leases.none_held.wait()
                    await self._recorder.done()
            for task in [*helpers, *passes]:
                task.cancel()
        # What they sent last may still arrive: nobody's for as long as after any pass.
        self._unrecorded += self._leases.held
        with suppress(*AWAY, TimeoutError):
            async with asyncio.timeout(self._settings.lease_margin):
                await self._forgive(timedelta(seconds=self._settings.lease_margin))

    async def _wait(self) -> None:
        longest = self._settings.poll * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        try:
            async with asyncio.timeout(longest):
                await self._woken.wait()
            self._by_timer = False
        except TimeoutError:
            self._by_timer = self._settings.notify

    async def _claim(self) -> list[Lease]:
        self._woken.clear()
        taken: list[Lease] = []
        try:
            await self._forgive()
            await self._claiming.claim(taken, by_timer=self._by_timer)
        except AWAY as error:
            metrics.CLAIMS_FAILED.inc()
            log.warning("rows cannot be claimed", error=repr(error))
        return taken

    async def _forgive(self, after: timedelta = timedelta(0)) -> None:
        """Tell of claims that came to no end for want of Postgres that they ended no worker."""
        known = [*self._unrecorded, *self._leases.unrecorded()]
        if not known:
            return
        async with self._database.autocommit(RECONCILER) as connection:
            await claims.release(connection, known, after)
        self._unrecorded = [claim for claim in self._unrecorded if claim not in known]

    async def _pass(self, lease: Lease) -> None:
        claim, began = lease.claim, asyncio.get_running_loop().time()
        trace.follow(claim.trace_id)
        structlog.contextvars.bind_contextvars(resource=str(claim.id))
        TURN.set(Turn(claim.lane, claim.account_id, partial(self._leases.waits, lease)))
        outcome = await self._found(lease)
        ended = asyncio.get_running_loop().time()
        lost = ended >= self._leases.last_act(lease)
        self.progress.passed(claim, outcome, ended - began, lost=lost)
        if not self._leases.alive(claim):
            # Another's by now; or this process stood still for as long, which is as bad as its end.
            metrics.LOST.labels("pass").inc()
            log.warning("a pass came to no end in its lease", resource=str(claim.id))
            self._leases.end([claim])
            self.wake()
        elif outcome is None:
            await self._release(claim)
        else:
            self._recorder.put(claim, outcome)

    async def _found(self, lease: Lease) -> Outcome | None:
        claim = lease.claim
        if claim.crashes >= CRASHES:
            log.error("a row ended its workers", resource=str(claim.id), last=claim.last_worker)
            return crashes.outcome(claim, self._settings)
        limit = asyncio.timeout_at(self._leases.deadline(lease))
        try:
            async with limit:
                return await self._limited(lease, limit)
        except Exception as error:
            if limit.expired():
                return self._interrupted(claim, Reason.PASS_TIMEOUT, _TOO_LONG)
            if is_lost(error):
                await self._given_up(claim, error)
                return None
            log.exception("a pass failed", resource=str(claim.id), kind=claim.kind)
            return self._interrupted(claim, Reason.INTERNAL, "Mooring failed here; it tries again.")

    async def _limited(self, lease: Lease, limit: asyncio.Timeout) -> Outcome | None:
        """The pass itself; a limit that is over by then cannot be set anew by a renewal."""
        lease.limit = limit
        try:
            return await self._reconcile(lease.claim)
        finally:
            lease.limit = None

    async def _given_up(self, claim: Claim, error: Exception) -> None:
        """Postgres went away under a pass: no fault of the row's, and nothing that a user is told;
        it is claimed anew as soon as it can be."""
        log.warning("a pass lost Postgres", resource=str(claim.id), error=repr(error))
        await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - jitter

    def _interrupted(self, claim: Claim, reason: Reason, message: str) -> Outcome:
        outcome = plan.interrupted(claim, reason, message, self._settings)
        return replace(outcome, held=self._held(claim))

    async def _release(self, claim: Claim) -> None:
        """The pass met a newer wish or another holder: the row is claimed anew if it is due."""
        try:
            async with self._database.autocommit(RECONCILER) as connection:
                await claims.release(connection, [claim])
        except AWAY:
            self._unrecorded.append(claim)
        self._leases.end([claim])
        self.wake()

    def _recorded(self, batch: list[Result], recorded: Recorded) -> None:
        late = [claim for claim, _ in batch if not self._leases.alive(claim)]
        self._unrecorded += [claim for claim in late if claim.id not in recorded.written]
        self._leases.end(claim for claim, _ in batch)
        metrics.LOST.labels("record").inc(len(batch) - len(recorded.written))
        soon = [outcome.after for _, outcome in batch if outcome.after <= SOON]
        if soon:
            # A little late rather than early: the database counts from its own now().
            seconds = min(soon).total_seconds() + 0.01
            asyncio.get_running_loop().call_later(seconds, self.wake)
        moved_on = recorded.asked_again or len(recorded.written) < len(batch)
        if self._claiming.more_is_due or moved_on:
            self.wake()
