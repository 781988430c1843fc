"""Fixtures on the cluster of `MOORING_TEST_KUBECONFIG`: the plane, a namespace, a reconciler there.

The reconciler of most tests is in this process, on a real Postgres, as in the integration tests;
whole stacks are for the stories.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from app.db.session import Database
from tests.integration.conftest import database, databases, postgres, template, url
from tests.kubernetes.plane import KUBECONFIG, Place, Plane
from tests.kubernetes.stage import Stage

__all__ = ["database", "databases", "postgres", "template", "url"]

# Files whose tests never run beside one another: what they make is of the whole cluster, or one
# stack of processes is for all of them.
TOGETHER = frozenset({"test_absent.py", "test_stories.py"})


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Of several processes, one runs all tests of such a file; any runs the others, each by itself.

    Not by xdist's own mark: 3.8 writes it into the tests' names, where pytest 9.2 does not look, so
    that all ran anywhere, without a word (https://github.com/pytest-dev/pytest-xdist/issues/1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if Path(file).name in TOGETHER else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Together | None:
    """In the place of what `--dist loadgroup` would be."""
    return Together(config, log) if config.getoption("dist") == "loadgroup" else None


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
