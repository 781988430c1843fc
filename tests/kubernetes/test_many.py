"""Two hundred sandboxes at once: all RUNNING, all gone again, with what that took as figures.

The figures are printed at the end of the tests and asserted nowhere.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from reconciler.manifests.identity import MANAGED_BY, MANAGER
from reconciler.manifests.kinds import CLAIM, POD, STATEFUL_SET
from tests.acceptance.stack import Stack
from tests.acceptance.story import User, objects_left, user_of
from tests.kubernetes.plane import Place, Plane
from tests.kubernetes.stage import until
from tests.kubernetes.test_stories import stack_in

T = TypeVar("T")
pytestmark = pytest.mark.timeout(600)
MANY, PATIENCE = 200, 280.0
# What an operator sets whose API server has the room: the default is for a shared one.
BUDGET = {"cluster_rate": "300", "cluster_burst": "600"}
CREATE = """mutation ($k: String) { createProject(
  input: {name: "many", databases: []}, idempotencyKey: $k) { project { id } } }"""


@pytest_asyncio.fixture(scope="module")
async def home(plane: Plane) -> AsyncIterator[Place]:
    """A namespace for them all."""
    async with plane.place(pod_security="restricted") as made:
        yield made


async def test_two_hundred_sandboxes_run_at_once_and_are_gone_again(
    home: Place, record_property: Callable[[str, object], None]
) -> None:
    ours = f"{MANAGED_BY}={MANAGER}"

    async with stack_in(home, **BUDGET) as stack, user_of(stack) as user:
        begun = time.monotonic()
        projects = await gathered(made(user) for _ in range(MANY))
        asked = time.monotonic()
        await until(lambda: counts(stack, {"RUNNING": MANY}), PATIENCE)
        running = time.monotonic()
        found = {kind: len(await home.list(kind, ours)) for kind in (STATEFUL_SET, POD, CLAIM)}
        await gathered(user.want("delete", project) for project in projects)
        await until(lambda: counts(stack, {}), PATIENCE)
        gone = time.monotonic()
        left = await objects_left(stack)
        peak = peak_of(stack.pid("reconciler"))

    record_property(
        f"{MANY} sandboxes",
        f"asked for in {asked - begun:.1f} s, RUNNING after {running - begun:.1f} s, gone in"
        f" {gone - running:.1f} s, the reconciler's peak {peak} MiB",
    )
    assert set(found.values()) == {MANY}
    assert left == []


async def made(user: User) -> str:
    """A new project with one sandbox; its id."""
    answer = await user.ask(CREATE, k=uuid4().hex)
    return str(answer["data"]["createProject"]["project"]["id"])


async def gathered(asked: Iterable[Awaitable[T]]) -> list[T]:
    """What all of these give, ten at a time."""
    turns = asyncio.Semaphore(10)

    async def one(wanted: Awaitable[T]) -> T:
        async with turns:
            return await wanted

    return await asyncio.gather(*map(one, asked))


async def counts(stack: Stack, wanted: dict[str, int]) -> bool:
    """Whether so many resources are in these statuses."""
    connection = await asyncpg.connect(stack.owner_url)
    try:
        rows = await connection.fetch("SELECT status, count(*) FROM resource GROUP BY status")
    finally:
        await connection.close()
    return {row["status"]: row["count"] for row in rows} == wanted


def peak_of(pid: int) -> int:
    """The most memory that a process had, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024
