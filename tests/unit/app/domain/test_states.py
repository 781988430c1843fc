"""The status tables of the design, whole."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import aggregate
from app.domain.aggregate import Member, ProjectStatus
from app.domain.states import DesiredState, Inputs, Phase, converged, status
from app.domain.states import ResourceStatus as Status

PAIRS = list(itertools.product(DesiredState, Phase))

# What the newest generation shows, once ready, for each wish: the design's section 2, written out.
SEEN = {
    DesiredState.RUNNING: dict.fromkeys(Phase, Status.STARTING) | {Phase.RUNNING: Status.RUNNING},
    DesiredState.STOPPED: dict.fromkeys(Phase, Status.STOPPING)
    | {
        Phase.STOPPED: Status.STOPPED,
        Phase.ABSENT: Status.STOPPED,
        Phase.GONE: Status.STOPPED,
    },
    DesiredState.DELETED: dict.fromkeys(Phase, Status.TERMINATING)
    | {Phase.GONE: Status.TERMINATED},
}


def inputs(desired: DesiredState, phase: Phase, **changed: object) -> Inputs:
    values: dict[str, object] = {
        "was_ready": True,
        "generation": 2,
        "desired_generation": 2,
        "observed_generation": 2,
        "failed_generation": None,
    }
    return Inputs(desired, phase, **(values | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(("desired", "phase"), PAIRS)
def test_the_status_of_the_observed_generation(desired: DesiredState, phase: Phase) -> None:
    assert status(inputs(desired, phase)) == SEEN[desired][phase]


@pytest.mark.parametrize("phase", Phase)
def test_it_is_creating_until_its_objects_are_there(phase: Phase) -> None:
    never_there = phase in (Phase.NEW, Phase.ABSENT, Phase.GONE)

    seen = status(inputs(DesiredState.RUNNING, phase, was_ready=False))

    assert (seen == Status.CREATING) == never_there


@pytest.mark.parametrize(("desired", "phase"), PAIRS)
def test_a_failure_of_the_current_generation_is_an_error(
    desired: DesiredState, phase: Phase
) -> None:
    assert status(inputs(desired, phase, failed_generation=2)) == Status.ERROR
    assert status(inputs(desired, phase, failed_generation=1)) != Status.ERROR


@pytest.mark.parametrize(("desired", "phase"), PAIRS)
def test_a_new_intent_is_never_shown_as_reached(desired: DesiredState, phase: Phase) -> None:
    unseen = inputs(desired, phase, observed_generation=1)

    assert not converged(unseen)
    assert status(unseen) not in (Status.RUNNING, Status.STOPPED)


def test_an_edit_leaves_a_stopped_sandbox_stopped() -> None:
    edited = inputs(DesiredState.STOPPED, Phase.STOPPED, generation=3, desired_generation=2)

    assert status(edited) == Status.STOPPED
    assert not converged(edited)


@given(st.lists(st.sampled_from(Status), min_size=1))
def test_the_project_status_does_not_depend_on_order_or_number(
    members: list[Status],
) -> None:
    seen = aggregate.status(DesiredState.RUNNING, members)

    assert seen == aggregate.status(DesiredState.RUNNING, members[::-1])
    assert seen == aggregate.status(DesiredState.RUNNING, members * 2)


@given(st.lists(st.sampled_from(Status), min_size=1))
def test_one_error_makes_the_project_an_error(members: list[Status]) -> None:
    assert (aggregate.status(DesiredState.RUNNING, members) == ProjectStatus.ERROR) == (
        Status.ERROR in members
    )


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([Status.RUNNING, Status.RUNNING], ProjectStatus.RUNNING),
        ([Status.RUNNING, Status.STARTING], ProjectStatus.STARTING),
        ([Status.STOPPED, Status.STOPPING], ProjectStatus.STOPPING),
        ([Status.TERMINATED, Status.TERMINATING], ProjectStatus.TERMINATING),
        ([Status.RUNNING, Status.STOPPED], ProjectStatus.PARTIAL),
        ([Status.CREATING, Status.RUNNING], ProjectStatus.CREATING),
        ([], ProjectStatus.STOPPED),
    ],
)
def test_the_project_status(members: list[Status], expected: ProjectStatus) -> None:
    assert aggregate.status(DesiredState.RUNNING, members) == expected


def test_a_project_that_is_to_go_and_is_empty_is_terminated() -> None:
    assert aggregate.status(DesiredState.DELETED, []) == ProjectStatus.TERMINATED


def test_the_observed_generation_stays_before_the_first_intent_not_yet_seen() -> None:
    seen, behind = Member(DesiredState.RUNNING, 2, 2, 7), Member(DesiredState.RUNNING, 3, 2, 5)

    assert aggregate.observed_generation(7, [seen]) == 7
    assert aggregate.observed_generation(7, [seen, behind]) == 4
