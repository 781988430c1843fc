"""What there is at the end: rows, history, what the API answers, and objects in the cluster.

Read past the proxies, as the schema's owner and with a client of the cluster's own.
"""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.domain import ids
from reconciler.cluster.client import Bounds
from reconciler.cluster.trusted import connect
from reconciler.manifests.database import component, is_told_to_stop
from reconciler.manifests.identity import RESOURCE
from reconciler.manifests.kinds import KINDS, NAMESPACE
from reconciler.manifests.namespace import ACCOUNT
from tests.chaos.load import User
from tests.chaos.stack import Stack


@dataclass(frozen=True)
class Row:
    """A resource as Postgres has it."""

    id: str
    key: UUID
    project: str
    kind: str
    name: str
    desired: str
    status: str
    generation: int
    observed: int
    reason: str | None
    locked: bool


@dataclass(frozen=True)
class Change:
    """A line of the history; `id` as the API gives it."""

    seq: int
    id: str
    project: str
    action: str
    subject: str
    before: str | None
    after: str | None
    by_user: bool
    at: str = ""
    reason: str | None = None

    def __str__(self) -> str:
        return f"{self.seq} at {self.at}: {self.action} {self.before}→{self.after} {self.reason}"


@dataclass
class Rows:
    """projects: status by id. changes: by login, in order. feeds: the counter by login."""

    resources: dict[str, Row] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)
    changes: dict[str, list[Change]] = field(default_factory=dict)
    feeds: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Thing:
    """An object in the cluster that names a resource; `facts`: what a wish is compared with."""

    kind: str
    where: str
    resource: UUID | None
    facts: dict[str, Any]
    ending: bool = False


_RESOURCES = """SELECT r.*, r.locked_until > mooring_clock() AS locked FROM resource r"""
_CHANGES = """SELECT c.*, a.login FROM change c JOIN account a ON a.id = c.account_id
  ORDER BY c.account_id, c.seq"""
_FEEDS = "SELECT a.login, f.seq FROM feed f JOIN account a ON a.id = f.account_id"


async def rows_of(stack: Stack) -> Rows:
    """All of it in one moment."""
    found = Rows()
    async with stack.rows() as connection, connection.transaction(isolation="repeatable_read"):
        for row in await connection.fetch(_RESOURCES):
            one = _row(row)
            found.resources[one.id] = one
        for row in await connection.fetch("SELECT id, status FROM project"):
            found.projects[ids.encode(ids.NodeType.PROJECT, row["id"])] = row["status"]
        changes = defaultdict(list)
        for row in await connection.fetch(_CHANGES):
            changes[row["login"]].append(_change(row))
        found.changes = dict(changes)
        found.feeds = {row["login"]: row["seq"] for row in await connection.fetch(_FEEDS)}
    return found


def _row(row: Any) -> Row:
    return Row(
        id=ids.encode(ids.NodeType[row["kind"]], row["id"]),
        key=row["id"],
        project=ids.encode(ids.NodeType.PROJECT, row["project_id"]),
        kind=row["kind"].lower(),
        name=row["name"],
        desired=row["desired_state"],
        status=row["status"],
        generation=row["generation"],
        observed=row["observed_generation"],
        reason=row["reason"],
        locked=row["locked"],
    )


def _change(row: Any) -> Change:
    return Change(
        seq=row["seq"],
        id=ids.encode(ids.NodeType.CHANGE, row["account_id"], row["seq"]),
        project=ids.encode(ids.NodeType.PROJECT, row["project_id"]),
        action=row["action"],
        subject=ids.encode(ids.NodeType[row["subject_type"].upper()], row["subject_id"]),
        before=row["from_status"],
        after=row["to_status"],
        by_user=row["actor_kind"] == "USER",
        at=f"{row['at']:%H:%M:%S.%f}",
        reason=row["reason"],
    )


async def things_of(stack: Stack) -> list[Thing]:
    """All objects with our owner label, and the namespaces of accounts."""
    cluster = await connect(stack.kubeconfig, Bounds(30, rate=1000, burst=1000))
    try:
        found = [
            _thing(kind.kind, body)
            for kind in KINDS
            for body in await cluster.list_all(kind, "", RESOURCE)
        ]
        spaces = await cluster.list_all(NAMESPACE, "", ACCOUNT)
    finally:
        await cluster.close()
    return found + [_thing("Namespace", body) for body in spaces]


def _thing(kind: str, body: dict[str, Any]) -> Thing:
    meta = body["metadata"]
    labels = meta.get("labels") or {}
    where = f"{meta.get('namespace', '')}/{meta['name']}"
    owner = labels.get(RESOURCE)
    return Thing(
        kind, where, UUID(owner) if owner else None, _facts(kind, body), "deletionTimestamp" in meta
    )


def _facts(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    if kind == "StatefulSet":
        box = body["spec"]["template"]["spec"]["containers"][0]
        limits = box["resources"]["limits"]
        asked = {"image": box["image"], "cpu": limits["cpu"], "memory": limits["memory"]}
        return {"running": body["spec"]["replicas"] == 1, **asked}
    if kind == "Secret":
        data = body.get("data") or {}
        return {key: base64.b64decode(value).decode() for key, value in data.items()}
    if kind == "Cluster":
        limits = component(body)["resources"]["limits"]
        running = not is_told_to_stop(body)
        return {"running": running, "cpu": limits["cpu"], "memory": limits["memory"]}
    if kind == "Pod":
        return {"phase": (body.get("status") or {}).get("phase")}
    if kind == "Namespace":
        return {"account": body["metadata"]["labels"][ACCOUNT]}
    return {}


_PROJECTS = """query ($after: String) { projects(first: 20, after: $after) {
  pageInfo { hasNextPage endCursor } nodes { id name status desiredState converged
    environment { key value }
    sandboxes { id name status desiredState generation image cpu memory ports { port } }
    databases { id name status desiredState generation cpu memory } } } }"""


async def answers_of(user: User) -> dict[str, dict[str, Any]]:
    """All projects of a user as the API answers, by id."""
    found: dict[str, dict[str, Any]] = {}
    after: str | None = None
    while True:
        page = (await user.caller.safely(_PROJECTS, after=after))["projects"]
        found |= {node["id"]: node for node in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def accounts_of(stack: Stack) -> set[str]:
    """The keys of all accounts, as labels have them."""
    async with stack.rows() as connection:
        return {str(row["id"]) for row in await connection.fetch("SELECT id FROM account")}


_CONNECTIONS = """SELECT usename, state, count(*) FROM pg_stat_activity
  WHERE datname = current_database() AND usename LIKE 'mooring\\_%' GROUP BY 1, 2"""


async def connections_of(stack: Stack) -> Counter[str]:
    """Connections of the two roles, by role and state."""
    async with stack.rows() as connection:
        found = await connection.fetch(_CONNECTIONS)
    return Counter({f"{row['usename']} {row['state']}": row["count"] for row in found})
