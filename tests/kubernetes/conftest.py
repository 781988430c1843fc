"""Fixtures on the cluster of `MOORING_TEST_KUBECONFIG`: the plane, a namespace, a reconciler there.

The reconciler of most tests is in this process, on a real Postgres, as in the integration tests;
whole stacks are for the stories.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.db.session import Database
from tests.integration.conftest import database, databases, postgres, template, url
from tests.kubernetes.plane import KUBECONFIG, Place, Plane
from tests.kubernetes.stage import Stage

__all__ = ["database", "databases", "postgres", "template", "url"]


@pytest_asyncio.fixture(scope="session")
async def plane() -> AsyncIterator[Plane]:
    """The cluster."""
    if not KUBECONFIG:
        pytest.skip("no MOORING_TEST_KUBECONFIG, the kubeconfig of a cluster for tests")
    async with Plane.of(Path(KUBECONFIG)) as looked_at:
        yield looked_at


@pytest_asyncio.fixture
async def place(plane: Plane) -> AsyncIterator[Place]:
    """A namespace for one test."""
    async with plane.place() as made:
        yield made


@pytest.fixture
def stage(database: Database, place: Place) -> Stage:
    """A reconciler's database, and a namespace that may be made to fail."""
    return Stage(database, place)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests measured, and from which seed."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for name, value in report.user_properties:
                    terminalreporter.write_line(f"{name}: {value}")
