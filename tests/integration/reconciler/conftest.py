"""A reconciler in this process, against a real Postgres and the simulator's process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.db.session import Database
from app.settings import Settings
from reconciler.cluster.client import Bounds, Cluster
from reconciler.cluster.trusted import connect
from reconciler.resources import Resources
from tests.integration.reconciler.stage import Stage
from tests.integration.reconciler.working import resources_of
from tests.simulator import RunningSimulator, running_simulator


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Quick: a test waits for the cluster, not for us."""
    return Settings(poll=0.5, cluster_rate=1000, cluster_burst=1000, lease=6, lease_margin=1)


@pytest.fixture
def kubeblocks() -> str:
    """The release of KubeBlocks there; a test that is about several is parametrized with them."""
    return "1.0"


@pytest_asyncio.fixture
async def simulator(tmp_path: Path, kubeblocks: str) -> AsyncIterator[RunningSimulator]:
    """A cluster whose pods are ready at once."""
    async with running_simulator(tmp_path, "--kubeblocks", kubeblocks) as running:
        yield running


@pytest_asyncio.fixture
async def cluster(simulator: RunningSimulator) -> AsyncIterator[Cluster]:
    """Our client of it."""
    opened = await connect(simulator.kubeconfig, Bounds(10, rate=1000, burst=1000))
    yield opened
    await opened.close()


@pytest.fixture
def resources(database: Database, cluster: Cluster, settings: Settings) -> Resources:
    """Reconciles resources of every kind there."""
    return resources_of(database, cluster, settings)


@pytest.fixture
def stage(database: Database, simulator: RunningSimulator, cluster: Cluster) -> Stage:
    """A cluster that may be made to fail."""
    return Stage(database, simulator, cluster)
