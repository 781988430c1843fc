"""Recording what passes found out: one fenced transaction for a batch, in the lock order.

Projects by id, then the claimed rows by id under their tokens, then one set-based update; details
and rows that are gone; the aggregate; the feed. Each lock is a statement of its own, because READ
COMMITTED takes a statement's snapshot before it waits (data-layer.md sections 1 and 4). An outcome
whose lease is over, or whose row is another's by now, is dropped here: 0 rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from app.db import projects
from app.db.claims import Claim
from app.db.feed import NewChange
from app.db.rows import columns, read
from app.db.session import Session
from app.domain.observation import Addresses, Outcome, Seen, lane_after, merge
from app.domain.states import DesiredState, Inputs, Phase, ResourceKind, ResourceStatus


@dataclass(frozen=True, slots=True)
class Recorded:
    """Which outcomes were written, and which of their rows somebody asked about meanwhile."""

    written: frozenset[UUID]
    asked_again: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
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
        return Seen(inputs, self.reason, self.object, Addresses(self.public_url, self.ttyd_url))


_LOCK = text(f"""
SELECT {columns(_Row, "r", public_url="s.public_url", ttyd_url="s.ttyd_url")}
FROM resource r JOIN unnest(CAST(:ids AS uuid[]), CAST(:tokens AS uuid[])) i(id, token)
  ON r.id = i.id AND r.lease_token = i.token
LEFT JOIN sandbox s ON s.id = r.id
WHERE r.locked_until > mooring_clock() ORDER BY r.id FOR NO KEY UPDATE OF r
""")

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
    ("object", "text"),
    ("attempts", "int"),
    ("lane", "smallint"),
    ("after", "interval"),
    ("visible", "boolean"),
)

_UPDATE = text(f"""
UPDATE resource r SET
  phase = i.phase, was_ready = i.was_ready, observed_generation = i.observed_generation,
  phase_since = CASE WHEN r.phase = i.phase AND r.observed_generation = i.observed_generation
    THEN r.phase_since ELSE mooring_now() END,
  failed_generation = i.failed_generation,
  reason = i.reason, message = i.message, object = i.object, attempts = i.attempts,
  since = CASE WHEN i.reason IS NULL THEN NULL WHEN r.reason = i.reason THEN r.since
    ELSE mooring_now() END,
  next_attempt_at = CASE WHEN i.reason IS NULL THEN NULL ELSE mooring_now() + i.after END,
  updated_at = CASE WHEN i.visible THEN greatest(mooring_now(), r.updated_at) ELSE r.updated_at END,
  lane = CASE WHEN r.asked = i.asked THEN i.lane ELSE r.lane END,
  due_at = CASE WHEN r.asked = i.asked THEN mooring_now() + i.after ELSE r.due_at END,
  lease_token = NULL, locked_until = '-infinity', locked_by = NULL
