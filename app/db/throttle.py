"""Statements on how often something was tried lately, each in a transaction of its own.

The table is UNLOGGED: what is counted is of the last hours, and a commit that only touched it waits
for no disk. A crash forgets it. Whoever tries is counted first and forgiven on success: of many at
once, each after the first free ones finds the wait that the one before it has set.

A count goes down by itself, by one in the longest wait there is (tries) or at the bucket's rate.
"""

from collections.abc import Sequence

from sqlalchemy import text

from app.db.rows import Executor
from app.domain.throttle import Bucket, Tries

_NOW = "mooring_now()"
# Nothing is forgotten while somebody has to wait.
_AGO = f"extract(epoch FROM {_NOW} - greatest(t.since, t.until))"
_TRIED = f"greatest(t.count - {_AGO} / :longest, 0) + 1"


def _wait(tried: str, free: str) -> str:
    # 2^30 s is beyond any longest wait, and below what would overflow.
    # Rounded, since a moment takes a little off a count.
    seconds = f"least(power(2, least(round({tried}) - {free}, 30)), :longest)"
    return f"CASE WHEN round({tried}) >= {free} THEN {seconds} ELSE 0 END * interval '1 second'"


_TRY = text(f"""
WITH k AS MATERIALIZED (
  SELECT u.key, u.free FROM unnest(
    CAST(:keys AS text[]), CAST(:free AS int[]), CAST(:unless AS text[])) u(key, free, unless)
  WHERE NOT EXISTS (
    SELECT 1 FROM throttle t WHERE t.key = u.unless AND t.until > {_NOW})),
b AS MATERIALIZED (
  SELECT max(t.until) AS until FROM throttle t JOIN k USING (key) WHERE t.until > {_NOW}),
c AS (
  INSERT INTO throttle AS t (key, count, since, until)
  SELECT k.key, 1, {_NOW}, {_NOW} + {_wait("1", "k.free")} FROM k, b WHERE b.until IS NULL
  ORDER BY k.key
  ON CONFLICT (key) DO UPDATE SET count = {_TRIED}, since = {_NOW},
    until = {_NOW} + {_wait(_TRIED, "(SELECT k.free FROM k WHERE k.key = t.key)")}
  WHERE t.until <= {_NOW} RETURNING 1)
SELECT (SELECT count(*) FROM c) = (SELECT count(*) FROM k) AS allowed,
  coalesce(extract(epoch FROM b.until - {_NOW}), 1) AS wait FROM b
""")
# Locked in the order of _TRY, so that no two wait for each other.
_THESE = "SELECT key FROM throttle WHERE key = ANY(CAST(:{} AS text[])) ORDER BY key FOR UPDATE"
_FORGIVE = text(f"""
WITH f AS (DELETE FROM throttle WHERE key IN ({_THESE.format("forgotten")})),
b AS (
  UPDATE throttle SET count = greatest(count - 1, 0), until = '-infinity'
  WHERE key IN ({_THESE.format("taken_back")}))
INSERT INTO throttle (key, count, since, until)
SELECT k.key, 0, {_NOW}, {_NOW} + :seconds * interval '1 second'
FROM unnest(CAST(:remembered AS text[])) k(key)
ON CONFLICT (key) DO UPDATE SET until = excluded.until, since = excluded.since
""")
_LEFT = f"greatest(t.count - {_AGO} * :rate, 0)"
_TAKE = text(f"""
INSERT INTO throttle AS t (key, count, since) VALUES (:key, :number, {_NOW})
ON CONFLICT (key) DO UPDATE SET count = {_LEFT} + :number, since = {_NOW}
WHERE {_LEFT} + :number <= :most RETURNING 1
""")
_UNTIL = text(f"SELECT ({_LEFT} + :number - :most) / :rate FROM throttle t WHERE key = :key")


async def attempt(executor: Executor, tries: Sequence[Tries], longest: float) -> float | None:
    """Count one try of each; or count none and say how many seconds to wait, if one has to."""
    binds = {
        "keys": [one.key for one in tries],
        "free": [one.free for one in tries],
        "unless": [one.unless for one in tries],
        "longest": float(longest),
    }
    row = (await executor.execute(_TRY, binds)).one()
    return None if row.allowed else float(row.wait)


async def forgive(
    executor: Executor,
    *,
    taken_back: Sequence[str],
    forgotten: Sequence[str] = (),
    remembered: Sequence[str] = (),
    seconds: float = 0,
) -> None:
    """After a try that was none: count down by one, count from nothing again, and let be there for
    so many seconds, as what lifts a limit."""
    binds = {
        "taken_back": list(taken_back),
        "forgotten": list(forgotten),
        "remembered": list(remembered),
        "seconds": float(seconds),
    }
    await executor.execute(_FORGIVE, binds)


async def take(executor: Executor, key: str, bucket: Bucket, number: int) -> float | None:
    """Take so many out of a bucket; or none and say in how many seconds there will be enough."""
    binds = {
        "key": key,
        "number": float(min(number, bucket.most)),
        "most": float(bucket.most),
        "rate": bucket.rate,
    }
    if (await executor.execute(_TAKE, binds)).first():
        return None
    wait = (await executor.execute(_UNTIL, binds)).scalar()
    return max(float(wait or 0), 0.0)
