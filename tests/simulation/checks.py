"""What has to hold all along, read from what was written and from what is there.

`Checks.look` judges each write since the last look against the write before it, and one snapshot of
rows, projects and change log against the pure functions of their inputs. It knows of a write what
the ledger says, so that nothing that later writes mend goes unseen.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from app.domain import aggregate, states
from app.domain.states import DesiredState, Inputs, Lane, Phase, ResourceStatus
from reconciler.manifests.identity import RESOURCE
from tests.simulation.cluster import LocalCluster
from tests.simulation.ledger import Ledger, Row, Write
from tests.simulation.worker import Sent

# What passes find out; the rest of a row is the user's, or the lease's.
_FOUND = frozenset(
    {"phase", "was_ready", "observed_generation", "failed_generation", "reason", "message"}
    | {"object", "attempts", "since", "phase_since", "held_until"}
)
_WANTED = frozenset({"desired_state", "generation", "desired_generation", "project_generation"})
# The same of looks at kubeconfigs, of which `state` and `reason` are the user's too.
_LOOKED = frozenset({"message", "username", "missing", "observed_generation", "checked_at"})
_SET = frozenset({"server", "k8s_namespace", "generation", "account_id"})
# Kinds that hold what users made, as paths name them.
_HOLD = ("/statefulsets/", "/clusters/", "/persistentvolumeclaims/")
_INPUTS = "desired_state, phase, was_ready, generation, desired_generation"
_INPUTS += ", observed_generation, failed_generation"
_RESOURCES = f"SELECT id, project_id, account_id, status, lease_token, {_INPUTS} FROM resource"
_PROJECTS = "SELECT id, account_id, status, desired_state FROM project"
_CHANGES = (
    "SELECT account_id, seq, action, subject_id, subject_type, from_status, to_status FROM change"
    " ORDER BY account_id, seq"
)


class Broken(AssertionError):  # noqa: N818 - an invariant is broken
    """Something that has to hold does not."""


@dataclass
class Lease:
    """A claim as the ledger saw it: by whom, and what was asked for and wanted until then."""

    token: str
    worker: str
    asked: int
    generation: int


@dataclass
class Checks:
    """`connection`: nobody's, of the database's owner; `margin`: seconds before the end of a lease
    in which nothing is begun under it any more."""

    ledger: Ledger
    connection: "asyncpg.Connection[asyncpg.Record]"
    cluster: LocalCluster
    margin: float
    others: tuple[LocalCluster, ...] = ()
    # Accounts, by their namespaces in the operator's cluster.
    accounts: dict[str, UUID] = field(default_factory=dict)
    leases: dict[UUID, Lease] = field(default_factory=dict)
    rows: dict[UUID, Row] = field(default_factory=dict)
    gone: dict[UUID, Row] = field(default_factory=dict)
    judged: int = 0

    async def look(self) -> list[Write]:
        """All of it; what was written since the last look."""
        writes = await self.ledger.news()
        self.judged += len(writes)
        for write in writes:
            if write.of_look:
                self._judge_look(write)
                continue
            self._judge(write)
            if write.after is None:
                self.rows.pop(write.resource, None)
                self.gone[write.resource] = write.before or {}
            else:
                self.rows[write.resource] = write.after
        if writes:
            async with self.connection.transaction(isolation="repeatable_read", readonly=True):
                resources = await self.connection.fetch(_RESOURCES)
                projects = await self.connection.fetch(_PROJECTS)
                changes = await self.connection.fetch(_CHANGES)
            _check_statuses(resources, projects)
            _check_log(changes, [*resources, *projects])
        return writes

    def _judge(self, write: Write) -> None:
        before, after = write.before, write.after
        if before is None or after is None:
            if before is not None:
                self._check_fence(write, before)
                wanted = before["desired_state"] != DesiredState.DELETED
                _require(not wanted, "a row went that is wanted", write)
                left = self._left_of(write.resource)
                _require(not left, f"a row went, and {left} is there", write)
            return
        moved = {name for name in after if after[name] != before[name]}
        if moved & _FOUND:
            self._check_fence(write, before)
            self._check_asked(write, before, after)
            self._check_observed(write, before, after)
        if write.recorded:
            _require(not moved & _WANTED, f"a record wrote {moved & _WANTED}", write)
        elif moved & _WANTED:
            _require(after["generation"] == before["generation"] + 1, "a generation is off", write)
            _require(after["asked"] > before["asked"], "an intent that asks for no look", write)
        elif moved == {"due_at"}:
            _check_put_off(write, before)
        self._judge_lease(write, before, after)

    def _judge_lease(self, write: Write, before: Row, after: Row) -> None:
        """One writer at a time."""
        token = after["lease_token"]
        if token is not None and token != before["lease_token"]:
            _require(_ended(before, write), "claimed while another holds it", write)
            lease = Lease(token, after["locked_by"], after["asked"], after["generation"])
            self.leases[write.resource] = lease
        elif not write.recorded and after["locked_until"] != before["locked_until"]:
            ours = write.by == before["locked_by"]
            _require(ours, f"{write.by} renews or gives back another's claim", write)

    def _judge_look(self, write: Write) -> None:
        """A kubeconfig's row: what was found out is recorded under the lease of just that look,
        of just that kubeconfig."""
        before, after = write.before, write.after
        if before is None or after is None:
            return
        moved = {name for name in after if after[name] != before[name]}
        if moved & _LOOKED:
            self._check_fence(write, before)
            self._check_asked(write, before, after)
            lease = self.leases.get(write.resource)
            same = lease is None or lease.generation == before["generation"]
            _require(same, "what was found out is of another kubeconfig", write)
        if write.by:
            _require(not moved & _SET, f"a look wrote {moved & _SET}", write)
        self._judge_lease(write, before, after)

    def judge_sent(self, sent: Sent) -> None:
        """A request of a pass that changes the cluster: only under its lease, and not before the
        row was read again; what holds data goes only with its resource."""
        claim, said = sent.claim, f"{sent.worker} sends {sent.call.method} {sent.call.path}"
        *way, name = sent.call.path.split("/")
        if sent.call.method == "DELETE" and way[-1] == "namespaces":
            owner = self.accounts[name]
            rows = [key for key, row in self.rows.items() if row["account_id"] == str(owner)]
            _require(not rows, f"{said}, and of its account there are {rows}")
        if claim is None:
            return
        row = self.rows.get(claim.id)
        _require(row is not None, f"{said} for a row that is gone")
        assert row is not None
        holds = row["lease_token"] == str(claim.lease_token)
        _require(holds, f"{said} for {claim.id}, which it does not hold any more")
        left = (datetime.fromisoformat(row["locked_until"]) - self.ledger.now).total_seconds()
        _require(left >= self.margin, f"{said} for {claim.id}, whose lease ends in {left:.1f} s")
        _require(sent.checked, f"{said} for {claim.id} without reading first whether it may")
        going = row["desired_state"] == DesiredState.DELETED
        if sent.call.method == "DELETE" and any(kind in sent.call.path for kind in _HOLD):
            _require(going, f"{said}, and {claim.id} is to stay")

    def judge_read(self, resource: UUID, token: UUID, generation: int) -> None:
        """A pass was told that the row is still its own and wants the same."""
        row = self.rows.get(resource)
        said = f"a pass was told that {resource} is as it was"
        _require(row is not None, f"{said}, and it is gone")
        assert row is not None
        _require(row["lease_token"] == str(token), f"{said}, and it is another's")
        _require(row["generation"] == generation, f"{said}, and something else is wanted")

    def _left_of(self, resource: UUID) -> list[str]:
        return [
            f"{stored.kind.kind}/{stored.name}"
            for cluster in (self.cluster, *self.others)
            for table in cluster.store.tables.values()
            for stored in table.select("", (RESOURCE, str(resource)))
        ]

    def _check_fence(self, write: Write, before: Row) -> None:
        _require(write.recorded, "what passes find out was written by no record", write)
        _require(
            write.token is not None and write.token == before["lease_token"],
            f"written under {write.token}, and the row's lease was {before['lease_token']}",
            write,
        )
        _require(not _ended(before, write), "written after the end of the lease", write)

    def _check_asked(self, write: Write, before: Row, after: Row) -> None:
        """Who asked during the pass is heard."""
        lease = self.leases.get(write.resource)
        if lease is None or before["asked"] == lease.asked:
            return
        kept = (before["lane"], before["due_at"]) == (after["lane"], after["due_at"])
        _require(kept, "somebody asked during the pass, and its record took the look away", write)

    def _check_observed(self, write: Write, before: Row, after: Row) -> None:
        """What was seen is told of the generation that the claim returned."""
        lease = self.leases.get(write.resource)
        seen = after["observed_generation"]
        known = lease is None or seen in (before["observed_generation"], lease.generation)
        _require(known, f"a pass for generation {lease and lease.generation} saw {seen}", write)


def _ended(row: Row, write: Write) -> bool:
    """Whether the lease of a row was over when this was written."""
    until = str(row["locked_until"])
    return until == "-infinity" or datetime.fromisoformat(until) <= write.clock


def _check_put_off(write: Write, before: Row) -> None:
    """A later look, of which nobody who asked is told: only at what is as wanted, and nobody's."""
    wanted = before["observed_generation"] == before["generation"] and before["reason"] is None
    idle = wanted and before["lane"] == Lane.CLOCK and _ended(before, write)
    _require(idle, "a look that is wanted was put off", write)


