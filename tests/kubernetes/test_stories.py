"""The stories of users on a real Kubernetes API server, by whole stacks of processes.

What the simulator only claims is seen here: server-side apply, admission, quota, Pod Security, the
controllers and the garbage collector.
"""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from reconciler.manifests.identity import MANAGED_BY, MANAGER, RESOURCE
from reconciler.manifests.kinds import (
    CLAIM,
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
)
from tests.acceptance.stack import Stack, running_stack
from tests.acceptance.story import User, objects_left, story, user_of
from tests.kubernetes.plane import Place, Plane
from tests.kubernetes.stage import until

pytestmark = pytest.mark.timeout(600)
# Of one sandbox, with routes as Ingresses.
OBJECTS = {STATEFUL_SET: 1, POD: 1, CLAIM: 1, SERVICE: 1, SECRET: 1, INGRESS: 2, NETWORK_POLICY: 1}
PROJECTS, KILLS, LONG = 6, 3, 120.0


@asynccontextmanager
async def stack_in(place: Place, **settings: str) -> AsyncIterator[Stack]:
    """A stack whose cluster is the plane, and whose namespace is the place."""
    running = running_stack(kubeconfig=str(place.kubeconfig), **settings)
    stack = await asyncio.to_thread(running.__enter__)
    try:
        yield stack
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


@pytest_asyncio.fixture(scope="module")
async def home(plane: Plane) -> AsyncIterator[Place]:
    """A namespace for all stories with Ingresses."""
    async with plane.place() as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def stack(home: Place) -> AsyncIterator[Stack]:
    """A stack there."""
    home.plane.needs_kubeblocks()
    async with stack_in(home, cluster_rate="200", cluster_burst="400") as running:
        yield running


async def test_two_users_at_once_live_the_story_in_the_namespace_of_the_context(
    stack: Stack, home: Place
) -> None:
    async with user_of(stack) as ada, user_of(stack) as bob:
        await asyncio.gather(story(ada), story(bob))

    assert f"namespace {home.name}" in stack.screen
    assert stack.ready["namespace"] == home.name
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


async def test_reconcilers_killed_at_any_moment_double_nothing_and_leave_nothing(
    stack: Stack, home: Place, record_property: Callable[[str, object], None]
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    record_property("seed", seed)
    moments = random.Random(seed)

    async with user_of(stack) as user:
        async with killing(stack, moments):
            projects = [await user.create() for _ in range(PROJECTS)]
        await until(lambda: settled(user, RUNNING=PROJECTS), LONG)
        made = {kind: await of_sandboxes(home, kind) for kind in OBJECTS}
        async with killing(stack, moments):
            for project in projects:
                await user.want("delete", project)
        await until(lambda: settled(user), LONG)

    assert {kind: sorted(found.values()) for kind, found in made.items()} == {
        kind: [number] * PROJECTS for kind, number in OBJECTS.items()
    }
    assert await objects_left(stack) == []


async def test_the_story_goes_with_the_routes_of_a_gateway(
    plane: Plane,
) -> None:
    plane.needs_gateway()
    plane.needs_kubeblocks()
    seen: Counter[str] = Counter()

    async with (
        plane.place() as place,
        stack_in(place, route_mode="gateway", gateway_name="main") as stack,
        user_of(stack) as user,
    ):

        async def looks() -> None:
            for kind in (HTTP_ROUTE, INGRESS):
                seen[kind.kind] += len(await place.list(kind))

        await story(user, looks)
        left = await objects_left(stack)

    assert seen == {HTTP_ROUTE.kind: 2, INGRESS.kind: 0}
    assert left == []


@asynccontextmanager
async def killing(stack: Stack, moments: random.Random) -> AsyncIterator[None]:
    """The reconciler is killed at some moment of the block, and several that come to help are; its
    end waits for the last one."""

    async def kill() -> None:
        await asyncio.sleep(moments.uniform(0.1, 1.5))
        await stack.kill("reconciler", signal.SIGKILL)
        for _ in range(KILLS):
            with stack.another_reconciler() as process:
                await asyncio.sleep(moments.uniform(1.0, 3.5))
                process.kill()

    async with asyncio.TaskGroup() as group:
        group.create_task(kill())
        yield


async def settled(user: User, **wanted: int) -> bool:
    """Whether the user's projects are in these statuses, so many in each."""
    answer = await user.ask("{ projects(first: 100) { nodes { status converged } } }")
    nodes = answer["data"]["projects"]["nodes"]
    found = Counter(node["status"] for node in nodes)
    return found == wanted and all(node["converged"] for node in nodes)


async def of_sandboxes(place: Place, kind: Kind) -> Counter[str]:
    """How many objects of a kind each sandbox has."""
    selector = f"{MANAGED_BY}={MANAGER},app.kubernetes.io/name=sandbox"
    found = await place.list(kind, selector)
    return Counter(body["metadata"]["labels"][RESOURCE] for body in found)
