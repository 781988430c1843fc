"""Row-level security: the policies of the tables that hold users' rows.

For the API's role a row is there if its account (or user) is whom `wall` told of; the reconciler
works for everybody and sees all; whoever else is let into the database sees nothing. The owner is
past them: migrations, the functions of `retention` that are its own, and rotation of keys.

They are made with the roles and not by migrations, because a policy names roles, which belong to
the whole server and may not be there. A policy's name carries a digest of its text, so that one
that is as it should be is left alone: to change one stops the table for a moment (ACCESS
EXCLUSIVE), which is why each table has a transaction of its own and no two are ever held.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

# The sub-selects make each an InitPlan, asked once for a statement and not for each row
# (data-layer.md section 7). No missing_ok: whoever was never told gets an error.
OF_ACCOUNT: Final = (
    "account_id = ANY ((SELECT current_setting('mooring.accounts')::uuid[])::uuid[])"
)
OF_USER: Final = "user_id = (SELECT current_setting('mooring.user')::uuid)"

# What a row of each table has to be for the API. Not here: what says who somebody is and has to be
# read before anybody knows (user, user_identity, account, membership), and counters (feed).
WALLED: Final[Mapping[str, str]] = {
    "project": OF_ACCOUNT,
    "resource": OF_ACCOUNT,
    "sandbox": OF_ACCOUNT,
    "database": OF_ACCOUNT,
    "change": OF_ACCOUNT,
    "idempotency": OF_USER,
}

_STATE = text("""
SELECT c.relrowsecurity, array(SELECT p.polname::text FROM pg_policy p WHERE p.polrelid = c.oid)
FROM pg_class c WHERE c.oid = CAST(:table AS regclass)
""")


async def ensure(engine: AsyncEngine, api: str, reconciler: str) -> None:
    """Bring the policies of all tables up to date for these two roles; for the owner."""
    for table, rows in WALLED.items():
        wanted = {
            name(role, condition): (role, condition)
            for role, condition in ((api, rows), (reconciler, "true"))
        }
        async with engine.begin() as connection:
            await _ensure_table(connection, f'"{table}"', wanted)


async def _ensure_table(
    connection: AsyncConnection, table: str, wanted: Mapping[str, tuple[str, str]]
) -> None:
    enabled, there = (await connection.execute(_STATE, {"table": table})).one()
    if enabled and set(there) == set(wanted):
        return
    await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
    for old in set(there) - set(wanted):
        await connection.execute(text(f'DROP POLICY "{old}" ON {table}'))
    for new in set(wanted) - set(there):
        role, condition = wanted[new]
        await connection.execute(
            text(
                rf'CREATE POLICY "{new}" ON {table} TO {role} USING ({condition})'.replace(
                    ":", r"\:"
                )
            )
        )
    await connection.execute(text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))


def name(role: str, condition: str) -> str:
    """What the policy is called that shows `role` these rows."""
    return f"{role}_{hashlib.sha256(condition.encode()).hexdigest()[:8]}"
