"""How the slots of passes are shared: by lane, by cluster, by account. Pure.

A lane has a part for itself and may have more of what others leave, never all: the next wish finds
a slot although a flood of looks came first. The operator's cluster and those of users, which may
not answer for long, never take the last slots from each other. The more accounts have passes under
way in a lane, the fewer has each, so that there is a share left for the next one that comes.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.db.claims import ROWS_PER_ACCOUNT, Claim
from app.domain.states import Lane

# The part of the slots that a lane has for itself, and the most that it may have.
_OWN = {Lane.ASKED: 1 / 2, Lane.DELETION: 1 / 4, Lane.CLOCK: 1 / 4}
_MOST = {Lane.ASKED: 3 / 4, Lane.DELETION: 3 / 4, Lane.CLOCK: 1 / 2}
# The most for the operator's cluster, and for all of users' together.
_OPERATORS, _USERS = 7 / 8, 1 / 2


@dataclass(frozen=True, slots=True)
class Rooms:
    """How many rows may be claimed: of accounts that have passes under way, of each other one, and
    of each that brings a cluster. `full`: those that may have no more."""

    of: dict[UUID, int] = field(default_factory=dict)
    each: int = ROWS_PER_ACCOUNT
    each_own: int = ROWS_PER_ACCOUNT

    @property
    def full(self) -> list[UUID]:
        """Accounts that may have no more."""
        return [account for account, room in self.of.items() if room <= 0]

    def left_some(self, found: Collection[Claim]) -> bool:
        """Whether an account may have more that is due than was `found`, for want of room."""
        most = max(Counter(claim.account_id for claim in found).values(), default=0)
        return bool(self.full) or most >= self.each_own


@dataclass(frozen=True, slots=True)
class Shares:
    """Of `slots`; an account has at most `account` of them, a user's cluster `own`.

    `most` gives how many passes of an account may be under way, from how many usually may.
    """

    slots: int
    account: int
    own: int
    most: Callable[[UUID, int], int]

    def free(self, held: Collection[Claim]) -> int:
        """Slots that nobody has."""
        return self.slots - len(held)

    def part(self, lane: Lane, held: Collection[Claim]) -> int:
        """Slots that are left of a lane's own."""
        return min(self.free(held), self._of(_OWN[lane]) - _in(lane, held))

    def more(self, lane: Lane, held: Collection[Claim]) -> int:
        """Slots that a lane may have when others leave them."""
        return min(self.free(held), self._of(_MOST[lane]) - _in(lane, held))

    def sides(
        self, lane: Lane, slots: int, held: Collection[Claim]
    ) -> Sequence[tuple[bool | None, int]]:
        """For whose clusters to claim, and for how many: users' (True), the operator's (False), or
        both at once (None)."""
        left = {own: self._left(lane, held, own=own) for own in (True, False)}
        if slots <= min(left.values()):
            return [(None, slots)]
        return [(own, min(slots, room)) for own, room in left.items() if room > 0]

    def _left(self, lane: Lane, held: Collection[Claim], *, own: bool) -> int:
        """Of what users' clusters, or the operator's, may have of all slots and of the lane's."""
        part = _USERS if own else _OPERATORS
        theirs = [claim for claim in held if (claim.server is not None) == own]
        of_lane = max(1, int(self._of(_MOST[lane]) * part)) - _in(lane, theirs)
        return min(self._of(part) - len(theirs), of_lane)

    def rooms(self, lane: Lane, held: Collection[Claim]) -> Rooms:
        """What accounts may have of a lane."""
        busy = Counter(claim.account_id for claim in held)
        abroad = {claim.account_id for claim in held if claim.server is not None}
        in_lane = Counter(claim.account_id for claim in held if claim.lane == lane)
        fair = max(1, self._of(_MOST[lane]) // (len(in_lane) + 1))

        def room(account: UUID) -> int:
            usual = min(self.account, self.own) if account in abroad else self.account
            return min(self.most(account, usual) - busy[account], fair - in_lane[account])

        each = min(ROWS_PER_ACCOUNT, self.account, fair)
        return Rooms({account: room(account) for account in busy}, each, min(each, self.own))

    def _of(self, part: float) -> int:
        return max(1, int(self.slots * part))


def _in(lane: Lane, held: Collection[Claim]) -> int:
    return sum(claim.lane == lane for claim in held)
