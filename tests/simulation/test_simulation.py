"""Runs of the whole control plane, in which everything that can go wrong does."""

import pytest

from tests.simulation.runs import play
from tests.simulation.tally import Tally
from tests.simulation.world import Ground

# As many as take some 40 s on two quiet cores; where others work too it may be minutes.
_SEEDS = range(1, 13)


@pytest.mark.timeout(900)
def test_whatever_goes_wrong_the_world_comes_to_what_is_wanted(ground: Ground) -> None:
    tally = Tally()

    for number in _SEEDS:
        play(ground, number, tally)

    assert tally.runs >= len(_SEEDS)
    assert tally.writes > 100, str(tally)
