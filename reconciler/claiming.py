"""Whose turn it is: which due rows are claimed next, under leases that this process then holds.

Slots: half to what was asked for, a quarter to deletions, a quarter to the clock; most of what one
lane leaves goes to the others, wishes first. Within a lane the accounts take turns, and one that
fills its share of the slots is left out of the claim itself (`shares`, data-layer.md section 3).
When more may be due than was claimed, each record that frees slots is a reason to claim again.

A row that several workers may have died of is passed alone: nothing is claimed until what is under
way has ended, and nothing beside it, so that nobody else is counted with it. After more of them it
is no longer passed, but recorded so (`crashes.outcome`). Looks at kubeconfigs end and are held back
meanwhile too; one that is suspected in that way is begun from here.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from app.db import claims
from app.db.claims import Claim
from app.db.session import Database
from app.domain.states import Lane
from app.domain.viewer import RECONCILER
from app.settings import Settings
from reconciler.leases import Lease, Leases
from reconciler.progress import Progress
from reconciler.shares import Rooms, Shares

_FIRST = UUID(int=0)


class Beside(Protocol):
    """What a process claims beside rows; of it nothing more is while `held_back`."""

    held_back: bool

    @property
    def under_way(self) -> int:
        """What is claimed, or about to be."""

    async def take_suspect(self) -> bool:
        """Begin with one that may end this process; whether there was one."""


class Nothing:
    """A process that claims rows only."""

    held_back = False
    under_way = 0

    async def take_suspect(self) -> bool:
        """There is none."""
        return False


class Claiming:
    """Of one loop, which calls `claim` again and again.

    `most` gives how many passes of an account may be under way, from how many usually may.
    """

    def __init__(
        self,
        database: Database,
        leases: Leases,
        progress: Progress,
        settings: Settings,
        *,
        worker: str,
        most: Callable[[UUID, int], int],
        beside: Beside,
    ) -> None:
        self._database = database
        self._leases = leases
        self._progress = progress
        self._beside = beside
        self._worker = worker
        self._lease = timedelta(seconds=settings.lease)
        self._poll = settings.poll
        # Of fewer slots one account still gets no more than half.
        usual = min(settings.account_slots, settings.slots // 2)
        self._shares = Shares(settings.slots, usual, settings.kubeconfig_slots, most)
        self._after = dict.fromkeys(Lane, _FIRST)
        self._by_timer = False
        self._more = False
        self._alone = False
        self._alone_until: float | None = None
        self._suspects_at = 0.0

    @property
    def more_is_due(self) -> bool:
        """Whether there may be more than was claimed: a slot that gets free is a reason to ask."""
        return self._more or self._alone

    async def claim(self, taken: list[Lease], *, by_timer: bool) -> None:
        """Add new leases for the free slots to `taken`, also when Postgres goes away on the way;
        the lane that has least of its part is asked first, and what is left is first for what was
        asked for. `by_timer`: nothing had announced that rows are due."""
        self._by_timer = by_timer and not self._alone
        if await self._isolates(taken):
            return
        lanes = sorted(Lane, key=lambda lane: -self._part(lane))
        full = [lane for lane in lanes if not await self._lap(lane, self._part(lane), taken)]
        left = [lane for lane in sorted(full) if not await self._more_of(lane, taken)]
        self._more = bool(left)

    async def _isolates(self, taken: list[Lease]) -> bool:
        """Whether a row is to be passed alone; it is taken once nothing else is under way. Others
        of that kind may follow for as long as a poll, then all else has as long."""
        now = asyncio.get_running_loop().time()
        if self._alone_until is None and now >= self._suspects_at:
            # Also while one waits: another worker may have taken what was due.
            async with self._database.autocommit(RECONCILER) as connection:
                self._alone = await claims.are_suspects_due(connection)
            self._suspects_at = now + self._poll
        self._beside.held_back = self._alone
        if self._alone and not self._leases and not self._beside.under_way:
            self._alone_until = self._alone_until or now + self._poll
            self._alone = now < self._alone_until and await self._take_suspect(taken)
            if not self._alone:
                self._alone_until, self._suspects_at = None, now + self._poll
        self._beside.held_back = self._alone
        return self._alone

    async def _take_suspect(self, taken: list[Lease]) -> bool:
        taken += await self._claim_suspect()
        return bool(taken) or await self._beside.take_suspect()

    async def _claim_suspect(self) -> list[Lease]:
        sent = asyncio.get_running_loop().time()
        async with self._database.autocommit(RECONCILER) as connection:
            found = await claims.claim_suspect(connection, lease=self._lease, worker=self._worker)
        self._progress.claimed([found] if found else [], by_timer=False)
        return [self._leases.take(found, sent)] if found else []

    def _part(self, lane: Lane) -> int:
        return self._shares.part(lane, self._leases.held)

    async def _more_of(self, lane: Lane, taken: list[Lease]) -> bool:
        """A lap for what others have left."""
        return await self._lap(lane, self._shares.more(lane, self._leases.held), taken)

    async def _lap(self, lane: Lane, slots: int, taken: list[Lease]) -> bool:
        """Claim for up to `slots` once around the accounts; whether nothing more may be due."""
        if slots <= 0:
            return False
        sides = self._shares.sides(lane, slots, self._leases.held)
        # A side that has no room is not among them, and may have more that is due.
        done = {own for own, _ in sides} in ({None}, {True, False})
        for own, room in sides:
            before = len(taken)
            done = await self._around(lane, own, min(room, slots), taken) and done
            slots -= len(taken) - before
        return done

    async def _around(self, lane: Lane, own: bool | None, slots: int, taken: list[Lease]) -> bool:
        """The same for users' clusters, the operator's, or all."""
        began, done = self._after[lane], True
        while slots > 0:
            rooms = self._shares.rooms(lane, self._leases.held)
            found, last = await self._claim_after(lane, own, slots, rooms, taken)
            slots -= len(found)
            done = done and not rooms.left_some(found)
            if slots <= 0:
                self._after[lane] = max(claim.account_id for claim in found)
                return False
            self._after[lane] = last or _FIRST
            if last is None and began == _FIRST:
                return done
            if last is None:
                began = _FIRST
        return False

    async def _claim_after(
        self, lane: Lane, own: bool | None, slots: int, rooms: Rooms, taken: list[Lease]
    ) -> tuple[Sequence[Claim], UUID | None]:
        sent = asyncio.get_running_loop().time()
        async with self._database.autocommit(RECONCILER) as connection:
            found, last = await claims.claim(
                connection,
                lane=lane,
                after=self._after[lane],
                slots=slots,
                saturated=rooms.full,
                lease=self._lease,
                worker=self._worker,
                rooms=rooms.of,
                each=rooms.each,
                each_own=rooms.each_own,
                own=own,
            )
        self._progress.claimed(found, by_timer=self._by_timer, busy=rooms.of)
        taken += [self._leases.take(claim, sent) for claim in found]
        return found, last
