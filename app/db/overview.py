"""What an operator asks of the whole installation: queue, workers, clusters, and what holds up.

Read by `mooring status` as the owner or as the reconciler's role, which both see all rows. The
queue is cheap (`app.db.queue`); the rest goes once through all resources, as one person's
command may and a scrape may not.

Who works is told by Postgres: each process gives its connections its name (`app.db.engine`), and
`pg_stat_activity` has those that are connected now. So one that holds no lease is seen too, without
a table that would have to be kept alive by writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from app.db import queue
from app.db.engine import PREFIX, Process
from app.db.queue import Waiting
from app.db.rows import Executor, read
from app.domain.settings import CredentialState
from app.domain.states import Lane, ResourceKind

# Users' clusters that are named one by one, those with most trouble first.
_CLUSTERS = 20


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that is connected, or that holds leases (the connections of a dead one are gone).

    `seen`: when it last asked Postgres for something; None where one may not see that, which takes
    its own role or pg_read_all_stats.
    """

    name: str
    process: str
    connections: int
    leases: int
    started: datetime | None
    seen: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """The resources in one cluster; `server` None is the operator's."""

    server: str | None
    resources: int
    due: int
    claimed: int
    explained: int
    errors: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Resources that say the same `why`: how many, of them ERROR and in users' own clusters; since
    when the oldest one does, and which that is."""

    reason: str
    resources: int
    errors: int
    of_users: int
    since: datetime | None
    kind: ResourceKind
    example: UUID
    object: str | None


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it, of one moment."""

    at: datetime
    resources: int
    queue: Mapping[Lane, Waiting]
    workers: list[Worker]
    places: list[Place]
    more_places: int
    troubles: list[Trouble]
    kubeconfigs: Mapping[CredentialState, int]

    @property
    def oldest(self) -> timedelta:
        """How long the oldest row that is due has been so."""
        return max(waiting.oldest for waiting in self.queue.values())


_NOW = text("SELECT mooring_now()")
_CONNECTED = text("""
SELECT application_name AS name, count(*) AS connections, min(backend_start) AS started,
  max(state_change) AS seen
FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE :names GROUP BY 1
""")
_HOLDING = text("""
SELECT locked_by AS name, count(*) AS leases FROM resource
WHERE lane = ANY(CAST(:lanes AS smallint[])) AND due_at <= mooring_now()
  AND locked_until > mooring_now() AND locked_by IS NOT NULL
GROUP BY 1
""")
_PLACED = """
SELECT r.*, coalesce(s.k8s_server, d.k8s_server) AS server FROM resource r
LEFT JOIN sandbox s ON s.id = r.id LEFT JOIN database d ON d.id = r.id
"""
_PLACES = text(f"""
SELECT p.server, count(*) AS resources,
  count(*) FILTER (WHERE p.due_at <= mooring_now() AND p.locked_until <= mooring_now()) AS due,
  count(*) FILTER (WHERE p.locked_until > mooring_now()) AS claimed,
  count(*) FILTER (WHERE p.reason IS NOT NULL) AS explained,
  count(*) FILTER (WHERE p.status = 'ERROR') AS errors
FROM ({_PLACED}) p GROUP BY p.server
ORDER BY p.server IS NOT NULL, errors DESC, explained DESC, resources DESC, p.server
""")
_TROUBLES = text(f"""
SELECT p.reason, count(*) AS resources, count(*) FILTER (WHERE p.status = 'ERROR') AS errors,
  count(*) FILTER (WHERE p.server IS NOT NULL) AS of_users, min(p.since) AS since,
  (array_agg(p.kind ORDER BY p.since, p.id))[1] AS kind,
  (array_agg(p.id ORDER BY p.since, p.id))[1] AS example,
  (array_agg(p.object ORDER BY p.since, p.id))[1] AS object
FROM ({_PLACED}) p WHERE p.reason IS NOT NULL
GROUP BY p.reason ORDER BY errors DESC, resources DESC, p.reason
""")
_KUBECONFIGS = text("SELECT state, count(*) AS n FROM credential GROUP BY state")


async def overview(executor: Executor) -> Overview:
    """Everything, in whatever snapshot the executor has."""
    at: datetime = (await executor.execute(_NOW)).scalar_one()
    places = read(Place, await executor.execute(_PLACES))
    return Overview(
        at=at,
        resources=sum(place.resources for place in places),
        queue=await queue.waiting(executor),
        workers=await _workers(executor),
        places=places[: _CLUSTERS + 1],
        more_places=len(places[_CLUSTERS + 1 :]),
        troubles=read(Trouble, await executor.execute(_TROUBLES)),
        kubeconfigs=await _kubeconfigs(executor),
    )


async def _workers(executor: Executor) -> list[Worker]:
    names = {"names": f"{PREFIX}%"}
    connected = {row.name: row for row in await executor.execute(_CONNECTED, names)}
    lanes = {"lanes": [int(lane) for lane in Lane]}
    found = await executor.execute(_HOLDING, lanes)
    holding = {Process("reconciler", row.name).application_name: row.leases for row in found}
    workers = []
    for told in sorted(connected.keys() | holding.keys()):
        row, (what, _, name) = connected.get(told), told.partition(" ")
        workers.append(
            Worker(
                name=name,
                process=what.removeprefix(PREFIX),
                connections=row.connections if row else 0,
                leases=holding.get(told, 0),
                started=row.started if row else None,
                seen=row.seen if row else None,
            )
        )
    return workers


async def _kubeconfigs(executor: Executor) -> Mapping[CredentialState, int]:
    found = await executor.execute(_KUBECONFIGS)
    return {CredentialState(row.state): row.n for row in found}
