"""What a refresh token that is presented is worth: rotation with reuse detection, as a decision.

Each renewal replaces the refresh token, so one that was replaced comes back only if two have it:
its owner and a thief, and nobody can say which of them asks. The session ends for both (RFC 9700
section 4.14.2). The one before the newest is no theft for a moment: an answer gets lost, and two
tabs renew at once.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Presented:
    """What a well-signed refresh token says: its session, and how many were given out before."""

    user_id: UUID
    session_id: UUID
    rotation: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a session stands: the `rotation` of its newest refresh token, whether that is `fresh`
    (given out within the grace), and whether the session is `over`."""

    rotation: int
    fresh: bool
    over: bool


class Verdict(StrEnum):
    """What to do with a refresh token."""

    ROTATE = "ROTATE"
    REPEAT = "REPEAT"
    EXPIRED = "EXPIRED"
    REUSED = "REUSED"


def judge(standing: Standing, rotation: int) -> Verdict:
    """What a well-signed refresh token of this `rotation` is worth. One from the future is no
    better than an old one: it is of a database that was restored since."""
    if standing.over:
        return Verdict.EXPIRED
    if rotation == standing.rotation:
        return Verdict.ROTATE
    if standing.fresh and rotation == standing.rotation - 1:
        return Verdict.REPEAT
    return Verdict.REUSED