def _require(holds: bool, said: str, write: Write | None = None) -> None:
    if not holds:
        raise Broken(said if write is None else f"{said}: {_told(write)}")


def _told(write: Write) -> str:
    before, after = write.before or {}, write.after or {}
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    moved = ", ".join(f"{name} {before.get(name)} → {after.get(name)}" for name in names)
    return f"{write.resource} at {write.clock:%H:%M:%S.%f}: {moved}"


def _check_statuses(resources: list[Any], projects: list[Any]) -> None:
    members: dict[UUID, list[ResourceStatus]] = {}
    for row in resources:
        inputs = Inputs(
            DesiredState(row["desired_state"]),
            Phase(row["phase"]),
            row["was_ready"],
            row["generation"],
            row["desired_generation"],
            row["observed_generation"],
            row["failed_generation"],
        )
        due = states.status(inputs)
        _require(due == row["status"], f"{row['id']} is {row['status']} and not {due}")
        members.setdefault(row["project_id"], []).append(ResourceStatus(row["status"]))
    for project in projects:
        seen = members.get(project["id"], [])
        due_of_all = aggregate.status(DesiredState(project["desired_state"]), seen)
        _require(
            due_of_all == project["status"],
            f"project {project['id']} is {project['status']}, and of {seen} it is {due_of_all}",
        )


def _check_log(changes: list[Any], rows: list[Any]) -> None:
    seqs: dict[UUID, int] = {}
    last: dict[UUID, Any] = {}
    for change in changes:
        account, subject = change["account_id"], change["subject_id"]
        _require(change["seq"] == seqs.get(account, 0) + 1, f"a gap before {dict(change)}")
        seqs[account] = change["seq"]
        before = last.get(subject)
        told = None if before is None else before["to_status"]
        _require(change["from_status"] == told, f"the log says {told}, and then {dict(change)}")
        last[subject] = change
    there = {row["id"]: row["status"] for row in rows}
    for subject, change in last.items():
        if change["subject_type"] not in ("Sandbox", "Database", "Project"):
            continue
        if subject in there:
            due = there.pop(subject)
            _require(change["to_status"] == due, f"{subject} is {due}: {dict(change)}")
        else:
            _require(change["action"].endswith(".gone"), f"{subject} is no more: {dict(change)}")
    _require(not there, f"the log does not know {there}")
