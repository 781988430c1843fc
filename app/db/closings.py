"""Accounts that are to go: marked by the API, taken away by the reconciler once all else is gone.

The mark is a column of the account, so that whoever waits for the account's lock sees it
afterwards. A claim is a look that nobody else has within the lease; it needs no fence, for what is
done in it may be done twice. The rows go in one function of the schema's owner, who alone is past
the policies; it looks again whether there is anything left that should not be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from app.db.rows import Executor, columns, read
from app.db.session import Session


@dataclass(frozen=True, slots=True)
class Closing:
    """An account without projects that is to go, and its namespace in the operator's cluster."""

    id: UUID
    k8s_namespace: str


_MARK = text("""
UPDATE account SET closing_since = mooring_now(), closing_due = mooring_now() WHERE id = :id
""")
# What lets somebody in. The rest goes with the account.
_SHUT_OUT = tuple(
    text(f"DELETE FROM {table} WHERE user_id = :user_id")
    for table in ("session", "api_token", "user_identity")
)
_CLAIM = text(f"""
WITH due AS MATERIALIZED (
  SELECT a.id FROM account a WHERE a.closing_since IS NOT NULL AND a.closing_due <= mooring_now()
    AND NOT EXISTS (SELECT 1 FROM project p WHERE p.account_id = a.id)
  ORDER BY a.closing_due LIMIT :most FOR NO KEY UPDATE OF a SKIP LOCKED)
UPDATE account a SET closing_due = mooring_now() + :lease FROM due WHERE a.id = due.id
RETURNING {columns(Closing, "a")}
""")
_LATER = text("UPDATE account SET closing_due = mooring_now() + :after WHERE id = :id")
_TAKE = text("SELECT mooring_take_account(:id)")


async def mark(session: Session, account_id: UUID, user_id: UUID) -> None:
    """Have a locked account go, whose user is let in no more from now on."""
    await session.execute(_MARK, {"id": account_id})
    for statement in _SHUT_OUT:
        await session.execute(statement, {"user_id": user_id})
    session.asked = True


async def claim(executor: Executor, *, most: int, lease: timedelta) -> Sequence[Closing]:
    """Those whose projects are all gone and that nobody else looks at within `lease`."""
    return read(Closing, await executor.execute(_CLAIM, {"most": most, "lease": lease}))


async def later(executor: Executor, account_id: UUID, after: timedelta) -> None:
    """Look at it again then."""
    await executor.execute(_LATER, {"id": account_id, "after": after})


async def take(session: Session, account_id: UUID) -> bool:
    """Take its rows away, and its user's; whether they are gone."""
    return bool((await session.execute(_TAKE, {"id": account_id})).scalar_one())
