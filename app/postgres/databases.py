"""A role and its database on a server, made when missing. For an administrator's connection."""

from __future__ import annotations

import asyncpg

from app.secrets.scram import verifier


async def ensure_database(admin_dsn: str, *, database: str, owner: str, password: str) -> None:
    """Make `owner` (no superuser; may make roles, for the migration) and his `database`.

    The password is set each time, so the file that holds it is the truth.
    """
    connection = await asyncpg.connect(admin_dsn)
    try:
        role, name = _identifier(owner), _identifier(database)
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", owner):
            await connection.execute(f"CREATE ROLE {role}")
        rights = "LOGIN CREATEROLE NOSUPERUSER NOCREATEDB"
        await connection.execute(f"ALTER ROLE {role} {rights} PASSWORD '{verifier(password)}'")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            await connection.execute(f"CREATE DATABASE {name} OWNER {role}")
    finally:
        await connection.close()


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
