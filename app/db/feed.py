"""The change log: per account a counter and the lines of history, outbox and stream in one.

The counter's row stays locked to the commit, so a reader always sees a prefix, in order and without
gaps (data-layer.md section 2). `append` is the last statement before COMMIT, in every transaction
that changes something visible, and such a transaction never has `synchronous_commit = off`: after
a crash the same numbers would be given to other changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.rows import Executor, columns, filled, read
from app.db.visibility import visible, visible_to
from app.domain.viewer import Actor, ActorKind, Scope


@dataclass(frozen=True, slots=True)
class NewChange:
    """A visible change that is about to be committed; whose doing it is, the transaction knows."""

    account_id: UUID
    project_id: UUID
    action: str
    subject_id: UUID
    subject_type: str
    subject_name: str
    from_status: str | None
    to_status: str | None
    reason: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A committed change."""

    account_id: UUID
    seq: int
    at: datetime
    project_id: UUID
    action: str
    subject_id: UUID
    subject_type: str
    subject_name: str
    from_status: str | None
    to_status: str | None
    reason: str | None
    message: str | None
    actor_kind: ActorKind
    actor_name: str
    actor_user_id: UUID | None

    @property
    def gone(self) -> bool:
        """The subject's row went with this change."""
        return self.action.endswith(".gone")


@dataclass(frozen=True, slots=True)
class FeedState:
    """Where one feed stands; changes up to `floor` have been pruned."""

    account_id: UUID
    number: int
    seq: int
    floor: int


_FIELDS = [f.name for f in fields(NewChange)]
_UUIDS = {"account_id", "project_id", "subject_id"}
_ARRAYS = ", ".join(f"CAST(:{f} AS {'uuid' if f in _UUIDS else 'text'}[])" for f in _FIELDS)

_APPEND = text(f"""
WITH i AS (
  SELECT * FROM unnest({_ARRAYS}) WITH ORDINALITY i({", ".join(_FIELDS)}, n)),
k AS (SELECT account_id, count(*) c FROM i GROUP BY 1),
l AS MATERIALIZED (
  SELECT account_id FROM feed WHERE account_id IN (SELECT account_id FROM k)
  ORDER BY account_id FOR NO KEY UPDATE),
u AS (
  UPDATE feed f SET seq = f.seq + k.c FROM k JOIN l USING (account_id)
  WHERE f.account_id = k.account_id RETURNING f.account_id, f.seq - k.c AS base)
INSERT INTO change (seq, actor_kind, actor_name, actor_user_id, {", ".join(_FIELDS)})
SELECT u.base + row_number() OVER (PARTITION BY i.account_id ORDER BY i.n),
  :actor_kind, :actor_name, CAST(:actor_user_id AS uuid), {", ".join(f"i.{f}" for f in _FIELDS)}
FROM i JOIN u USING (account_id)
""")

_SINCE = text(f"""
SELECT {columns(Change, "c")}
FROM unnest(CAST(:accounts AS uuid[]), CAST(:seqs AS bigint[])) k(account_id, after)
JOIN change c ON c.account_id = k.account_id AND c.seq > k.after
WHERE {visible("c")}
ORDER BY c.account_id, c.seq LIMIT :most
""")

_BY_KEYS = text(f"""
SELECT {columns(Change, "c")}
FROM unnest(CAST(:accounts AS uuid[]), CAST(:seqs AS bigint[])) k(account_id, seq)
JOIN change c USING (account_id, seq) WHERE {visible("c")}
""")

_STATES = text("""
SELECT account_id, number, seq, floor FROM feed
WHERE account_id = ANY(CAST(:accounts AS uuid[])) ORDER BY number
""")

_EPOCH = text("SELECT epoch FROM installation")
_CREATE = text("INSERT INTO feed (account_id) VALUES (:account_id)")


async def append(session: Executor, changes: Sequence[NewChange], actor: Actor) -> None:
    """Number and write `changes`; the last statement of their transaction."""
    arrays = {name: filled([getattr(change, name) for change in changes]) for name in _FIELDS}
    whose = {
        "actor_kind": actor.kind.value,
        "actor_name": actor.name,
        "actor_user_id": actor.user_id,
    }
    await session.execute(_APPEND, arrays | whose)


async def since(
    executor: Executor, viewer: Scope, after: Mapping[UUID, int], most: int
) -> list[Change]:
    """The first `most` changes beyond the accounts' seqs in `after` that `viewer` may see, by
    account and seq."""
    binds = {"accounts": list(after), "seqs": list(after.values()), "most": most}
    return read(Change, await executor.execute(_SINCE, binds | visible_to(viewer)))


async def by_keys(
    executor: Executor, viewer: Scope, keys: Sequence[tuple[UUID, int]]
) -> list[Change]:
    """Those changes, by account and seq, that exist and that `viewer` may see, in any order."""
    binds = {"accounts": [key for key, _ in keys], "seqs": [seq for _, seq in keys]}
    return read(Change, await executor.execute(_BY_KEYS, binds | visible_to(viewer)))


async def states(executor: Executor, accounts: Sequence[UUID]) -> list[FeedState]:
    """Where the feeds of these accounts stand, by number."""
    return read(FeedState, await executor.execute(_STATES, {"accounts": list(accounts)}))


async def epoch(executor: Executor) -> int:
    """The epoch that cursors carry; another one after a restore."""
    found: int = (await executor.execute(_EPOCH)).scalar_one()
    return found


async def create(session: Executor, account_id: UUID) -> None:
    """The feed of a new account."""
    await session.execute(_CREATE, {"account_id": account_id})
