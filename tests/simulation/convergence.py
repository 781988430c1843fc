"""Where a run has to end: every row as wanted, and in the cluster just what the rows want."""

from typing import Any
from uuid import UUID

import asyncpg

from reconciler.manifests.identity import RESOURCE
from reconciler.manifests.namespace import ACCOUNT
from reconciler.simulator.kinds import NAMESPACE
from reconciler.simulator.stored import Stored
from tests.simulation.cluster import LocalCluster
from tests.simulation.follower import Followers
from tests.simulation.users import Users

# Of `r`: no way leads there by the kubeconfig of now, as it says; it is kept, and no more.
_OUT_OF_REACH = """
(r.reason IS NOT DISTINCT FROM 'CredentialMismatch' AND r.desired_state <> 'DELETED'
 AND r.lease_token IS NULL AND EXISTS (
  SELECT FROM resource o LEFT JOIN sandbox s ON s.id = o.id LEFT JOIN database d ON d.id = o.id
  LEFT JOIN credential c ON c.account_id = o.account_id
  WHERE o.id = r.id AND coalesce(s.k8s_server, d.k8s_server) IS NOT NULL
    AND coalesce(s.k8s_namespace, d.k8s_namespace) IS DISTINCT FROM c.k8s_namespace))
"""
_OPEN = f"""
SELECT r.id, r.kind, r.desired_state, r.status, r.phase, r.reason, r.message, r.generation,
  r.observed_generation, r.lane, r.due_at, r.locked_until, r.lease_token, r.asked
FROM resource r
WHERE NOT {_OUT_OF_REACH} AND (r.lease_token IS NOT NULL OR r.observed_generation <> r.generation
  OR r.reason <> 'DataLost'  -- it runs, and has to say so
  OR r.status <> CASE r.desired_state WHEN 'RUNNING' THEN 'RUNNING' WHEN 'STOPPED' THEN 'STOPPED'
    ELSE '' END OR r.due_at <= mooring_now()) ORDER BY r.id
"""
_LOOKS = """
SELECT id, state, reason, message, generation, observed_generation, due_at, lease_token, asked
FROM credential WHERE lease_token IS NOT NULL OR observed_generation <> generation
  OR state <> 'READY' OR due_at <= mooring_now() ORDER BY id
"""
_ROWS = f"""
SELECT r.id, {_OUT_OF_REACH} AS out_of_reach,
  r.kind, r.desired_state, r.generation, coalesce(s.k8s_name, d.k8s_name) AS name,
  coalesce(s.k8s_server, d.k8s_server) IS NOT NULL AS elsewhere
FROM resource r LEFT JOIN sandbox s ON s.id = r.id LEFT JOIN database d ON d.id = r.id
"""
_PROJECTS = "SELECT id, status FROM project WHERE account_id = $1"
_MEMBERS = "SELECT id, project_id, status FROM resource WHERE account_id = $1"
# The object that a resource of each kind is about.
_MAIN = {"SANDBOX": "StatefulSet", "DATABASE": "Cluster"}


async def open_ends(connection: "asyncpg.Connection[asyncpg.Record]") -> list[dict[str, Any]]:
    """Rows that are not as wanted yet."""
    rows = [dict(row) for sql in (_OPEN, _LOOKS) for row in await connection.fetch(sql)]
    going = await connection.fetch("SELECT id FROM project WHERE desired_state = 'DELETED'")
    closing = await connection.fetch("SELECT id FROM account WHERE closing_since IS NOT NULL")
    rows += [{"project": row["id"]} for row in going]
    return rows + [{"account": row["id"]} for row in closing]


async def strays(
    connection: "asyncpg.Connection[asyncpg.Record]", cluster: LocalCluster, *, elsewhere: bool
) -> list[str]:
    """What is in the cluster and should not be, or is not there and should; of the operator's, or
    of the one `elsewhere`, which users bring."""
    rows = {row["id"]: row for row in await connection.fetch(_ROWS)}
    rows = {key: row for key, row in rows.items() if row["elsewhere"] == elsewhere}
    accounts = {row["id"] for row in await connection.fetch("SELECT id FROM account")}
    found = [f"left behind: {name}" for name, of in _namespaces(cluster) if of not in accounts]
    there: dict[UUID, list[Stored]] = {}
    for table in cluster.store.tables.values():
        for stored in table.objects.values():
            label = stored.labels.get(RESOURCE)
            if label is not None:
                there.setdefault(UUID(label), []).append(stored)
    for owner, objects in there.items():
        if owner not in rows:
            left = [f"{one.kind.kind}/{one.name}" for one in objects]
            found.append(f"left behind of {owner}: {left}")
    for key, row in rows.items():
        main = [one for one in there.get(key, []) if one.kind.kind == _MAIN[row["kind"]]]
        if len(main) > 1:
            found.append(f"made twice: {[one.name for one in main]}")
        if row["out_of_reach"]:
            continue
        if row["desired_state"] == "RUNNING" and not (main and is_up(main[0])):
            found.append(f"{row['name']} is RUNNING, and its {_MAIN[row['kind']]} is not")
        if row["desired_state"] == "STOPPED" and main and is_up(main[0]):
            found.append(f"{row['name']} is STOPPED, and its {_MAIN[row['kind']]} is not")
    return found


def _namespaces(cluster: LocalCluster) -> list[tuple[str, UUID]]:
    """Those that accounts have, and whose each is."""
    return [
        (stored.name, UUID(stored.labels[ACCOUNT]))
        for stored in cluster.store.tables[NAMESPACE].objects.values()
        if ACCOUNT in stored.labels
    ]


def is_up(stored: Stored) -> bool:
    """Whether it is told to run, and does."""
    body = stored.body
    if stored.kind.kind == "Cluster":
        return bool(body.get("status", {}).get("phase") == "Running")
    return bool(body["spec"].get("replicas") and body.get("status", {}).get("readyReplicas"))


async def untold(
    connection: "asyncpg.Connection[asyncpg.Record]", users: Users, followers: Followers
) -> list[str]:
    """What a subscriber was told otherwise than it is."""
    found: list[str] = []
    for viewer in users.followed:
        due: dict[UUID, tuple[str, dict[UUID, str]]] = {
            row["id"]: (row["status"], {}) for row in await connection.fetch(_PROJECTS, viewer.home)
        }
        for row in await connection.fetch(_MEMBERS, viewer.home):
            due[row["project_id"]][1][row["id"]] = row["status"]
        told = followers.knows(viewer.user_id)
        if told != due:
            found.append(f"a subscriber was told {told}, and there is {due}")
    return found
