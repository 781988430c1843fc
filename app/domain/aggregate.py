"""What a project is, from what its resources are: status, desired state, generation, explanation.

The status is stored with the project, in the transaction and under the lock of whoever moved a
resource's status, by the one SQL fragment that `status_sql` renders from the rules here. Desired
state, observed generation and convergence are read with the project. A property test compares each
with its SQL on a real Postgres.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from app.domain.reasons import WAITING
from app.domain.states import DesiredState, ResourceStatus


class ProjectStatus(StrEnum):
    """What users see of a project."""

    CREATING = "CREATING"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    TERMINATING = "TERMINATING"
    TERMINATED = "TERMINATED"
    ERROR = "ERROR"
    PARTIAL = "PARTIAL"


_S = ResourceStatus

# One member at least → the status; looked at first.
ANY = (
    (_S.ERROR, ProjectStatus.ERROR),
    (_S.CREATING, ProjectStatus.CREATING),
)
# All members within the set → the status; equal ones first, since a set of one is the smaller.
ALL = (
    *((frozenset({member}), ProjectStatus(member)) for member in _S),
    (frozenset({_S.RUNNING, _S.STARTING}), ProjectStatus.STARTING),
    (frozenset({_S.STOPPED, _S.STOPPING}), ProjectStatus.STOPPING),
    (frozenset({_S.TERMINATED, _S.TERMINATING}), ProjectStatus.TERMINATING),
)


@dataclass(frozen=True, slots=True)
class Member:
    """A resource as its project sees it, and the project's generation at its last intent."""

    desired_state: DesiredState
    generation: int
    observed_generation: int
    project_generation: int


class Explained(Protocol):
    """A resource with what explains its status."""

    @property
    def id(self) -> UUID:
        """Its key, which grows with its creation."""

    @property
    def status(self) -> ResourceStatus:
        """What is to be seen of it."""

    @property
    def converged(self) -> bool:
        """It is as wanted."""

    @property
    def reason(self) -> str | None:
        """Why it is in this status, if there is something to say."""

    @property
    def since(self) -> datetime | None:
        """When that began."""


E = TypeVar("E", bound=Explained)


def status(own: DesiredState, members: Sequence[ResourceStatus]) -> ProjectStatus:
    """The status of a project that wants `own` for itself and has resources of these statuses."""
    if not members:
        deleting = own == DesiredState.DELETED
        return ProjectStatus.TERMINATED if deleting else ProjectStatus.STOPPED
    present = frozenset(members)
    for member, result in ANY:
        if member in present:
            return result
    return next((result for allowed, result in ALL if present <= allowed), ProjectStatus.PARTIAL)


def desired_state(own: DesiredState, members: Sequence[Member]) -> DesiredState | None:
    """What is wanted of all resources that are to stay; None when they differ."""
    if own == DesiredState.DELETED:
        return own
    wanted = {m.desired_state for m in members} - {DesiredState.DELETED} or {own}
    return wanted.pop() if len(wanted) == 1 else None


def observed_generation(generation: int, members: Sequence[Member]) -> int:
    """The project's generation that all its resources have been looked at for."""
    behind = [m.project_generation for m in members if m.observed_generation < m.generation]
    return min(behind) - 1 if behind else generation


def decisive(status: ProjectStatus, members: Iterable[E]) -> E | None:
    """The resource that explains why a project is in `status`; None when there is nothing to say.

    Those decide that have the project's status themselves (ERROR and CREATING by one of them; two
    statuses that add up to STARTING, STOPPING or TERMINATING by those that are not there yet); in
    PARTIAL those that are not as wanted. Of several the one that has been so for the longest. One
    that waits for another of the project gives way to whatever keeps that other from being there.
    """
    told = [m for m in members if m.reason is not None and m.since is not None]
    told.sort(key=lambda m: (m.since, m.id))
    deciding = [m for m in told if _decides(status, m)]
    roots = [m for m in deciding if not _waits(m)]
    if deciding and not roots:
        roots = [m for m in told if not m.converged and not _waits(m)]
    return next(iter(roots or deciding), None)


def _decides(status: ProjectStatus, member: Explained) -> bool:
    if status == ProjectStatus.PARTIAL:
        return not member.converged
    return member.status == status.value


def _waits(member: Explained) -> bool:
    return member.reason in WAITING


def status_sql(project: str, resource: str) -> str:
    """`status` as an aggregate expression over `project LEFT JOIN resource`, grouped by project."""
    seen = f"{resource}.status"
    arms = [
        f"WHEN count({resource}.id) = 0 THEN CASE {project}.desired_state"
        f" WHEN 'DELETED' THEN 'TERMINATED' ELSE 'STOPPED' END"
    ]
    arms += [f"WHEN bool_or({seen} = '{member}') THEN '{result}'" for member, result in ANY]
    for allowed, result in ALL:
        listed = ", ".join(f"'{member}'" for member in sorted(allowed))
        arms.append(f"WHEN bool_and({seen} IN ({listed})) THEN '{result}'")
    return f"CASE {' '.join(arms)} ELSE 'PARTIAL' END"
