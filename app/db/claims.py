"""Claiming due rows under a lease: who may act on a resource, and until when.

The claim is fair: per lane a skip scan over accounts (at most 256, the start rotates) takes at most
8 rows of each, and no more than there is room for; lane 2, the clock, goes by time, and only among
the next ones by turns. Each is one statement that commits itself, so that `now()` is its own start,
and it never waits (SKIP LOCKED), so it cannot be part of a deadlock. SQL and figures:
data-layer.md section 3.

A lease is `locked_until` and `lease_token`, new with each claim: the token is the fence of every
result. The holder counts the lease on its own monotonic clock from before the claim was sent.

`locked_by` stays when a claim comes to no end (a record or a release takes it away), so `crashes`
counts how many did in a row before this one: their workers died, hung or lost Postgres for as long
as a lease. From `SUSPECT` of them on a row is left out here, for `claim_suspect`: it may be what
they died of, and others in flight beside it would be counted with it. Kubeconfigs are counted and
left out in the same way (`inspections`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import text

from app.db.generated import UNMOVED
from app.db.rows import Executor, columns, read
from app.domain.states import DesiredState, Lane, Phase, ResourceKind
from app.domain.steadiness import Steadiness

ACCOUNTS_PER_CLAIM = 256
ROWS_PER_ACCOUNT = 8
# The clock's accounts take turns among so many times the rows that are wanted.
_AHEAD = 4
# Claims in a row that came to no end: from so many on a row is claimed alone.
SUSPECT = 3
# And from so many on it is not tried: it has ended its workers.
CRASHES = 5
_NONE: Mapping[UUID, int] = MappingProxyType({})


def due(row: str) -> str:
    """SQL: whether it is time for a look at this row, and nobody's."""
    return f"{row}.due_at <= mooring_now() AND {row}.locked_until <= mooring_now()"


def suspected(row: str) -> str:
    """SQL: whether several workers may have died of it, so that it is claimed alone."""
    return f"{row}.locked_by IS NOT NULL AND {row}.crashes + 1 >= {SUSPECT}"


def counted(row: str) -> str:
    """SQL: its `crashes` once it is claimed."""
    return f"CASE WHEN {row}.locked_by IS NULL THEN 0 ELSE {row}.crashes + 1 END"


def crashed(row: str) -> str:
    """SQL: whether it is known to have ended its workers (decision 31). Its reason does not say:
    a database that somebody stopped says so on."""
    return f"({row}.locked_by IS NOT NULL AND {row}.crashes >= {CRASHES - 2})"


def due_when_asked(row: str) -> str:
    """SQL: when somebody asks for a look, it is due; what ended its workers rests first, for each
    trial may cost one more."""
    return f"greatest(mooring_now(), CASE WHEN {crashed(row)} THEN {row}.held_until END)"


@dataclass(frozen=True, slots=True)
class Claim:
    """One resource row under lease, as the claim returned it; `claimed_at` by Postgres' clock.

    `server` and `namespace`: the user's cluster that it was made in; server None is the operator's.
    `crashes`: so many claims before it came to no end, the last one that of `last_worker`.
    `trace_id`: the request of its last intent, or of a retry since.
    """

    id: UUID
    project_id: UUID
    account_id: UUID
    kind: ResourceKind
    name: str
    desired_state: DesiredState
    generation: int
    generation_since: datetime
    desired_generation: int
    phase: Phase
    phase_since: datetime
    was_ready: bool
    observed_generation: int
    failed_generation: int | None
    reason: str | None
    object: str | None
    since: datetime | None
    attempts: int
    asked: int
    lane: Lane
    lease_token: UUID
    claims: int
    crashes: int
    claimed_at: datetime
    due_at: datetime
    updated_at: datetime
    falls: int
    falling_since: datetime | None
    fell_at: datetime | None
    up_since: datetime | None
    server: str | None = None
    namespace: str | None = None
    last_worker: str | None = None
    trace_id: UUID | None = None

    @property
    def steadiness(self) -> Steadiness:
        """How steadily it ran until its last look."""
        return Steadiness(self.falls, self.falling_since, self.fell_at, self.up_since)


def _of_either_kind(column: str) -> str:
    """A detail that both kinds have: two look-ups by key in place of a statement in each pass."""
    return (
        f"CASE r.kind WHEN 'SANDBOX' THEN (SELECT s.{column} FROM sandbox s WHERE s.id = r.id)"
        f" ELSE (SELECT d.{column} FROM database d WHERE d.id = r.id) END"
    )


