"""The simulator says what a real API server has said: the golden answers of tests/differential."""

import pytest

from tests.differential.families import FAMILIES, fits
from tests.differential.golden import unexpected
from tests.differential.play import play
from tests.differential.request import Family
from tests.differential.server import connected
from tests.simulator import RunningSimulator


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
async def test_the_simulator_answers_as_a_real_api_server(
    family: Family, simulator: RunningSimulator
) -> None:
    async with connected(simulator.kubeconfig) as server:
        assert await fits(family, server)

        answers = await play(family, server)

    assert unexpected(family, answers) == {}
