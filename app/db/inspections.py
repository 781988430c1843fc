"""Looks of the reconciler at credentials: claimed, fenced and recorded as resources are.

An account has one credential, so the plain order is fair: what somebody asked for before what only
the clock brings. Those whose last look found nothing out are limited apart from the others: each
may hold its slot for as long as a look may take. A claim is one statement that commits itself and
never waits. A record holds only while the lease does and for the kubeconfig that was looked at: of
one that was replaced meanwhile nothing is known, and the new one is due. Looks that came to no end
are counted as those at resources are (`claims`, decision 31).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from app.db import credentials
from app.db.claims import CRASHES, counted, due, due_when_asked, suspected
from app.db.rows import Executor, columns, read
from app.db.session import Session
from app.domain.reasons import Reason
from app.domain.settings import CredentialState
from app.domain.states import Lane


@dataclass(frozen=True, slots=True)
class Inspection:
    """A credential under lease; `model` is sealed. `silent`: the last look at just this kubeconfig
    found nothing out. `crashes`: so many claims before it came to no end, the last one that of
    `last_worker`."""

    id: UUID
    account_id: UUID
    generation: int
    model: bytes
    k8s_namespace: str
    state: CredentialState
    reason: str | None
    attempts: int
    asked: int
    lease_token: UUID
    silent: bool
    crashes: int
    last_worker: str | None


@dataclass(frozen=True, slots=True)
class Present:
    """The credential that an account has now; `model` is sealed."""

    id: UUID
    generation: int
    model: bytes
    server: str
    k8s_namespace: str
    state: CredentialState


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look found out; `state` None: nothing, it is what it was. `after`: the next look;
    `held`: how long it rests whoever asks, after which a claim is one trial."""

    after: timedelta
    state: CredentialState | None
    reason: Reason | None = None
    message: str | None = None
    username: str | None = None
    missing: Sequence[str] = field(default_factory=tuple)
    attempts: int = 0
    held: timedelta | None = None


_SILENT = "(c.attempts > 0 AND c.observed_generation = c.generation)"
_DUE = f"""
SELECT c.id, c.locked_by FROM credential c
WHERE {due("c")} AND NOT ({suspected("c")}) AND {{which}}
ORDER BY c.lane, c.due_at LIMIT :{{most}} FOR NO KEY UPDATE SKIP LOCKED
"""
_TAKE = f"""
UPDATE credential c SET locked_until = mooring_now() + :lease, lease_token = gen_random_uuid(),
  locked_by = :worker, claims = claims + 1, crashes = {counted("c")}
FROM due WHERE c.id = due.id
RETURNING {columns(Inspection, "c", silent=_SILENT, last_worker="due.locked_by")}
"""
_CLAIM = text(f"""
WITH answering AS MATERIALIZED ({_DUE.format(which=f"NOT {_SILENT}", most="slots")}),
silent AS MATERIALIZED ({_DUE.format(which=_SILENT, most="again")}),
due AS (SELECT * FROM answering UNION ALL SELECT * FROM silent)
{_TAKE}""")
_ONE_SUSPECT = text(f"""
WITH due AS MATERIALIZED (
  SELECT c.id, c.locked_by FROM credential c WHERE {due("c")} AND {suspected("c")}
  ORDER BY c.crashes, c.due_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
{_TAKE}""")
_LOCK = text("""
SELECT c.state, c.reason, c.generation FROM credential c
WHERE c.id = :id AND c.lease_token = :token AND c.locked_until > mooring_clock()
FOR NO KEY UPDATE
""")
_RECORD = text(f"""
UPDATE credential c SET state = coalesce(:state, c.state), reason = :reason, message = :message,
  username = CASE WHEN :known THEN :username ELSE c.username END,
  missing = CASE WHEN :known THEN CAST(:missing AS text[]) ELSE c.missing END,
  observed_generation = :generation, checked_at = mooring_now(), attempts = :attempts,
  updated_at = CASE WHEN :visible THEN greatest(mooring_now(), c.updated_at) ELSE c.updated_at END,
  lane = CASE WHEN c.asked = :asked THEN :lane ELSE c.lane END,
  due_at = CASE WHEN c.asked = :asked THEN mooring_now() + :after ELSE c.due_at END,
  lease_token = NULL, locked_until = '-infinity', locked_by = :crashed,
  crashes = CASE WHEN CAST(:crashed AS text) IS NULL THEN 0 ELSE {CRASHES - 2} END,
  held_until = mooring_now() + CAST(:held AS interval)
WHERE c.id = :id AND c.lease_token = :token AND c.locked_until > mooring_clock()
""")
_RELEASE = text("""
UPDATE credential SET lease_token = NULL, locked_until = '-infinity', locked_by = NULL
WHERE id = :id AND lease_token = :token
""")
_PRESENT = text(f"""
SELECT {columns(Present, "c")} FROM credential c WHERE c.account_id = :account_id
""")
_ASK = text(f"""
UPDATE credential c SET asked = asked + 1, lane = 0, due_at = {due_when_asked("c")}
WHERE account_id = :account_id
""")


