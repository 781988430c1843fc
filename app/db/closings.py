"""Accounts that are to go: marked by the API, taken away by the reconciler once all else is gone.

The mark is a column of the account, so that whoever waits for the account's lock sees it
afterwards. A claim is a look that nobody else has within the lease; it needs no fence, for what is
done in it may be done twice. The rows go in one function of the schema's owner, who alone is past
the policies; it looks again whether there is anything left that should not be.

What is in a cluster of the user's own that is lost keeps his account for ever, for nobody sees it
gone and he comes in no more: whoever operates Mooring may have it forgotten.
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
_LOCK_CLOSING = text("""
SELECT id FROM account WHERE login = :login AND closing_since IS NOT NULL FOR NO KEY UPDATE
""")
_LOCK_PROJECTS = text("""
SELECT id FROM project WHERE account_id = :id ORDER BY id FOR NO KEY UPDATE
""")
_LOCK_ELSEWHERE = text("""
SELECT r.id FROM resource r LEFT JOIN sandbox s ON s.id = r.id LEFT JOIN database d ON d.id = r.id
WHERE r.account_id = :id AND coalesce(s.k8s_server, d.k8s_server) IS NOT NULL
ORDER BY r.id FOR NO KEY UPDATE OF r
""")
_FORGET = tuple(
    text(f"DELETE FROM {table} WHERE {key} = ANY(CAST(:ids AS uuid[]))")
    for table, key in (
        ("sandbox_port", "sandbox_id"),
        ("sandbox", "id"),
        ("database", "id"),
        ("resource", "id"),
    )
)
_EMPTY = "NOT EXISTS (SELECT 1 FROM resource r WHERE r.project_id = p.id)"
_FORGET_PROJECTS = (
    text(f"""
DELETE FROM environment e USING project p
WHERE p.account_id = :id AND e.project_id = p.id AND {_EMPTY}
"""),
    text(f"DELETE FROM project p WHERE p.account_id = :id AND {_EMPTY}"),
)


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


async def forget(session: Session, login: str) -> tuple[UUID, int] | None:
    """Take away the rows of what an account that is to go has in its user's own cluster, as the
    schema's owner; the account, and how many there were. None when no such account is to go."""
    found = (await session.execute(_LOCK_CLOSING, {"login": login})).scalar_one_or_none()
    if found is None:
        return None
    account = {"id": found}
    await session.execute(_LOCK_PROJECTS, account)
    elsewhere = {"ids": list((await session.execute(_LOCK_ELSEWHERE, account)).scalars())}
    for statement in _FORGET:
        await session.execute(statement, elsewhere)
    for statement in _FORGET_PROJECTS:
        await session.execute(statement, account)
    await session.execute(_LATER, account | {"after": timedelta()})
    return found, len(elsewhere["ids"])
