"""The database roles of the two processes: neither owns a table, neither is a superuser.

`migrate` owns the schema. Each process may do what the header of `models` says that it writes, so
that a mistake in one cannot write the other's columns, and sees the rows that `policies` shows it.
Roles belong to the whole server while grants and policies belong to this database, and all are
brought up to date by every `mooring migrate`: what is granted below is all that is granted.
"""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool
from sqlalchemy.sql import text

from app.db import audit, policies
from app.db.engine import engine_to
from app.secrets.scram import verifier

API = "mooring_api"
RECONCILER = "mooring_reconciler"

_LOCK = 0x6D6F6F75  # "moou"; the migrations' is "moor": one of several `mooring migrate` at a time

_INTENT = (
    "desired_state, generation, generation_since, desired_generation, project_generation,"
    " updated_at, asked, lane, due_at, trace_id"
)
_OBSERVED = (
    "phase, phase_since, was_ready, reason, message, object, since, observed_generation,"
    " failed_generation, attempts, held_until, falls, falling_since, fell_at, up_since,"
    " updated_at, asked, lane, due_at, locked_until, lease_token, locked_by, claims, crashes"
)
_SET = "model, server, k8s_namespace, generation, state, reason, asked, lane, due_at, updated_at"
_CHECKED = (
    "state, reason, message, username, missing, observed_generation, checked_at, attempts,"
    " updated_at, asked, lane, due_at, locked_until, lease_token, locked_by, claims, crashes,"
    " held_until"
)
# All but `at`, which is the database's word: nobody writes a line of yesterday.
_NOTED = ", ".join(audit.COLUMNS)
_GRANTS = f"""
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {API}, {RECONCILER};
GRANT USAGE ON SCHEMA public TO {API}, {RECONCILER};
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {API};
GRANT INSERT ON ALL TABLES IN SCHEMA public TO {API};
REVOKE INSERT ON installation, alembic_version, audit FROM {API};
GRANT INSERT ({_NOTED}) ON audit TO {API}, {RECONCILER};
GRANT UPDATE, DELETE ON "user", user_identity, membership, account, idempotency, project,
  session, api_token, user_config, environment, throttle TO {API};
GRANT UPDATE ({_SET}), DELETE ON credential TO {API};
GRANT UPDATE ({_INTENT}) ON resource TO {API};
GRANT UPDATE (anthropic_id, image, cpu, memory, storage) ON sandbox TO {API};
GRANT DELETE ON sandbox_port TO {API};
GRANT UPDATE (version, replicas, cpu, memory, storage, released) ON database TO {API};
GRANT UPDATE (number), DELETE ON anthropic_version TO {API};
GRANT UPDATE (seq) ON feed TO {API};
GRANT EXECUTE ON FUNCTION mooring_take_changes, mooring_take_answers, mooring_raise_floors,
  mooring_take_audit TO {API};
GRANT EXECUTE ON FUNCTION mooring_take_account TO {RECONCILER};
GRANT EXECUTE ON FUNCTION mooring_keys_in_use TO {API}, {RECONCILER};
GRANT SELECT ON installation, alembic_version, account, project, resource, sandbox, database,
  sandbox_port, anthropic_version,
  environment, user_config, credential, feed, change
  TO {RECONCILER};
GRANT UPDATE (closing_due) ON account TO {RECONCILER};
GRANT UPDATE ({_CHECKED}) ON credential TO {RECONCILER};
GRANT INSERT ON change TO {RECONCILER};
GRANT UPDATE (seq) ON feed TO {RECONCILER};
GRANT UPDATE (status, version, updated_at) ON project TO {RECONCILER};
GRANT UPDATE ({_OBSERVED}) ON resource TO {RECONCILER};
GRANT UPDATE (public_url, ttyd_url, volumes, definitions) ON sandbox TO {RECONCILER};
GRANT UPDATE (host, port, database, username, observed_version, password, volumes,
  definitions) ON database TO {RECONCILER};
GRANT DELETE ON project, resource, sandbox, sandbox_port, database, environment TO {RECONCILER};
"""


async def ensure(url: str, passwords: dict[str, str]) -> bool:
    """Make the roles with these passwords and grant them what they need.

    False when the owner at `url` may not create roles and they are not there: the processes then
    connect as the owner.
    """
    engine = engine_to(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            for role, password in passwords.items():
                await _ensure_role(connection, role, password)
            for statement in filter(None, map(str.strip, _GRANTS.split(";"))):
                await connection.execute(text(statement))
        await policies.ensure(engine, API, RECONCILER)
    except DBAPIError as error:
        if isinstance(
            error.orig.__cause__ if error.orig else None, asyncpg.InsufficientPrivilegeError
        ):
            return False
        raise
    finally:
        await engine.dispose()
    return True


async def _ensure_role(connection: AsyncConnection, role: str, password: str) -> None:
    there = await connection.execute(
        text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}
    )
    # NOSUPERUSER goes without saying; to say it in an ALTER is a superuser's right before 16.
    verb = "ALTER" if there.first() else "CREATE"
    kept = verifier(password).replace(":", r"\:")
    await connection.execute(text(f"{verb} ROLE {role} LOGIN PASSWORD '{kept}'"))
