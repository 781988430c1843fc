"""The story on a real Kubernetes API server: that of `MOORING_TEST_KUBECONFIG`, in its namespace.

What the simulator only claims is seen here: server-side apply, admission, quota, Pod Security, the
controllers and the garbage collector. For a cluster made for tests: what is managed by Mooring in
the namespace must be the tests' own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.acceptance.stack import Stack, running_stack
from tests.acceptance.story import objects_left, story, user_of

pytestmark = pytest.mark.xdist_group("stack")
KUBECONFIG = os.environ.get("MOORING_TEST_KUBECONFIG", "")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack on that cluster."""
    if not KUBECONFIG:
        pytest.skip("no MOORING_TEST_KUBECONFIG, the kubeconfig of a cluster for tests")
    with running_stack(kubeconfig=KUBECONFIG) as running:
        yield running


async def test_two_users_at_once_live_the_story_in_the_namespace_of_the_context(
    stack: Stack,
) -> None:
    context = yaml.safe_load(Path(KUBECONFIG).read_text())["contexts"][0]["context"]

    async with user_of(stack) as ada, user_of(stack) as bob:
        await asyncio.gather(story(ada), story(bob))

    assert f"namespace {context['namespace']}" in stack.screen
    assert stack.ready["namespace"] == context["namespace"]
    assert await objects_left(stack) == []


async def test_the_story_survives_a_killed_reconciler_while_another_takes_over(
    stack: Stack,
) -> None:
    async def breaks() -> None:
        await stack.kill("reconciler")

    with stack.another_reconciler():
        async with user_of(stack) as user:
            await story(user, breaks)
    assert await objects_left(stack) == []
