"""Recording what passes found out: one fenced transaction for a batch, in the lock order.

Projects by id, then the claimed rows by id under their tokens, then one set-based update; details
and rows that are gone; the aggregate; the feed. Each lock is a statement of its own, because READ
COMMITTED takes a statement's snapshot before it waits (data-layer.md sections 1 and 4). An outcome
whose lease is over, or whose row is another's by now, is dropped here: 0 rows.

Who has to look because of what is written (a resource that waits for another of its project, the
sandboxes of a database that is reached in another way) is asked in the same transaction: nobody
else would ask them. So they are locked with the claimed rows, by id, before it is known whether
anything moves.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from uuid import UUID

from sqlalchemy import TextClause, text

from app.db import projects, resources
from app.db.claims import CRASHES, Claim
from app.db.feed import NewChange
from app.db.rows import columns, filled, read
from app.db.session import Session
from app.domain.observation import (
    UNSEEN,
    Addresses,
    Details,
    Endpoint,
    Outcome,
    Seen,
    lane_after,
    leaves_reason,
    merge,
    words,
)
from app.domain.reasons import WAITING, Reason
from app.domain.states import DesiredState, Inputs, Phase, ResourceKind, ResourceStatus


@dataclass(frozen=True, slots=True)
class Recorded:
    """Which outcomes were written, which of their rows somebody asked about meanwhile, and who was
    asked because of what was written."""

    written: frozenset[UUID]
    asked_again: frozenset[UUID]
    woken: frozenset[UUID] = frozenset()


class LeaseEnded(Exception):  # noqa: N818 - no fault: the batch is tried again without it
    """A lease ended between the lock and the removal of its row; nothing was written."""


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    lease_token: UUID
    project_id: UUID
    account_id: UUID
    kind: ResourceKind
    name: str
    desired_state: DesiredState
    phase: Phase
    was_ready: bool
    generation: int
    desired_generation: int
    observed_generation: int
    failed_generation: int | None
    status: ResourceStatus
    reason: str | None
    object: str | None
    asked: int
    public_url: str | None
    ttyd_url: str | None
    host: str | None
    port: int | None
    database: str | None
    username: str | None
    observed_version: str | None
    # Claimed, under the token of its outcome.
    ours: bool
    # A sibling of one that is, which may have to look: itself claimed or not.
    beside: bool

    @property
    def details(self) -> Details:
        if self.is_sandbox:
            return Addresses(self.public_url, self.ttyd_url)
        return Endpoint(self.host, self.port, self.database, self.username, self.observed_version)

    @property
    def is_sandbox(self) -> bool:
        return self.kind == ResourceKind.SANDBOX

    @property
    def waits(self) -> bool:
        """Whether it waited for another of its project when it was last looked at."""
        return self.reason in WAITING

    @property
    def seen(self) -> Seen:
        inputs = Inputs(
            self.desired_state,
            self.phase,
            self.was_ready,
            self.generation,
            self.desired_generation,
            self.observed_generation,
            self.failed_generation,
        )
        return Seen(inputs, self.reason, self.object, self.details)


_ADDRESS = [field.name for field in fields(Addresses)]
_ENDPOINT = [field.name for field in fields(Endpoint)]
_JOINED = {name: f"s.{name}" for name in _ADDRESS} | {name: f"d.{name}" for name in _ENDPOINT}
_CLAIMED = "unnest(CAST(:ids AS uuid[]), CAST(:tokens AS uuid[])) i(id, token)"
_OURS = "r.id = i.id AND r.lease_token = i.token AND r.locked_until > mooring_clock()"
_BESIDE = """coalesce(r.project_id = ANY(CAST(:projects AS uuid[]))
  AND (r.reason = ANY(CAST(:waiting AS text[]))
    OR r.kind = 'SANDBOX' AND r.project_id = ANY(CAST(:reached AS uuid[]))), false)"""


def _locking(those: str, which: str, beside: str = "false") -> TextClause:
    return text(f"""