FROM unnest({", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _WRITTEN)})
  i({", ".join(name for name, _ in _WRITTEN)})
WHERE r.id = i.id AND r.lease_token = i.token AND r.locked_until > mooring_clock()
RETURNING r.id, r.status, r.asked <> i.asked AS asked_again
""")

_ADDRESSES = text("""
UPDATE sandbox s SET public_url = i.public_url, ttyd_url = i.ttyd_url
FROM unnest(CAST(:ids AS uuid[]), CAST(:public AS text[]), CAST(:ttyd AS text[]))
  i(id, public_url, ttyd_url)
WHERE s.id = i.id
""")

_REMOVE_DETAILS = text("DELETE FROM sandbox WHERE id = ANY(CAST(:ids AS uuid[]))")
_REMOVE = text("""
DELETE FROM resource r USING unnest(CAST(:ids AS uuid[]), CAST(:tokens AS uuid[])) i(id, token)
WHERE r.id = i.id AND r.lease_token = i.token AND r.locked_until > mooring_clock()
RETURNING r.id
""")


async def record(session: Session, results: Sequence[tuple[Claim, Outcome]]) -> Recorded:
    """Write `results` where their leases still hold; the caller's `begin()` commits."""
    by_id = {claim.id: (claim, outcome) for claim, outcome in results}
    before = await projects.lock_all(session, {claim.project_id for claim, _ in results})
    rows = await _lock(session, [claim for claim, _ in by_id.values()])
    going = [row for row in rows if _goes(row, *by_id[row.id])]
    staying = [row for row in rows if row not in going]
    changes: list[NewChange] = []
    gone = await _remove(session, [by_id[row.id][0] for row in going])
    changes += [_gone(row) for row in going if row.id in gone]
    written, asked_again, visible = await _write(session, staying, by_id)
    changes += visible
    session.changes += changes
    moved = {change.project_id for change in changes}
    await projects.settle(session, [p for p in before if p.id in moved])
    return Recorded(frozenset(written | gone), frozenset(asked_again))


def _goes(row: _Row, claim: Claim, outcome: Outcome) -> bool:
    """Nothing is left of it, and nobody asked since the pass began."""
    deleted = row.desired_state == DesiredState.DELETED
    return outcome.gone and deleted and row.asked == claim.asked


async def _lock(session: Session, claims: Sequence[Claim]) -> list[_Row]:
    binds = {"ids": [c.id for c in claims], "tokens": [c.lease_token for c in claims]}
    return read(_Row, await session.execute(_LOCK, binds))


async def _remove(session: Session, claims: Sequence[Claim]) -> set[UUID]:
    if not claims:
        return set()
    binds = {"ids": [c.id for c in claims], "tokens": [c.lease_token for c in claims]}
    await session.execute(_REMOVE_DETAILS, {"ids": binds["ids"]})
    return {row.id for row in await session.execute(_REMOVE, binds)}


async def _write(
    session: Session, rows: Sequence[_Row], by_id: dict[UUID, tuple[Claim, Outcome]]
) -> tuple[set[UUID], set[UUID], list[NewChange]]:
    if not rows:
        return set(), set(), []
    merged = {row.id: merge(row.seen, _staying(row, by_id[row.id][1])) for row in rows}
    lines = [_line(row, merged[row.id], *by_id[row.id]) for row in rows]
    arrays = {name: [line[name] for line in lines] for name, _ in _WRITTEN}
    done = {row.id: row for row in await session.execute(_UPDATE, arrays)}
    seen = [row for row in rows if row.id in done and _differs(row, merged[row.id])]
    await _write_addresses(session, [(r, merged[r.id].addresses) for r in seen])
    asked_again = {row.id for row in done.values() if row.asked_again}
    return set(done), asked_again, [_moved(r, merged[r.id], by_id[r.id][1]) for r in seen]


def _staying(row: _Row, outcome: Outcome) -> Outcome:
    """An empty row that is to go, but was asked about meanwhile, waits for one more look."""
    if not (outcome.gone and row.desired_state == DesiredState.DELETED):
        return outcome
    return Outcome(generation=outcome.generation, after=outcome.after * 0, phase=Phase.TERMINATING)


def _line(row: _Row, seen: Seen, claim: Claim, outcome: Outcome) -> dict[str, object]:
    outcome = _staying(row, outcome)
    return {
        "id": row.id,
        "token": claim.lease_token,
        "asked": claim.asked,
        "phase": seen.inputs.phase,
        "was_ready": seen.inputs.was_ready,
        "observed_generation": seen.inputs.observed_generation,
        "failed_generation": seen.inputs.failed_generation,
        "reason": seen.reason,
        "message": outcome.message,
        "object": seen.object,
        "attempts": outcome.attempts,
        "lane": int(lane_after(row.desired_state, outcome.after)),
        "after": outcome.after,
        "visible": _differs(row, seen),
    }


def _differs(row: _Row, seen: Seen) -> bool:
    return row.seen.visible() != seen.visible()


async def _write_addresses(session: Session, rows: Sequence[tuple[_Row, Addresses]]) -> None:
    changed = [(row.id, new) for row, new in rows if row.seen.addresses != new]
    if changed:
        binds = {
            "ids": [key for key, _ in changed],
            "public": [new.public_url for _, new in changed],
            "ttyd": [new.ttyd_url for _, new in changed],
        }
        await session.execute(_ADDRESSES, binds)


def _moved(row: _Row, seen: Seen, outcome: Outcome) -> NewChange:
    word = "status" if row.status != seen.status else "observed"
    return NewChange(
        account_id=row.account_id,
        project_id=row.project_id,
        action=f"{row.kind.lower()}.{word}",
        subject_id=row.id,
        subject_type=row.kind.capitalize(),
        subject_name=row.name,
        from_status=row.status,
        to_status=seen.status,
        reason=seen.reason,
        message=outcome.message,
    )


def _gone(row: _Row) -> NewChange:
    return NewChange(
        account_id=row.account_id,
        project_id=row.project_id,
        action=f"{row.kind.lower()}.gone",
        subject_id=row.id,
        subject_type=row.kind.capitalize(),
        subject_name=row.name,
        from_status=row.status,
        to_status=ResourceStatus.TERMINATED,
    )
