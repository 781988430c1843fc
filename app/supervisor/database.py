"""Which Postgres `mooring dev` works on, and as whom each process connects to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from app.db.engine import plain


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One URL per process; the owner's is for migrations alone where roles could be made."""

    owner: str
    api: str
    reconciler: str

    @property
    def as_owner(self) -> bool:
        """Whether the processes connect as the owner, because he may make no roles."""
        return self.api == self.owner


def role_urls(owner: str, roles: dict[str, str]) -> DatabaseUrls:
    """The URLs after the migration: by role where both may work here, else the owner's.

    `roles` maps each role to its password, the API's first.
    """
    api, reconciler = (with_role(owner, role, password) for role, password in roles.items())
    if asyncio.run(_all_open((api, reconciler))):
        return DatabaseUrls(owner, api, reconciler)
    return DatabaseUrls(owner, owner, owner)


def with_role(url: str, role: str, password: str) -> str:
    """`url` for another user."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        parts._replace(netloc=f"{quote(role, safe='')}:{quote(password, safe='')}@{place}")
    )


def described(url: str) -> str:
    """`url` without its password, for a person; of one host or of several, as they are written."""
    parts = urlsplit(url)
    if not parts.scheme:
        return "what is given"
    name = parts.path.lstrip("/") or "?"
    return f"{name} on {parts.netloc.rpartition('@')[2] or 'a local socket'}"


def problem(url: str) -> str | None:
    """Why the database at `url` cannot be reached; None when it can."""

    if urlsplit(url).scheme.partition("+")[0] not in ("postgresql", "postgres"):
        return "it is no URL: give postgresql://user:password@host:5432/name"

    async def connect() -> None:
        await (await asyncpg.connect(plain(url), timeout=10)).close()

    try:
        asyncio.run(connect())
    except (
        OSError,
        ValueError,
        OverflowError,  # a port above 65535
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
    ) as error:
        return str(error) or type(error).__name__
    return None


async def _all_open(urls: tuple[str, ...]) -> bool:
    try:
        return all([await _may_read(url) for url in urls])
    except (OSError, asyncpg.PostgresError):
        return False


async def _may_read(url: str) -> bool:
    # A role belongs to the whole server: another database's may let us in and see nothing here.
    connection = await asyncpg.connect(plain(url), timeout=10)
    try:
        granted = "SELECT has_table_privilege('alembic_version', 'SELECT')"
        return bool(await connection.fetchval(granted))
    finally:
        await connection.close()
