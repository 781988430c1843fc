"""Where a run has to end: every row as wanted, and in the cluster just what the rows want."""

from typing import Any
from uuid import UUID

import asyncpg

from reconciler.manifests.identity import RESOURCE
from reconciler.simulator.stored import Stored
from tests.simulation.checks import Broken
from tests.simulation.cluster import LocalCluster

_OPEN = """
SELECT r.id, r.kind, r.desired_state, r.status, r.phase, r.reason, r.message, r.generation,
  r.observed_generation, r.lane, r.due_at, r.locked_until, r.lease_token, r.asked
FROM resource r
WHERE r.lease_token IS NOT NULL OR r.observed_generation <> r.generation OR r.reason IS NOT NULL
  OR r.status <> CASE r.desired_state WHEN 'RUNNING' THEN 'RUNNING' WHEN 'STOPPED' THEN 'STOPPED'
    ELSE '' END OR r.due_at <= mooring_now() ORDER BY r.id
"""
_ROWS = """
SELECT r.id, r.kind, r.desired_state, r.generation, coalesce(s.k8s_name, d.k8s_name) AS name
FROM resource r LEFT JOIN sandbox s ON s.id = r.id LEFT JOIN database d ON d.id = r.id
"""
# The object that a resource of each kind is about.
_MAIN = {"SANDBOX": "StatefulSet", "DATABASE": "Cluster"}


async def open_ends(connection: "asyncpg.Connection[asyncpg.Record]") -> list[dict[str, Any]]:
    """Rows that are not as wanted yet."""
    rows = [dict(row) for row in await connection.fetch(_OPEN)]
    going = await connection.fetch("SELECT id FROM project WHERE desired_state = 'DELETED'")
    return rows + [{"project": row["id"]} for row in going]


async def check_cluster(
    connection: "asyncpg.Connection[asyncpg.Record]", cluster: LocalCluster
) -> None:
    """Just what the rows want is there."""
    rows = {row["id"]: row for row in await connection.fetch(_ROWS)}
    there: dict[UUID, list[Stored]] = {}
    for table in cluster.store.tables.values():
        for stored in table.objects.values():
            label = stored.labels.get(RESOURCE)
            if label is not None:
                there.setdefault(UUID(label), []).append(stored)
    for owner, objects in there.items():
        if owner not in rows:
            left = [f"{one.kind.kind}/{one.name}" for one in objects]
            raise Broken(f"left behind of {owner}: {left}")
    for key, row in rows.items():
        main = [one for one in there.get(key, []) if one.kind.kind == _MAIN[row["kind"]]]
        if len(main) > 1:
            raise Broken(f"made twice: {[one.name for one in main]}")
        if row["desired_state"] == "RUNNING" and not main:
            raise Broken(f"{row['name']} runs without a {_MAIN[row['kind']]}")
