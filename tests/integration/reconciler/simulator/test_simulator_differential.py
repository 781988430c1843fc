"""The simulator says what a real API server has said: the golden answers of tests/differential."""

from collections.abc import AsyncIterator

import pytest

from tests.differential.families import FAMILIES, fits
from tests.differential.golden import unexpected
from tests.differential.play import play
from tests.differential.request import Family
from tests.differential.server import connected
from tests.simulator import RunningSimulator, running_simulator

OLD = tuple(family for family in FAMILIES if family.unserved)


@pytest.fixture(scope="session")
async def old_simulator(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[RunningSimulator]:
    """With the dialect of KubeBlocks 0.9."""
    folder = tmp_path_factory.mktemp("old-simulator")
    async with running_simulator(folder, "--kubeblocks", "0.9") as running:
        yield running


async def differences(family: Family, simulator: RunningSimulator) -> dict[str, object]:
    async with connected(simulator.kubeconfig) as server:
        assert await fits(family, server)
        return unexpected(family, await play(family, server))


@pytest.mark.parametrize(
    "family",
    [family for family in FAMILIES if family not in OLD],
    ids=lambda family: family.name,
)
async def test_the_simulator_answers_as_a_real_api_server(
    family: Family, simulator: RunningSimulator
) -> None:
    assert await differences(family, simulator) == {}


@pytest.mark.parametrize("family", OLD, ids=lambda family: family.name)
async def test_the_simulator_answers_as_one_with_an_older_kubeblocks(
    family: Family, old_simulator: RunningSimulator
) -> None:
    assert await differences(family, old_simulator) == {}
