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
_ACCOUNT: Final = "account_id = ANY ((SELECT current_setting('mooring.accounts')::uuid[])::uuid[])"
_USER: Final = "user_id = (SELECT current_setting('mooring.user')::uuid)"
_EVERYTHING: Final = "USING (true)"

# What a row of each table has to be for the API.
WALLED: Final[Mapping[str, str]] = {
    "project": f"USING ({_ACCOUNT})",
    "resource": f"USING ({_ACCOUNT})",
    "sandbox": f"USING ({_ACCOUNT})",
    "sandbox_port": f"USING ({_ACCOUNT})",
    "database": f"USING ({_ACCOUNT})",
    "environment": f"USING ({_ACCOUNT})",
    "anthropic_version": f"USING ({_ACCOUNT})",
    "credential": f"USING ({_ACCOUNT})",
    "change": f"USING ({_ACCOUNT})",
    "user_config": f"USING ({_USER})",
    "idempotency": f"USING ({_USER})",
    # A line about somebody who failed to sign in is nobody's, and none is ever changed. The planner
    # takes a bare OR of the two for a reason to read both indexes whole (300 ms at 200,000 lines,
    # where `audit_pages` walks 100 in 1); of a CASE it thinks nothing.
    "audit": f"USING (CASE WHEN {_ACCOUNT} OR {_USER} THEN true ELSE false END) WITH CHECK (true)",
}

# Users' rows without a policy, and why.
OPEN: Final[Mapping[str, str]] = {
    "user_identity": "who signs in is found by what a provider says",
    "account": "found with whoever signs in",
    "membership": "says which accounts a user may see, and so what is told",
    "session": "found by what a token says, before anybody knows whose it is",
    "api_token": "found by the hash of what somebody sent",
    "feed": "numbers alone, polled for all subscribers at once",
}

_STATE = text("""
SELECT c.relrowsecurity, array(SELECT p.polname::text FROM pg_policy p WHERE p.polrelid = c.oid)
FROM pg_class c WHERE c.oid = CAST(:table AS regclass)
""")


async def ensure(engine: AsyncEngine, api: str, reconciler: str) -> None:
    """Bring the policies of all tables up to date for these two roles; for the owner."""
    for table, shown in WALLED.items():
        wanted = {
            name(role, rows): (role, rows)
            for role, rows in ((api, shown), (reconciler, _EVERYTHING))
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
        role, rows = wanted[new]
        await connection.execute(
            text(rf'CREATE POLICY "{new}" ON {table} TO {role} {rows}'.replace(":", r"\:"))
        )
    await connection.execute(text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))


def name(role: str, rows: str) -> str:
    """What the policy is called that shows `role` these rows."""
    return f"{role}_{hashlib.sha256(rows.encode()).hexdigest()[:8]}"
