"""What is not kept for ever: changes beyond their time, and first answers to idempotency keys.

Every API process calls this; the advisory lock lets one at a time work, and the others pass by. A
round takes away what the last one left below the floor, and raises the floor afterwards: whoever
found his cursor above the floor has until the next round to read on from it, so no reader needs a
lock. Feeds that are being written to are left for the next round, so nobody waits for this.
"""

from datetime import timedelta

from sqlalchemy import text

from app.db.rows import Executor
from app.db.session import Database

_LOCK = 0x6D6F6F73  # "moos"; the migrations' is "moor"
_MOST = 5000

_ALONE = text("SELECT pg_try_advisory_xact_lock(:key)")
_TAKE_CHANGES = text("""
DELETE FROM change WHERE (account_id, seq) IN (
  SELECT c.account_id, c.seq FROM change c JOIN feed f USING (account_id)
  WHERE c.at < mooring_now() - :keep AND c.seq <= f.floor LIMIT :most)
""")
_RAISE_FLOORS = text("""
WITH old AS MATERIALIZED (
  SELECT account_id, max(seq) AS seq FROM change WHERE at < mooring_now() - :keep GROUP BY 1),
l AS MATERIALIZED (
  SELECT f.account_id FROM feed f JOIN old USING (account_id) WHERE f.floor < old.seq
  ORDER BY f.account_id FOR NO KEY UPDATE OF f SKIP LOCKED)
UPDATE feed f SET floor = old.seq FROM old JOIN l USING (account_id)
WHERE f.account_id = old.account_id
""")
# A key may be in use again at this moment: its own mutation takes the old row away then.
_TAKE_ANSWERS = text("""
DELETE FROM idempotency WHERE (user_id, mutation, key) IN (
  SELECT user_id, mutation, key FROM idempotency
  WHERE created_at < mooring_now() - interval '24 hours' LIMIT :most FOR UPDATE SKIP LOCKED)
""")


async def prune(database: Database, keep: timedelta) -> None:
    """One round: take away what is below the floors, raise them to what is older than `keep`."""
    for statement in (_TAKE_CHANGES, _TAKE_ANSWERS):
        while await _alone(database, statement, keep) == _MOST:
            pass
    await _alone(database, _RAISE_FLOORS, keep)


async def _alone(database: Database, statement: TextClause, keep: timedelta) -> int:
    """How many rows the statement took, in a transaction of its own; 0 if another process works."""
    async with database.begin() as session:
        if not (await session.execute(_ALONE, {"key": _LOCK})).scalar_one():
            return 0
        ...
