"""Versions of an account's Anthropic variables, and which one each sandbox runs with.

A sandbox names the version that it was given when it was made or started, or by an edit that was to
reach it at once; the reconciler reads no other, so that a later pass changes nothing by itself. A
version is sealed once and never changes; one that no sandbox names and that is not the newest goes.

Whoever adds a version holds the account and all its projects, whoever gives one out holds the
sandbox's project, or the account for a project that is new: so none goes while it is given out.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.db.rows import Executor, columns, read
from app.db.session import Session

# Where values are sealed for (`KeyRing`): variables as JSON.
TABLE: Final = "anthropic_version"
COLUMN: Final = "value"


@dataclass(frozen=True, slots=True)
class Version:
    """The variables as they were set once, sealed."""

    id: UUID
    value: bytes


@dataclass(frozen=True, slots=True)
class Lagging:
    """A sandbox that runs with another version than the newest."""

    id: UUID
    project_id: UUID


_NEWEST = text(f"""
SELECT {columns(Version, "v")} FROM anthropic_version v
WHERE v.account_id = :account_id ORDER BY v.number DESC LIMIT 1
""")
_ADD = text("""
INSERT INTO anthropic_version (id, account_id, number, value)
SELECT :id, CAST(:account_id AS uuid), coalesce(max(v.number), 0) + 1, :value
FROM anthropic_version v WHERE v.account_id = :account_id
""")
_LAGGING = text(f"""
SELECT {columns(Lagging, "r")} FROM resource r JOIN sandbox s ON s.id = r.id
WHERE r.project_id = ANY(CAST(:projects AS uuid[])) AND r.desired_state <> 'DELETED'
  AND s.anthropic_id IS DISTINCT FROM CAST(:newest AS uuid)
""")
_GIVE = text("""
UPDATE sandbox s SET anthropic_id = n.newest
FROM (SELECT o.id, (SELECT v.id FROM anthropic_version v WHERE v.account_id = o.account_id
  ORDER BY v.number DESC LIMIT 1) AS newest
  FROM sandbox o WHERE o.id = ANY(CAST(:ids AS uuid[]))) n
WHERE s.id = n.id AND s.anthropic_id IS DISTINCT FROM n.newest RETURNING s.account_id
""")
# Two starts that forget the same ones do not wait for each other, in whatever order they find them.
_PRUNE = text("""
WITH k AS MATERIALIZED (
  SELECT v.id FROM anthropic_version v WHERE v.account_id = ANY(CAST(:accounts AS uuid[]))
    AND v.number < (SELECT max(n.number) FROM anthropic_version n WHERE n.account_id = v.account_id)
    AND NOT EXISTS (SELECT FROM sandbox s WHERE s.anthropic_id = v.id)
  FOR UPDATE OF v SKIP LOCKED)
DELETE FROM anthropic_version v USING k WHERE v.id = k.id
""")
_OF_SANDBOX = text(f"""
SELECT {columns(Version, "v")} FROM sandbox s JOIN anthropic_version v ON v.id = s.anthropic_id
WHERE s.id = :id
""")


async def newest(session: Session, account_id: UUID) -> Version | None:
    """The newest version of a locked account."""
    found = await session.execute(_NEWEST, {"account_id": account_id})
    return next(iter(read(Version, found)), None)


async def add(session: Session, account_id: UUID, version: Version) -> None:
    """A newer version of an account that is locked with all its projects."""
    binds = {"id": version.id, "account_id": account_id, "value": version.value}
    await session.execute(_ADD, binds)


async def lagging(
    session: Session, projects: Collection[UUID], version: UUID | None
) -> Sequence[Lagging]:
    """The sandboxes of locked projects that do not run with this version."""
    binds = {"projects": list(projects), "newest": version}
    return read(Lagging, await session.execute(_LAGGING, binds))


async def give(session: Session, sandboxes: Collection[UUID]) -> None:
    """Have sandboxes of locked projects run with the newest version of their account."""
    moved = {row.account_id for row in await session.execute(_GIVE, {"ids": list(sandboxes)})}
    if moved:
        await prune(session, moved)


async def prune(session: Session, accounts: Collection[UUID]) -> None:
    """Remove what no sandbox runs with and none will."""
    await session.execute(_PRUNE, {"accounts": list(accounts)})


async def of_sandbox(executor: Executor, sandbox_id: UUID) -> Version | None:
    """What a sandbox runs with; None without any. For the reconciler: no viewer."""
    found = await executor.execute(_OF_SANDBOX, {"id": sandbox_id})
    return next(iter(read(Version, found)), None)
