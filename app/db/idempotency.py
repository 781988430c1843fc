"""First answers to mutations with a key: a retry within 24 hours gets the same and makes nothing.

The row is inserted before any lock is taken (the head of the lock order); a second request with the
same key waits here for the first one's commit.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from app.db.session import Session

_DROP_OLD = text("""
DELETE FROM idempotency WHERE user_id = :user_id AND mutation = :mutation AND key = :key
  AND created_at < mooring_now() - interval '24 hours'
""")
_BEGIN = text("""
INSERT INTO idempotency (user_id, mutation, key, request_hash)
VALUES (:user_id, :mutation, :key, :request_hash) ON CONFLICT DO NOTHING RETURNING 1
""")
_FIRST = text("""
SELECT request_hash, answer->>'id' AS id FROM idempotency
WHERE user_id = :user_id AND mutation = :mutation AND key = :key
""")
_FINISH = text("""
UPDATE idempotency SET answer = jsonb_build_object('id', CAST(:answer AS text))
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

    async def begin(self, session: Session) -> tuple[bytes, UUID] | None:
        """None for the first request; later the first one's request hash and what it made."""
        await session.execute(_DROP_OLD, self._place)
        binds = self._place | {"request_hash": self.request_hash}
        if (await session.execute(_BEGIN, binds)).first():
            return None
        row = (await session.execute(_FIRST, self._place)).one()
        return row.request_hash, UUID(row.id)

    async def finish(self, session: Session, made: UUID) -> None:
        """Remember what was made."""
        await session.execute(_FINISH, self._place | {"answer": str(made)})
