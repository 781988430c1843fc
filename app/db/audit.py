"""The audit: who did what, on what, from where, and what came of it; lines are only ever added.

Verbs note an `Entry` in their session, or leave it to the visible changes that they note anyway: of
a user's or a token's doing each is a line here too. `append` writes them in the same transaction,
before the feed's lock. A line never holds a secret: `detail` has names and counts, not values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

import orjson
from sqlalchemy import text

from app.db.feed import NewChange
from app.db.rows import Executor
from app.domain.ids import new_id
from app.domain.viewer import Actor, ActorKind


class Outcome(StrEnum):
    """What came of it."""

    DONE = "DONE"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line to be; `actor` where it is another than the transaction's, as at a sign-in."""

    action: str
    outcome: Outcome = Outcome.DONE
    account_id: UUID | None = None
    subject_type: str | None = None
    subject_id: UUID | None = None
    subject_name: str | None = None
    detail: dict[str, object] = field(default_factory=dict)
    actor: Actor | None = None


# What a line says; when it was, the database says.
COLUMNS = {
    "id": "uuid",
    "account_id": "uuid",
    "user_id": "uuid",
    "actor_kind": "text",
    "actor_name": "text",
    "session_id": "uuid",
    "token_id": "uuid",
    "address": "text",
    "action": "text",
    "subject_type": "text",
    "subject_id": "uuid",
    "subject_name": "text",
    "outcome": "text",
    "detail": "jsonb",
}
# A detail travels as text: asyncpg has no codec for arrays of jsonb.
_ARRAYS = ", ".join(
    f"CAST(:{name} AS {kind.replace('jsonb', 'text')}[])" for name, kind in COLUMNS.items()
)
_VALUES = ", ".join(f"CAST(i.{name} AS {kind})" for name, kind in COLUMNS.items())
_APPEND = text(f"""
INSERT INTO audit ({", ".join(COLUMNS)})
SELECT {_VALUES} FROM unnest({_ARRAYS}) i({", ".join(COLUMNS)})
""")

# An attacker with a good token shall not fill the disk by what he is refused.
_REFUSALS = 100
_LATELY = text("""
SELECT count(*) FROM audit a WHERE a.user_id = CAST(:user_id AS uuid) AND a.outcome = 'REFUSED'
  AND a.at > mooring_now() - interval '1 hour'
""")


def of_changes(changes: Sequence[NewChange], actor: Actor) -> list[Entry]:
    """The lines of what became visible through a user or a token."""
    if actor.kind is ActorKind.SYSTEM:
        return []
    return [
        Entry(
            action=change.action,
            account_id=change.account_id,
            subject_type=change.subject_type,
            subject_id=change.subject_id,
            subject_name=change.subject_name,
            detail={"message": change.message} if change.message else {},
        )
        for change in changes
    ]


async def room(executor: Executor, user_id: UUID) -> int:
    """How many more lines of what this user is refused are written down within this hour."""
    found = await executor.execute(_LATELY, {"user_id": user_id})
    lately: int = found.scalar_one()
    return max(_REFUSALS - lately, 0)


async def append(executor: Executor, entries: Sequence[Entry], actor: Actor) -> None:
    """Write the lines."""
    rows = [_row(entry, entry.actor or actor) for entry in entries]
    await executor.execute(_APPEND, {name: [row[name] for row in rows] for name in COLUMNS})


def _row(entry: Entry, actor: Actor) -> dict[str, object]:
    return {
        "id": new_id(),
        "account_id": entry.account_id,
        "user_id": actor.user_id,
        "actor_kind": actor.kind.value,
        "actor_name": actor.name,
        "session_id": actor.session_id,
        "token_id": actor.token_id,
        "address": actor.address,
        "action": entry.action,
        "subject_type": entry.subject_type,
        "subject_id": entry.subject_id,
        "subject_name": entry.subject_name,
        "outcome": entry.outcome.value,
        "detail": orjson.dumps(entry.detail).decode() if entry.detail else None,
    }
