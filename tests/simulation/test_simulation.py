"""Runs of the whole control plane, in which everything that can go wrong does."""

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import Machine
from tests.simulation.world import Ground


def test_whatever_goes_wrong_the_world_comes_to_what_is_wanted(ground: Ground) -> None:
    Machine.ground = ground
    run_state_machine_as_test(
        seed(1)(Machine),
        settings=settings(
            max_examples=10,
            stateful_step_count=25,
            deadline=None,
            database=None,
            # One run takes seconds: what fails is told as it was, and not made smaller.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