_PLACE = {"server": _of_either_kind("k8s_server"), "namespace": _of_either_kind("k8s_namespace")}
_TAKE = f"""
UPDATE resource r SET {UNMOVED},
  locked_until = mooring_now() + :lease, lease_token = gen_random_uuid(),
  locked_by = :worker, claims = claims + 1,
  crashes = {counted("r")}
FROM due WHERE r.id = due.id
RETURNING {columns(Claim, "r", claimed_at="mooring_now()", last_worker="due.locked_by", **_PLACE)}
"""
_DUE, _SUSPECT = due("r"), suspected("r")

# Of an account's rows, by number: what it has room for. Of one that has passes under way that is
# said; of one with a cluster of its own, which is known by its kubeconfig, it is less.
_ROOM = """
numbered.n <= coalesce(
  (SELECT b.room FROM unnest(CAST(:busy AS uuid[]), CAST(:room AS int[])) b(account_id, room)
   WHERE b.account_id = numbered.account_id),
  CASE WHEN EXISTS (SELECT 1 FROM credential c WHERE c.account_id = numbered.account_id)
       THEN CAST(:each_own AS int) ELSE CAST(:each AS int) END)
"""
_ON_SIDE = """
(CAST(:own AS boolean) IS NULL OR CAST(:own AS boolean)
 = EXISTS (SELECT 1 FROM credential c WHERE c.account_id = {account}))
"""

# `lane < 2` beside `lane = :lane` proves the partial index even under a generic plan.
_FAIR = text(f"""
WITH RECURSIVE a AS (
  (SELECT account_id, 1 AS n FROM resource
   WHERE lane = :lane AND lane < 2 AND account_id > :after ORDER BY account_id LIMIT 1)
  UNION ALL
  SELECT x.account_id, a.n + 1 FROM a CROSS JOIN LATERAL
    (SELECT r.account_id FROM resource r
     WHERE r.lane = :lane AND r.lane < 2 AND r.account_id > a.account_id
     ORDER BY r.account_id LIMIT 1) x
  WHERE a.n < {ACCOUNTS_PER_CLAIM}),
due AS MATERIALIZED (
  SELECT numbered.id, numbered.locked_by FROM a CROSS JOIN LATERAL (
    SELECT d.id, d.locked_by, a.account_id, row_number() OVER () AS n FROM (
      SELECT r.id, r.locked_by FROM resource r
      WHERE r.lane = :lane AND r.lane < 2 AND r.account_id = a.account_id
        AND {_DUE} AND NOT ({_SUSPECT})
      ORDER BY r.due_at LIMIT {ROWS_PER_ACCOUNT} FOR NO KEY UPDATE SKIP LOCKED) d) numbered
  WHERE a.account_id <> ALL (CAST(:saturated AS uuid[]))
    AND {_ON_SIDE.format(account="a.account_id")} AND {_ROOM} LIMIT :slots),
taken AS ({_TAKE})
SELECT l.account_id AS last, l.n, taken.*
FROM (SELECT account_id, n FROM a ORDER BY n DESC LIMIT 1) l LEFT JOIN taken ON true
""")

_PLAIN = text(f"""
WITH due AS MATERIALIZED (
  SELECT numbered.id, numbered.locked_by FROM (
    SELECT d.*, row_number() OVER (PARTITION BY d.account_id) AS n FROM (
      SELECT r.id, r.locked_by, r.account_id FROM resource r
      WHERE r.lane = :lane AND {_DUE} AND NOT ({_SUSPECT})
        AND r.account_id <> ALL (CAST(:saturated AS uuid[]))
        AND {_ON_SIDE.format(account="r.account_id")}
      ORDER BY r.due_at LIMIT {_AHEAD} * CAST(:slots AS int)
      FOR NO KEY UPDATE SKIP LOCKED) d) numbered
  WHERE {_ROOM} ORDER BY numbered.n LIMIT :slots)
{_TAKE}""")

# All lanes are named, so that the index on lane and due_at serves: few rows are due.
_DUE_SUSPECTS = f"FROM resource r WHERE r.lane = ANY ('{{0, 1, 2}}') AND {_DUE} AND {_SUSPECT}"
_SUSPECTS_DUE = text(f"""
SELECT EXISTS (SELECT {_DUE_SUSPECTS})
  OR EXISTS (SELECT FROM credential c WHERE c.lane = ANY ('{{0, 2}}')
    AND {due("c")} AND {suspected("c")})
""")
# The least suspected first: what is innocent is so before the next worker dies.
_ONE_SUSPECT = text(f"""
WITH due AS MATERIALIZED (
  SELECT r.id, r.locked_by {_DUE_SUSPECTS}
  ORDER BY r.crashes, r.due_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
{_TAKE}""")

