"""Which resource explains the status of its project."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.domain.aggregate import ProjectStatus, decisive
from app.domain.states import ResourceStatus

BEGUN = datetime(2026, 11, 25, tzinfo=UTC)
S = ResourceStatus
P = ProjectStatus


@dataclass(frozen=True)
class Told:
    """A resource with a reason since `minute`."""

    reason: str | None
    status: ResourceStatus
    minute: int | None = 0
    converged: bool = False
    key: int = 1

    @property
    def id(self) -> UUID:
        return UUID(int=self.key)

    @property
    def since(self) -> datetime | None:
        return None if self.minute is None else BEGUN + timedelta(minutes=self.minute)


@pytest.mark.parametrize(
    ("status", "members", "reason"),
    [
        pytest.param(P.STOPPED, [], None, id="none at all"),
        pytest.param(P.STARTING, [Told(None, S.STARTING, None)], None, id="nothing to say"),
        pytest.param(P.ERROR, [Told("Late", S.ERROR, 2), Told("First", S.ERROR, 1)], "First"),
        pytest.param(
            P.ERROR, [Told("Longer", S.STARTING, 1), Told("Failed", S.ERROR, 2)], "Failed"
        ),
        pytest.param(P.ERROR, [Told("B", S.ERROR, key=2), Told("A", S.ERROR, key=1)], "A"),
        pytest.param(P.CREATING, [Told("Up", S.STARTING, 1), Told("New", S.CREATING, 2)], "New"),
        pytest.param(
            P.STARTING, [Told("Note", S.RUNNING, 1, True), Told("Slow", S.STARTING, 2)], "Slow"
        ),
        pytest.param(
            P.STOPPING, [Told("Note", S.STOPPED, 1, True), Told("Slow", S.STOPPING, 2)], "Slow"
        ),
        pytest.param(
            P.PARTIAL, [Told("Note", S.RUNNING, 1, True), Told("Slow", S.STOPPING, 2)], "Slow"
        ),
        pytest.param(P.PARTIAL, [Told("Note", S.RUNNING, 1, True)], None),
        pytest.param(P.RUNNING, [Told("Note", S.RUNNING, 1, True)], "Note"),
        pytest.param(
            P.CREATING,
            [Told("WaitingForDatabase", S.CREATING, 1), Told("Full", S.STARTING, 2)],
            "Full",
            id="what is waited for has the root cause",
        ),
        pytest.param(
            P.CREATING,
            [Told("WaitingForDatabase", S.CREATING, 1), Told("Note", S.RUNNING, 2, True)],
            "WaitingForDatabase",
            id="what is waited for has nothing to say",
        ),
    ],
)
def test_the_one_that_decides_is_named(
    status: ProjectStatus, members: list[Told], reason: str | None
) -> None:
    for told in (members, members[::-1]):
        found = decisive(status, told)

        assert (found and found.reason) == reason
