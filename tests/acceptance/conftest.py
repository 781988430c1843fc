"""Fixtures of the acceptance tests; see `stack.py` for what a stack offers."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.acceptance.stack import Stack, running_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """One stack for all tests that leave it as they found it."""
    with running_stack() as running:
        yield running


@pytest.fixture
def address(stack: Stack) -> str:
    """Where a browser begins."""
    return stack.url


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the processes said when a test on a stack fails."""
    report = yield
    running = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(running, Stack):
        report.sections.append(("stack", running.story()))
    return report
