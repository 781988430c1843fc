"""How much is due, and for how long: the queue as one statement that is cheap at any size.

A claim leaves `lane` and `due_at` alone, so what is under a lease is among what was due: the index
`resource_due` finds both, and of settled rows, whose look is in the future, it reads none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from app.db.rows import Executor
from app.domain.states import Lane


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows of one lane: due and claimed by nobody, under a lease, and how long the oldest of the
    former has been due; zero without any."""

    due: int = 0
    claimed: int = 0
    oldest: timedelta = timedelta()


_WAITING = text("""
SELECT lane, count(*) FILTER (WHERE locked_until <= mooring_now()) AS due,
  count(*) FILTER (WHERE locked_until > mooring_now()) AS claimed,
  coalesce(mooring_now() - min(due_at) FILTER (WHERE locked_until <= mooring_now()),
    interval '0') AS oldest
FROM resource WHERE lane = ANY(CAST(:lanes AS smallint[])) AND due_at <= mooring_now()
GROUP BY lane
""")


async def waiting(executor: Executor) -> Mapping[Lane, Waiting]:
    """The queue of each lane, as a role that sees all accounts' rows."""
    found = await executor.execute(_WAITING, {"lanes": [int(lane) for lane in Lane]})
    there = {Lane(row.lane): Waiting(row.due, row.claimed, row.oldest) for row in found}
    return {lane: there.get(lane, Waiting()) for lane in Lane}
