"""What is not kept for ever: changes and the audit beyond their time, answers to idempotency keys,
sessions that are over, and what was counted for limits.

Every API process calls this; the advisory lock lets one at a time work, and the others pass by. A
round takes away what the last one left below the floor, and raises the floor afterwards: whoever
found his cursor above the floor has until the next round to read on from it, so no reader needs a
lock. Feeds that are being written to are left for the next round, so nobody waits for this.

All accounts' rows go, so the statements are functions of the schema's owner, who alone is past the
policies: the API may call them and has no other way to take history away.
"""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import TextClause, text

from app.db.session import AWAY, Database
from app.domain.viewer import API

log = structlog.get_logger(__name__)

_LOCK = 0x6D6F6F73  # "moos"; the migrations' is "moor"
_MOST = 5000

_ALONE = text("SELECT pg_try_advisory_xact_lock(:key)")
_TAKE_CHANGES = text("SELECT * FROM mooring_take_changes(:keep, :most)")
_TAKE_ANSWERS = text("SELECT * FROM mooring_take_answers(:most)")
_TAKE_AUDIT = text("SELECT * FROM mooring_take_audit(:keep, :most)")
# Nobody's rows, so without a function. What was not tried for a day counts as nothing by then.
_TAKE_COUNTS = text("""
DELETE FROM throttle WHERE key IN (
  SELECT key FROM throttle
  WHERE until < mooring_now() AND since < mooring_now() - interval '1 day'
  LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING 1
""")
# A day later, so that whoever comes again meanwhile is told EXPIRED and not REVOKED.
_TAKE_SESSIONS = text("""
DELETE FROM session WHERE id IN (
  SELECT id FROM session WHERE expires_at < mooring_now() - interval '1 day'
  LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING 1
""")
_RAISE_FLOORS = text("SELECT * FROM mooring_raise_floors(:keep)")


@dataclass(frozen=True, slots=True)
class Keep:
    """How long."""

    changes: timedelta
    audit: timedelta


async def prune(database: Database, keep: Keep) -> None:
    """One round: take away what is below the floors or too old, raise the floors to `keep`."""
    while await _alone(database, _TAKE_CHANGES, keep=keep.changes, most=_MOST) == _MOST:
        pass
    while await _alone(database, _TAKE_AUDIT, keep=keep.audit, most=_MOST) == _MOST:
        pass
    while await _alone(database, _TAKE_ANSWERS, most=_MOST) == _MOST:
        pass
    while await _alone(database, _TAKE_COUNTS, most=_MOST) == _MOST:
        pass
    while await _alone(database, _TAKE_SESSIONS, most=_MOST) == _MOST:
        pass
    await _alone(database, _RAISE_FLOORS, keep=keep.changes)


async def run(database: Database, keep: Keep, every: float) -> None:
    """A round every `every` seconds, jittered, for ever."""
    while True:
        try:
            await prune(database, keep)
        except AWAY as error:
            log.warning("old changes cannot be taken away", error=repr(error))
        await asyncio.sleep(every * random.uniform(0.8, 1.2))  # noqa: S311 - jitter


async def _alone(database: Database, statement: TextClause, **binds: object) -> int:
    """How many rows the statement took; 0 while another process is at it."""
    async with database.begin(API) as session:
        if not (await session.execute(_ALONE, {"key": _LOCK})).scalar_one():
            return 0
        return len((await session.execute(statement, binds)).all())
