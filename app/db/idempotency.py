"""First answers to mutations with a key: a retry within 24 hours gets the same and makes nothing.

The row is inserted before any lock is taken (the head of the lock order); a second request with the
same key waits here for the first one's commit.
"""

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import orjson
from pydantic import TypeAdapter
from sqlalchemy import text

from app.db.session import Session
from app.domain.errors import IdempotencyConflict

T = TypeVar("T")

_DROP_OLD = text("""
DELETE FROM idempotency WHERE user_id = :user_id AND mutation = :mutation AND key = :key
  AND created_at < mooring_now() - interval '24 hours'
""")
_BEGIN = text("""
INSERT INTO idempotency (user_id, mutation, key, request_hash)
VALUES (:user_id, :mutation, :key, :request_hash) ON CONFLICT DO NOTHING RETURNING 1
""")
_FIRST = text("""
SELECT request_hash, answer FROM idempotency
WHERE user_id = :user_id AND mutation = :mutation AND key = :key
""")
_FINISH = text("""
UPDATE idempotency SET answer = CAST(:answer AS jsonb)
WHERE user_id = :user_id AND mutation = :mutation AND key = :key
""")


@dataclass(frozen=True, slots=True)
class Key:
    """A client's key for one mutation of one user."""

    user_id: UUID
    mutation: str
    key: str
    request_hash: bytes

    @property
    def _place(self) -> dict[str, object]:
        return {"user_id": self.user_id, "mutation": self.mutation, "key": self.key}

    async def begin(self, session: Session, answer: type[T]) -> T | None:
        """None for the first request; later the first one's answer, IdempotencyConflict if it was
        about something else."""
        await session.execute(_DROP_OLD, self._place)
        binds = self._place | {"request_hash": self.request_hash}
        if (await session.execute(_BEGIN, binds)).first():
            return None
        row = (await session.execute(_FIRST, self._place)).one()
        if row.request_hash != self.request_hash:
            raise IdempotencyConflict
        return TypeAdapter(answer).validate_python(row.answer)

    async def finish(self, session: Session, answer: object) -> None:
        """Remember the answer, a row."""
        # asyncpg's UUIDs are of a class of its own, which orjson leaves to us.
        binds = self._place | {"answer": orjson.dumps(answer, default=str).decode()}
        await session.execute(_FINISH, binds)
