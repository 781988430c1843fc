"""The story: create, watch, stop, start, delete; alone, and with things breaking in the middle."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from uuid import UUID

import asyncpg
import pytest

from app.domain import ids
from tests.acceptance.stack import Stack, running_stack
from tests.acceptance.story import Follower, User, user_of
from tests.simulator import trust_of

Nothing = Callable[[], Awaitable[None]]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack of its own: other tests leave projects behind, and here no object may be left."""
    with running_stack() as running:
        yield running


async def nothing() -> None:
    """Nothing breaks."""


async def story(user: User, breaks: Nothing = nothing) -> None:
    """The whole life of a project; `breaks` happens while it is on its way up again."""
    before = await user.cursor()
    project = await user.create()
    follower = Follower(user, project, before)
    async with asyncio.TaskGroup() as group:
        group.create_task(follower.run())
        await follower.reaches("RUNNING")
        assert await user.want("stop", project) == "STOPPING"
        await follower.reaches("STOPPED")
        assert await user.want("start", project) == "STARTING"
        await breaks()
        await follower.reaches("RUNNING")
        assert await user.want("delete", project) == "TERMINATING"
    await saw_everything(user.stack, follower, project)


async def saw_everything(stack: Stack, follower: Follower, project: str) -> None:
    """The follower, from before the creation on, saw every change row: in order, once."""
    decoded = ids.decode(project)
    assert decoded is not None
    changes = [event["change"] for event in follower.events if event["change"]]
    kinds = {event["kind"] for event in follower.events}
    assert [change["id"] for change in changes] == await change_ids(stack, decoded[1])
    assert kinds == {"CHANGED", "SYNCED", "DELETED"}
    assert (changes[0]["action"], changes[-1]["action"]) == ("project.create", "project.gone")
    for subject in {change["subjectId"] for change in changes}:
        chain = [c for c in changes if c["subjectId"] == subject]
        ends = [change["toStatus"] for change in chain]
        assert [change["fromStatus"] for change in chain] == [None, *ends[:-1]]


async def change_ids(stack: Stack, project: UUID) -> list[str]:
    connection = await asyncpg.connect(stack.owner_url)
    try:
        rows = await connection.fetch(
            "SELECT account_id, seq FROM change WHERE project_id = $1 ORDER BY seq", project
        )
    finally:
        await connection.close()
    return [ids.encode(ids.NodeType.CHANGE, row["account_id"], row["seq"]) for row in rows]


def objects_left(stack: Stack) -> int:
    """How many of our objects are in the simulator's cluster."""
    config = json.loads(stack.kubeconfig.read_text())
    server = config["clusters"][0]["cluster"]["server"]
    trusting = urllib.request.HTTPSHandler(context=trust_of(stack.kubeconfig))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), trusting)
    token = config["users"][0]["user"]["token"]
    kinds = ("api/v1/pods", "api/v1/secrets", "api/v1/services", "apis/apps/v1/statefulsets")
    found = 0
    claims, routes = "api/v1/persistentvolumeclaims", "apis/networking.k8s.io/v1/ingresses"
    for kind in (*kinds, claims, routes, "apis/apps.kubeblocks.io/v1/clusters"):
        request = urllib.request.Request(
            f"{server}/{kind}?labelSelector=app.kubernetes.io/managed-by%3Dmooring",
            headers={"Authorization": f"Bearer {token}"},
        )
        with opener.open(request, timeout=30) as answer:
            found += len(json.load(answer)["items"])
    return found


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
    assert objects_left(stack) == 0


async def test_the_story_survives_a_killed_reconciler_while_another_takes_over(
    stack: Stack,
) -> None:
    async def breaks() -> None:
        await stack.kill("reconciler")

    with stack.another_reconciler():
        async with user_of(stack) as user:
            await story(user, breaks)
    assert objects_left(stack) == 0


@pytest.mark.faults
async def test_the_story_survives_a_restart_of_postgres() -> None:
    with running_stack() as stack:

        async def breaks() -> None:
            await stack.kill("postgres")

        async with user_of(stack) as user:
            await story(user, breaks)
        assert objects_left(stack) == 0


@pytest.mark.faults
async def test_without_any_notify_the_end_is_the_same_later() -> None:
    with running_stack(notify="false") as stack:
        async with user_of(stack) as user:
            await story(user)
        assert objects_left(stack) == 0