# Locked in order of id, whatever the plan: an UPDATE alone takes its rows as they come.
_RENEW = text(f"""
WITH k AS MATERIALIZED (
  SELECT r.id FROM resource r
  JOIN unnest(CAST(:ids AS uuid[]), CAST(:tokens AS uuid[])) i(id, token)
    ON r.id = i.id AND r.lease_token = i.token
  WHERE r.locked_until > mooring_clock() ORDER BY r.id FOR NO KEY UPDATE OF r)
UPDATE resource r SET {UNMOVED}, locked_until = mooring_clock() + :lease
FROM k WHERE r.id = k.id
RETURNING r.id
""")

_RELEASE = text(f"""
WITH k AS MATERIALIZED (
  SELECT r.id FROM resource r
  JOIN unnest(CAST(:ids AS uuid[]), CAST(:tokens AS uuid[])) i(id, token)
    ON r.id = i.id AND r.lease_token = i.token
  ORDER BY r.id FOR NO KEY UPDATE OF r)
UPDATE resource r SET {UNMOVED}, lease_token = NULL, locked_by = NULL,
  locked_until = least(r.locked_until, mooring_clock() + :after)
FROM k WHERE r.id = k.id
""")

_HELD = text("""
SELECT generation FROM resource
WHERE id = :id AND lease_token = :token AND locked_until > mooring_clock()
""")


async def claim(
    executor: Executor,
    *,
    lane: Lane,
    after: UUID,
    slots: int,
    saturated: Sequence[UUID],
    lease: timedelta,
    worker: str,
    rooms: Mapping[UUID, int] = _NONE,
    each: int = ROWS_PER_ACCOUNT,
    each_own: int = ROWS_PER_ACCOUNT,
    own: bool | None = None,
) -> tuple[list[Claim], UUID | None]:
    """At most `slots` due rows of `lane`, now under our lease.

    Begins with the accounts that follow `after`; also gives the last account that was looked at,
    None at the end of a lap. Of one account at most its room in `rooms`, else `each`, or
    `each_own` if it brings a cluster. `own`: only of accounts that do, or of those that do not.
    """
    binds = {
        "lane": int(lane),
        "slots": slots,
        "saturated": list(saturated),
        "busy": list(rooms),
        "room": list(rooms.values()),
        "each": each,
        "each_own": each_own,
        "own": own,
        "lease": lease,
        "worker": worker,
    }
    if lane == Lane.CLOCK:
        return read(Claim, await executor.execute(_PLAIN, binds)), None
    rows = (await executor.execute(_FAIR, binds | {"after": after})).all()
    found = read(Claim, [row[2:] for row in rows if row.id is not None])
    more = bool(rows) and rows[0].n == ACCOUNTS_PER_CLAIM
    return found, rows[0].last if more else None


async def renew(executor: Executor, held: Sequence[Claim], lease: timedelta) -> set[UUID]:
    """Lengthen the leases of `held`; the ids that are still ours."""
    found = await executor.execute(_RENEW, _tokens(held) | {"lease": lease})
    return {row.id for row in found}


async def are_suspects_due(executor: Executor) -> bool:
    """Whether rows or kubeconfigs are due that their claims leave out."""
    return bool((await executor.execute(_SUSPECTS_DUE)).scalar_one())


async def claim_suspect(executor: Executor, *, lease: timedelta, worker: str) -> Claim | None:
    """One due row that `claim` leaves out, now under our lease; hold nothing beside it."""
    found = read(Claim, await executor.execute(_ONE_SUSPECT, {"lease": lease, "worker": worker}))
    return found[0] if found else None


async def release(
    executor: Executor, held: Sequence[Claim], after: timedelta = timedelta(0)
) -> None:
    """Give rows back as they were, due as they are, nobody's before `after`; nothing is known
    about them, but that their worker lives."""
    await executor.execute(_RELEASE, _tokens(held) | {"after": after})


def _tokens(held: Sequence[Claim]) -> dict[str, object]:
    return {"ids": [claim.id for claim in held], "tokens": [claim.lease_token for claim in held]}


async def still_current(executor: Executor, claim: Claim) -> bool:
    """The lease is ours and no new intent has come: read again before the first write."""
    binds = {"id": claim.id, "token": claim.lease_token}
    generation = (await executor.execute(_HELD, binds)).scalar_one_or_none()
    return generation == claim.generation