async def claim(
    executor: Executor, *, slots: int, again: int, lease: timedelta, worker: str
) -> list[Inspection]:
    """Credentials that are due, now under our lease: at most `slots` of which the last look found
    something out, or that had none yet, and `again` of the others."""
    binds = {"slots": slots, "again": again, "lease": lease, "worker": worker}
    return read(Inspection, await executor.execute(_CLAIM, binds))


async def claim_suspect(executor: Executor, *, lease: timedelta, worker: str) -> Inspection | None:
    """One that is due and that `claim` leaves out, now under our lease; hold nothing beside it."""
    binds = {"lease": lease, "worker": worker}
    return next(iter(read(Inspection, await executor.execute(_ONE_SUSPECT, binds))), None)


async def release(executor: Executor, looked: Inspection) -> None:
    """Give it back as it was; nothing is known about it, but that its worker lives."""
    await executor.execute(_RELEASE, {"id": looked.id, "token": looked.lease_token})


async def record(session: Session, looked: Inspection, finding: Finding) -> None:
    """Write a finding where the lease still holds, and tell whoever it is news for."""
    fence = {"id": looked.id, "token": looked.lease_token}
    row = (await session.execute(_LOCK, fence)).first()
    if row is None:
        return
    crashed = finding.reason is Reason.WORKER_CRASHED
    # Whose workers it ended is known of an account, whatever kubeconfig it sets.
    if row.generation != looked.generation and not crashed:
        await session.execute(_RELEASE, fence)
        return
    state = finding.state or CredentialState(row.state)
    visible = (state, finding.reason) != (row.state, row.reason)
    await session.execute(
        _RECORD,
        fence
        | {
            "state": state.value,
            "reason": finding.reason,
            "message": finding.message,
            "known": finding.state is not None,
            "username": finding.username,
            "missing": list(finding.missing),
            "generation": looked.generation,
            "attempts": finding.attempts,
            "visible": visible,
            "asked": looked.asked,
            "lane": int(Lane.CLOCK),
            "after": finding.after,
            # Nothing was tried. Its next claim is a trial.
            "crashed": looked.last_worker if crashed else None,
            "held": finding.held,
        },
    )
    if state != row.state:
        await credentials.moved(session, looked.account_id)
    elif visible:
        credentials.tell(session, looked.account_id)


async def present(executor: Executor, account_id: UUID) -> Present | None:
    """The credential of an account, for a pass over one of its resources."""
    found = read(Present, await executor.execute(_PRESENT, {"account_id": account_id}))
    return found[0] if found else None


async def ask(executor: Executor, account_id: UUID) -> None:
    """Have the credential of an account looked at now."""
    await executor.execute(_ASK, {"account_id": account_id})
