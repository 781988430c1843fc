"""Our own budget of requests to one cluster, and whose turn it is while it is spent.

A token bucket. As long as it has tokens nobody waits. Then requests wait in lanes, of which each
has a share of what comes in, and within a lane the accounts take turns: whoever asks for little
waits for a few requests of others and not for all that somebody with thousands of rows has under
way. Time spent here is nobody's fault in the cluster, so a pass is told of it.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from app.domain.states import Lane

# Of eight requests while all lanes wait: wishes before deletions before looks of the clock, and
# none of them stands still.
_SHARES = {Lane.ASKED: 5, Lane.DELETION: 2, Lane.CLOCK: 1}
# A busy cluster's rate is halved down to a tenth; each success lifts it again.
_SLOWEST, _FASTER = 0.1, 1.1


@dataclass(frozen=True, slots=True)
class Turn:
    """For whom a request is; account None: for all of them, as the lists of watches are.

    `waits` is told True when it begins to wait for the budget, and False when it does no more.
    """

    lane: Lane = Lane.ASKED
    account: UUID | None = None
    waits: Callable[[bool], None] = lambda _: None


# Of the running task.
TURN: ContextVar[Turn] = ContextVar("turn", default=Turn())  # noqa: B039 - it is frozen

_Waiting = OrderedDict[UUID | None, deque[asyncio.Future[None]]]


class Budget:
    """`rate`: requests per second; `burst`: at once above that."""

    def __init__(self, rate: float, burst: int) -> None:
        self._full = self._rate = rate
        self._burst = burst
        self._next = 0.0
        self._waiting: dict[Lane, _Waiting] = {lane: OrderedDict() for lane in Lane}
        # What each lane has had, in parts of its share; where the one stands that was served last.
        self._had = dict.fromkeys(Lane, 0.0)
        self._stand = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def spend(self) -> None:
        """Wait until one request more may be sent for the `TURN` of this task."""
        if not any(self._waiting.values()) and self._take():
            return
        turn = TURN.get()
        granted = asyncio.get_running_loop().create_future()
        self._enter(turn, granted)
        turn.waits(True)
        try:
            await granted
        finally:
            turn.waits(False)

    def slower(self) -> None:
        """The cluster asks for fewer requests."""
        self._rate = max(self._full * _SLOWEST, self._rate / 2)

    def faster(self) -> None:
        """The cluster keeps up."""
        self._rate = min(self._full, self._rate * _FASTER)

    def _due(self) -> float:
        """When the next token is there."""
        earliest = asyncio.get_running_loop().time() - self._burst / self._rate
        return max(self._next, earliest) + 1 / self._rate

    def _take(self) -> bool:
        due = self._due()
        if due > asyncio.get_running_loop().time():
            return False
        self._next = due
        return True

    def _enter(self, turn: Turn, granted: asyncio.Future[None]) -> None:
        lane = self._waiting[turn.lane]
        if not lane:
            # Who had nothing to ask for has saved nothing up.
            self._had[turn.lane] = max(self._had[turn.lane], self._stand)
        lane.setdefault(turn.account, deque()).append(granted)
        self._arm()

    def _arm(self) -> None:
        if self._timer is None:
            wait = max(0.0, self._due() - asyncio.get_running_loop().time())
            self._timer = asyncio.get_running_loop().call_later(wait, self._serve)

    def _serve(self) -> None:
        self._timer = None
        while (granted := self._first()) is not None:
            if not self._take():
                self._arm()
                return
            self._pop()
            granted.set_result(None)

    def _first(self) -> asyncio.Future[None] | None:
        """Whose turn it is, without those who have given up."""
        while any(self._waiting.values()):
            lane = self._lane()
            waiting = next(iter(self._waiting[lane].values()))
            if not waiting[0].done():
                return waiting[0]
            waiting.popleft()
            self._turned(lane)
        return None

    def _pop(self) -> None:
        lane = self._lane()
        next(iter(self._waiting[lane].values())).popleft()
        self._stand = self._had[lane]
        self._had[lane] += 1 / _SHARES[lane]
        self._turned(lane, last=True)

    def _lane(self) -> Lane:
        return min((lane for lane in Lane if self._waiting[lane]), key=self._had.__getitem__)

    def _turned(self, lane: Lane, *, last: bool = False) -> None:
        """The first account of a lane has got something: it comes `last`, if it wants more."""
        account, waiting = next(iter(self._waiting[lane].items()))
        if not waiting:
            del self._waiting[lane][account]
        elif last:
            self._waiting[lane].move_to_end(account)