SELECT {columns(_Row, "r", **_JOINED, ours="i.token IS NOT NULL", beside=beside)}
FROM {those} LEFT JOIN sandbox s ON s.id = r.id LEFT JOIN database d ON d.id = r.id
WHERE {which} ORDER BY r.id FOR NO KEY UPDATE OF r
""")


_LOCK = _locking(f"{_CLAIMED} JOIN resource r ON {_OURS}", "true")
# Each row comes once. From a UNION of both, a row that somebody touched while it was waited for
# came back as the other: as a sibling and not ours, so that nothing was written, or ours twice.
_LOCK_SIBLINGS = _locking(
    f"resource r LEFT JOIN {_CLAIMED} ON {_OURS}",
    "(r.id = ANY(CAST(:ids AS uuid[])) OR r.project_id = ANY(CAST(:projects AS uuid[])))"
    f" AND (i.token IS NOT NULL OR {_BESIDE})",
    _BESIDE,
)

_WRITTEN = (
    ("id", "uuid"),
    ("token", "uuid"),
    ("asked", "bigint"),
    ("phase", "text"),
    ("was_ready", "boolean"),
    ("observed_generation", "int"),
    ("failed_generation", "int"),
    ("reason", "text"),
    ("message", "text"),
    ("leaves", "boolean"),
    ("object", "text"),
    ("attempts", "int"),
    ("falls", "smallint"),
    ("falling_since", "timestamptz"),
    ("fell_at", "timestamptz"),
    ("up_since", "timestamptz"),
    ("lane", "smallint"),
    ("after", "interval"),
    ("held", "interval"),
    ("visible", "boolean"),
    ("crashed", "text"),
)

_UPDATE = text(f"""
UPDATE resource r SET
  phase = i.phase, was_ready = i.was_ready, observed_generation = i.observed_generation,
  phase_since = CASE WHEN r.phase = i.phase AND r.observed_generation = i.observed_generation
    THEN r.phase_since ELSE mooring_now() END,
  failed_generation = i.failed_generation,
  reason = i.reason, object = i.object, attempts = i.attempts,
  message = CASE WHEN i.leaves THEN split_part(r.message, '{UNSEEN}', 1) ELSE '' END || i.message,
  falls = i.falls, falling_since = i.falling_since, fell_at = i.fell_at, up_since = i.up_since,
  since = CASE WHEN i.reason IS NULL THEN NULL WHEN r.reason = i.reason THEN r.since
    ELSE mooring_now() END,
  held_until = mooring_now() + i.held,
  updated_at = CASE WHEN i.visible THEN greatest(mooring_now(), r.updated_at) ELSE r.updated_at END,
  lane = CASE WHEN r.asked = i.asked THEN i.lane ELSE r.lane END,
  due_at = CASE WHEN r.asked = i.asked THEN mooring_now() + i.after ELSE r.due_at END,
  lease_token = NULL, locked_until = '-infinity', locked_by = i.crashed,
  crashes = CASE WHEN i.crashed IS NULL THEN 0 ELSE {CRASHES - 2} END
