"""What `mooring orphans` asks: which of the resources in a cluster have rows, and which rows have
been up and may have lost what they consist of. All read as the reconciler, who sees everybody's.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.rows import Executor, columns, read
from app.domain.states import Phase, ResourceKind, ResourceStatus

# Rows of one page.
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Settled:
    """A row that is where it is wanted and has been up before; `phase_since`: since when it has
    been seen so, `due_at`: its next look."""

    id: UUID
    kind: ResourceKind
    name: str
    status: ResourceStatus
    phase: Phase
    phase_since: datetime
    due_at: datetime
    k8s_namespace: str
    k8s_name: str


@dataclass(frozen=True, slots=True)
class Bringing:
    """An account that brings a cluster, and the place in it that its kubeconfig is for."""

    account_id: UUID
    login: str
    server: str
    namespace: str


_FROM = """FROM resource r LEFT JOIN sandbox s ON s.id = r.id LEFT JOIN database d ON d.id = r.id"""
_PLACE = {
    name: f"coalesce(s.{name}, d.{name})" for name in ("k8s_server", "k8s_namespace", "k8s_name")
}
_NOW = text("SELECT mooring_now()")
_NAMESPACES_OF = text(f"""
SELECT r.id, {_PLACE["k8s_namespace"]} AS namespace {_FROM}
WHERE r.id = ANY(CAST(:ids AS uuid[]))
""")
_SETTLED = text(f"""
SELECT {columns(Settled, "r", **{n: _PLACE[n] for n in ("k8s_namespace", "k8s_name")})} {_FROM}
WHERE {_PLACE["k8s_server"]} IS NOT DISTINCT FROM CAST(:server AS text)
  AND (CAST(:account_id AS uuid) IS NULL
    OR r.account_id = :account_id AND {_PLACE["k8s_namespace"]} = :namespace)
  AND r.was_ready AND r.status IN ('RUNNING', 'STOPPED')
  AND r.phase_since < :before AND r.generation_since < :before AND r.id > :after
ORDER BY r.id LIMIT {PAGE}
""")
_PLACES = text(f"""
SELECT DISTINCT {_PLACE["k8s_namespace"]} AS namespace {_FROM}
WHERE {_PLACE["k8s_server"]} IS NULL ORDER BY 1
""")
_ELSEWHERE = text("SELECT count(*) FROM credential")
_BRINGING = text("""
SELECT a.id AS account_id, a.login, c.server, c.k8s_namespace AS namespace
FROM credential c JOIN account a ON a.id = c.account_id
WHERE CAST(:login AS text) IS NULL OR a.login = :login ORDER BY a.login
""")


async def now(executor: Executor) -> datetime:
    """The time, by the clock of rows."""
    found: datetime = (await executor.execute(_NOW)).scalar_one()
    return found


async def namespaces_of(executor: Executor, ids: Collection[UUID]) -> dict[UUID, str]:
    """Those that have rows, and the namespace that each is in, whosoever's cluster that is of."""
    found = await executor.execute(_NAMESPACES_OF, {"ids": list(ids)})
    return {row.id: row.namespace for row in found}


async def settled(
    executor: Executor, before: datetime, after: UUID, whose: Bringing | None = None
) -> list[Settled]:
    """The next page of rows in the operator's cluster, or in one that an account brings, that had
    settled by then, by id."""
    binds = {
        "before": before,
        "after": after,
        "server": whose and whose.server,
        "account_id": whose and whose.account_id,
        "namespace": whose and whose.namespace,
    }
    return read(Settled, await executor.execute(_SETTLED, binds))


async def bringing(executor: Executor, login: str | None = None) -> list[Bringing]:
    """The accounts that bring a cluster, by login; only that of this one."""
    return read(Bringing, await executor.execute(_BRINGING, {"login": login}))


async def places(executor: Executor) -> list[str]:
    """The namespaces of the operator's cluster in which rows have resources."""
    return [row.namespace for row in await executor.execute(_PLACES)]


async def elsewhere(executor: Executor) -> int:
    """How many accounts bring a cluster of their own."""
    found: int = (await executor.execute(_ELSEWHERE)).scalar_one()
    return found
