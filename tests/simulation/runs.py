"""Runs by their seeds: each seed is one run, the same each time."""

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import Machine
from tests.simulation.tally import Tally
from tests.simulation.world import Ground

STEPS = 25


def play(ground: Ground, number: int, tally: Tally, *, shrink: bool = False) -> None:
    """The run of this seed. Raises Broken, with its story; `shrink`: with the smallest that is
    found, which takes minutes."""
    Machine.ground, Machine.tally, Machine.broken = ground, tally, None
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    try:
        run_state_machine_as_test(
            seed(number)(type(f"Run{number}", (Machine,), {})),
            settings=settings(
                max_examples=1,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=phases,
                verbosity=Verbosity.normal if shrink else Verbosity.quiet,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except BaseException:
        if Machine.broken is not None and not shrink:
            raise Machine.broken from None
        raise
