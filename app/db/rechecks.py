"""Rows that are as wanted and soon due by the clock: read, and put off, many at once.

Putting one off is no result of a pass and needs no lease: it says only that nothing was heard, and
holds only as long as nobody else has said anything. So it compares and sets: a row that somebody
asked for since it was read (an intent, a watch, a retry: each raises `asked`), that is claimed, or
of which a pass has found something else, is left as it is. Locked in order of id, and never waited
for (SKIP LOCKED).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from app.db.generated import UNMOVED
from app.db.rows import Executor, columns, read
from app.domain.states import Lane, converged_sql


@dataclass(frozen=True, slots=True)
class Coming:
    """A settled row that is due soon, and how often somebody has asked for it."""

    id: UUID
    asked: int


_COMING = text(f"""
SELECT {columns(Coming, "r")} FROM resource r
WHERE r.lane = {Lane.CLOCK:d} AND r.due_at <= mooring_now() + :within
  AND r.locked_until <= mooring_now() AND r.reason IS NULL AND {converged_sql("r")}
ORDER BY r.due_at LIMIT :most
""")

_PUT_OFF = text(f"""
WITH k AS MATERIALIZED (
  SELECT r.id, i.after
  FROM resource r JOIN unnest(CAST(:ids AS uuid[]), CAST(:asked AS bigint[]),
    CAST(:after AS interval[])) i(id, asked, after) ON r.id = i.id AND r.asked = i.asked
  WHERE r.lane = {Lane.CLOCK:d} AND r.locked_until <= mooring_now()
    AND r.reason IS NULL AND {converged_sql("r")}
  ORDER BY r.id FOR NO KEY UPDATE OF r SKIP LOCKED)
UPDATE resource r SET {UNMOVED}, due_at = mooring_now() + k.after FROM k WHERE r.id = k.id
""")


async def coming(executor: Executor, *, within: timedelta, most: int) -> list[Coming]:
    """The first `most` settled rows that are due within that time, and in nobody's hands."""
    return read(Coming, await executor.execute(_COMING, {"within": within, "most": most}))


async def put_off(executor: Executor, rows: Sequence[tuple[Coming, timedelta]]) -> None:
    """Have each of these looked at only after so long, unless somebody has asked meanwhile."""
    binds = {
        "ids": [row.id for row, _ in rows],
        "asked": [row.asked for row, _ in rows],
        "after": [after for _, after in rows],
    }
    await executor.execute(_PUT_OFF, binds)