FROM unnest({", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _WRITTEN)})
  i({", ".join(name for name, _ in _WRITTEN)})
WHERE r.id = i.id AND r.lease_token = i.token AND r.locked_until > mooring_clock()
RETURNING r.id, r.status, r.asked <> i.asked AS asked_again
""")

_ADDRESSES = text("""
UPDATE sandbox s SET public_url = i.public_url, ttyd_url = i.ttyd_url
FROM unnest(CAST(:ids AS uuid[]), CAST(:public_url AS text[]), CAST(:ttyd_url AS text[]))
  i(id, public_url, ttyd_url)
WHERE s.id = i.id
""")

_ENDPOINTS = text("""
UPDATE database d SET host = i.host, port = i.port, database = i.database,
  username = i.username, observed_version = i.observed_version,
  password = coalesce(i.password, d.password)
FROM unnest(CAST(:ids AS uuid[]), CAST(:host AS text[]), CAST(:port AS int[]),
  CAST(:database AS text[]), CAST(:username AS text[]), CAST(:observed_version AS text[]),
  CAST(:passwords AS bytea[]))
  i(id, host, port, database, username, observed_version, password)
WHERE d.id = i.id
""")

_VOLUMES = {
    kind: text(f"""
UPDATE {kind.lower()} k SET volumes = i.volumes
FROM unnest(CAST(:ids AS uuid[]), CAST(:volumes AS text[])) i(id, volumes) WHERE k.id = i.id
""")
    for kind in ResourceKind
}

_REMOVE_PORTS = text("DELETE FROM sandbox_port WHERE sandbox_id = ANY(CAST(:ids AS uuid[]))")
_REMOVE_DETAILS = {
    kind: text(f"DELETE FROM {kind.lower()} WHERE id = ANY(CAST(:ids AS uuid[]))")
    for kind in ResourceKind
}
_REMOVE = text("""
DELETE FROM resource r USING unnest(CAST(:ids AS uuid[]), CAST(:tokens AS uuid[])) i(id, token)
WHERE r.id = i.id AND r.lease_token = i.token AND r.locked_until > mooring_clock()
RETURNING r.id
""")


async def record(session: Session, results: Sequence[tuple[Claim, Outcome]]) -> Recorded:
    """Write `results` where their leases still hold; the caller's `begin()` commits."""
    before = await projects.lock_all(session, {claim.project_id for claim, _ in results})
    rows = await _lock(session, results)
    by_token = {claim.lease_token: (claim, outcome) for claim, outcome in results}
    passes = [_Pass(row, *by_token[row.lease_token]) for row in rows if row.ours]
    gone = await _remove(session, [p for p in passes if p.goes])
    written, asked_again = await _write(session, [p for p in passes if not p.goes])
    moved = {change.project_id for change in session.changes}
    reached = {p.row.project_id for p in passes if p.row.id in written | gone and p.reaches}
    siblings = [row for row in rows if row.beside]
    waiting = [row for row in siblings if row.waits and row.id not in written | gone]
    woken = {row.id for row in siblings if row.is_sandbox and row.project_id in reached}
    woken |= {row.id for row in waiting if row.project_id in moved | reached}
    if woken:
        await resources.ask(session, woken, unless_crashed=True)
    await projects.settle(session, [p for p in before if p.id in moved])
    return Recorded(frozenset(written | gone), frozenset(asked_again), frozenset(woken))


class _Pass:
    """A locked row, and what a pass found out about it."""

    def __init__(self, row: _Row, claim: Claim, outcome: Outcome) -> None:
        # An empty row that is to go goes, unless somebody asked since: then it waits for a look.
        empty = outcome.gone and row.desired_state == DesiredState.DELETED
        self.goes = empty and row.asked == claim.asked
        if empty and not self.goes:
            outcome = replace(outcome, phase=Phase.TERMINATING)
        self.row = row
        self.claim = claim
        self.outcome = outcome
        before = row.seen
        self.seen = merge(before, outcome)
        self.leaves = leaves_reason(before, outcome)
        self.changed = before.visible() != self.seen.visible()
        self.visible = self.changed or outcome.healed is not None
        self.moves = self.seen.details != before.details or outcome.password is not None

    @property
    def reaches(self) -> bool:
        """Whether it is a database that sandboxes reach in another way from now on."""
        return self.row.kind == ResourceKind.DATABASE and (self.moves or self.goes)

    def line(self) -> dict[str, object]:
        """What is written, by the names of `_WRITTEN`."""
        steadiness = self.outcome.steadiness or self.claim.steadiness
        return {
            "id": self.row.id,
            "token": self.row.lease_token,
            "asked": self.claim.asked,
            "phase": self.seen.inputs.phase,
            "was_ready": self.seen.inputs.was_ready,
            "observed_generation": self.seen.inputs.observed_generation,
            "failed_generation": self.seen.inputs.failed_generation,
            "reason": self.seen.reason,
            "message": words(self.row.seen, self.outcome),
            "leaves": self.leaves or None,
            "object": self.seen.object,
            "attempts": self.outcome.attempts,
            "lane": int(lane_after(self.seen.inputs, self.outcome.after)),
            "after": self.outcome.after,
            "held": self.outcome.held,
            "visible": self.visible or None,
            # Nothing was tried. Its next claim is a trial; if that ends badly too, no more follows.
            "crashed": self.claim.last_worker
            if self.outcome.reason is Reason.WORKER_CRASHED
            else None,
            "falls": steadiness.falls,
            "falling_since": steadiness.falling_since,
            "fell_at": steadiness.fell_at,
            "up_since": steadiness.up_since,
        }

    def lines(self) -> list[NewChange]:
        """The lines of history of one that stays: what was undone, and what is to be seen now."""
        lines = []
        if self.outcome.healed is not None:
            healed = self.change("healed", self.row.status)
            lines = [replace(healed, reason=Reason.DRIFT_HEALED, message=self.outcome.healed)]
        if self.changed:
            status = self.seen.status
            lines.append(self.change("observed" if self.row.status == status else "status", status))
        return lines

    def change(self, word: str, to_status: ResourceStatus) -> NewChange:
        """The line of history."""
        return NewChange(
            account_id=self.row.account_id,
            project_id=self.row.project_id,
            action=f"{self.row.kind.lower()}.{word}",
            subject_id=self.row.id,
            subject_type=self.row.kind.capitalize(),
            subject_name=self.row.name,
            from_status=self.row.status,
            to_status=to_status,
            reason=self.seen.reason,
            message=self.outcome.message,
        )


async def _lock(session: Session, results: Sequence[tuple[Claim, Outcome]]) -> list[_Row]:
    """The claimed rows, and those that may have to look because of what is written to these."""
    binds: dict[str, object] = {
        "ids": [claim.id for claim, _ in results],
        "tokens": [claim.lease_token for claim, _ in results],
    }
    awaited = {claim.project_id for claim, _ in results if _is_awaited(claim)}
    if not awaited:
        return read(_Row, await session.execute(_LOCK, binds))
    reached = {claim.project_id for claim, outcome in results if _moves(claim, outcome)}
    also = {"projects": list(awaited), "reached": list(reached), "waiting": list(WAITING)}
    return read(_Row, await session.execute(_LOCK_SIBLINGS, binds | also))


def _is_awaited(claim: Claim) -> bool:
    """Whether others of its project may wait for it: sandboxes do for databases, and databases for
    sandboxes that stop."""
    return claim.kind == ResourceKind.DATABASE or claim.desired_state == DesiredState.STOPPED


def _moves(claim: Claim, outcome: Outcome) -> bool:
    """Whether it may be a database that sandboxes reach in another way once this is written."""
    told = outcome.details is not None or outcome.password is not None
    return claim.kind == ResourceKind.DATABASE and (told or outcome.gone)


async def _remove(session: Session, passes: Sequence[_Pass]) -> set[UUID]:
    if not passes:
        return set()
    ids = [p.row.id for p in passes]
    await session.execute(_REMOVE_PORTS, {"ids": ids})
    for kind in {p.row.kind for p in passes}:
        await session.execute(_REMOVE_DETAILS[kind], {"ids": ids})
    binds = {"ids": ids, "tokens": [p.row.lease_token for p in passes]}
    gone = {row.id for row in await session.execute(_REMOVE, binds)}
    if len(gone) < len(passes):
        # Their details went already; nothing of this transaction may stay.
        raise LeaseEnded
    session.changes += [p.change("gone", ResourceStatus.TERMINATED) for p in passes]
    return gone


async def _write(session: Session, passes: Sequence[_Pass]) -> tuple[set[UUID], set[UUID]]:
    if not passes:
        return set(), set()
    lines = [p.line() for p in passes]
    arrays = {name: filled([line[name] for line in lines]) for name, _ in _WRITTEN}
    done = {row.id: row for row in await session.execute(_UPDATE, arrays)}
    visible = [p for p in passes if p.visible and p.row.id in done]
    await _write_details(session, [p for p in passes if p.moves and p.row.id in done])
    await _write_volumes(session, [p for p in passes if p.row.id in done])
    session.changes += [line for p in visible for line in p.lines()]
    return set(done), {row.id for row in done.values() if row.asked_again}


async def _write_details(session: Session, moved: Sequence[_Pass]) -> None:
    sandboxes = [p for p in moved if p.row.kind == ResourceKind.SANDBOX]
    databases = [p for p in moved if p.row.kind == ResourceKind.DATABASE]
    if sandboxes:
        await session.execute(_ADDRESSES, _arrays(sandboxes, _ADDRESS))
    if databases:
        passwords = {"passwords": [p.outcome.password for p in databases]}
        await session.execute(_ENDPOINTS, _arrays(databases, _ENDPOINT) | passwords)


async def _write_volumes(session: Session, passes: Sequence[_Pass]) -> None:
    for kind, statement in _VOLUMES.items():
        others = [p for p in passes if p.row.kind == kind and p.outcome.volumes is not None]
        if others:
            ids, volumes = [p.row.id for p in others], [p.outcome.volumes for p in others]
            await session.execute(statement, {"ids": ids, "volumes": volumes})


def _arrays(passes: Sequence[_Pass], names: Sequence[str]) -> dict[str, object]:
    """The details of rows of one kind, an array for each column."""
    found = zip(*(astuple(p.seen.details) for p in passes), strict=True)
    return {"ids": [p.row.id for p in passes]} | dict(zip(names, map(list, found), strict=True))
