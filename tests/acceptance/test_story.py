"""The story: create, watch, stop, start, delete; alone, and with things breaking in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.acceptance.stack import Stack, running_stack
from tests.acceptance.story import Follower, leaving, objects_left, story, user_of


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack of its own: other tests leave projects behind, and here no object may be left."""
    with running_stack() as running:
        yield running


async def test_two_users_at_once_live_the_story_and_do_not_see_each_other(stack: Stack) -> None:
    async with user_of(stack) as ada, user_of(stack) as bob:
        theirs = await bob.create()
        read = "query ($id: ID!) { project(id: $id) { id } node(id: $id) { id } }"

        hidden = await ada.ask(read, id=theirs)
        refused = await ada.ask(
            "mutation ($id: ID!) { deleteProject(id: $id) { project { id } } }", id=theirs
        )
        await asyncio.gather(story(ada), story(bob))

        assert hidden["data"] == {"project": None, "node": None}
        assert refused["errors"][0]["extensions"]["code"] == "NOT_FOUND"
        follower = Follower(bob, theirs)
        async with asyncio.TaskGroup() as group:
            group.create_task(follower.run())
            await follower.reaches("RUNNING")
            await bob.want("delete", theirs)
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


async def test_who_leaves_leaves_nothing_though_the_reconciler_is_killed(stack: Stack) -> None:
    async def breaks() -> None:
        await stack.kill("reconciler")

    async with user_of(stack) as user:
        await leaving(user, breaks)
    assert await objects_left(stack) == []


@pytest.mark.faults
async def test_the_story_survives_a_restart_of_postgres() -> None:
    with running_stack() as stack:

        async def breaks() -> None:
            await stack.kill("postgres")

        async with user_of(stack) as user:
            await story(user, breaks)
        assert await objects_left(stack) == []


@pytest.mark.faults
async def test_without_any_notify_the_end_is_the_same_later() -> None:
    with running_stack(notify="false") as stack:
        async with user_of(stack) as user:
            await story(user)
        assert await objects_left(stack) == []
