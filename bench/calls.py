"""Requests to the cluster for one sandbox: to RUNNING, for each pass once it is, and to gone.

Counted by the simulator, watches left out. The first sandbox is not counted: with it is made what
its account needs once (a namespace and what is in it). And what the reconciler's index of the
cluster takes in memory.
"""

from __future__ import annotations

import asyncio
import tracemalloc
from dataclasses import replace
from itertools import count
from uuid import UUID

import asyncpg
import orjson

from app.settings import Settings
from bench.client import User, signed_up
from bench.figures import Figures
from bench.patience import within
from reconciler.cluster.index import Index
from reconciler.manifests.identity import Owner
from reconciler.manifests.kinds import Object, kind_of
from reconciler.manifests.permissions import watched
from reconciler.manifests.sandbox import objects
from reconciler.manifests.workload import probe_pod
from tests.acceptance.stack import Stack
from tests.simulator import trust_of
from tests.unit.reconciler.sandbox import sandbox

# Seconds between two looks for what is due; and how many passes over what is settled are counted.
POLL, _PASSES = 0.2, 10
_PATIENCE = 60
AIM_LIFE, AIM_PASS = 12, 1
_INDEXED = 10_000

_DELETE = "mutation ($id: ID!) { deleteProject(id: $id) { project { id } } }"
_ASK = "UPDATE resource SET asked = asked + 1, lane = 0, due_at = mooring_now()"
_ASKED = "SELECT count(*) FROM resource WHERE lane = 0"
_THERE = "SELECT count(*) FROM resource"


async def measure(stack: Stack, figures: Figures) -> None:
    """One sandbox on a stack that nothing else uses."""
    database = await asyncpg.connect(stack.owner_url)
    async with signed_up(stack.url) as user:
        try:
            await _life(user, stack, database, figures)
        finally:
            await database.close()


async def _life(
    user: User, stack: Stack, database: asyncpg.Connection[asyncpg.Record], figures: Figures
) -> None:
    first = await user.create("first", sandboxes=1)
    await user.settled(100)
    await user.ask(_DELETE, id=first)
    await _empty(database)
    await _requests(user, stack)
    project = await user.create("counted", sandboxes=1)
    await user.settled(100)
    running = await _requests(user, stack)
    figures.add("requests: a sandbox to RUNNING", "", running)
    await _pass(database)  # the first one may find that the last event was not its own
    await _requests(user, stack)
    for _ in range(_PASSES):
        await _pass(database)
    each = await _requests(user, stack) / _PASSES
    figures.add("requests: a pass over what is settled", "", each, AIM_PASS)
    await user.ask(_DELETE, id=project)
    await _empty(database)
    gone = await _requests(user, stack)
    figures.add("requests: a sandbox to gone", "", gone)
    figures.add("requests: a sandbox to RUNNING and to gone", "", running + gone, AIM_LIFE)


async def _pass(database: asyncpg.Connection[asyncpg.Record]) -> None:
    """Have it passed, and wait until it is."""
    await database.execute(_ASK)
    async with within(_PATIENCE, "a pass"):
        while await database.fetchval(_ASKED):
            await asyncio.sleep(0.05)


async def _empty(database: asyncpg.Connection[asyncpg.Record]) -> None:
    async with within(_PATIENCE, "rows that go"):
        while await database.fetchval(_THERE):
            await asyncio.sleep(0.05)


async def _requests(user: User, stack: Stack) -> int:
    """How many there were since the last time."""
    config = orjson.loads(stack.kubeconfig.read_bytes())
    url = f"{config['clusters'][0]['cluster']['server']}/simulator/requests"
    headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
    trust = trust_of(stack.kubeconfig)
    async with user.http.delete(url, headers=headers, ssl=trust) as answer:
        counted = orjson.loads(await answer.read())
    return sum(n for what, n in counted.items() if not what.startswith("watch "))


def remember(figures: Figures) -> None:
    """The memory of an index of many sandboxes, each with all its objects and a pod."""
    settings, numbers = Settings(), count()
    tracemalloc.start()
    index = Index()
    for kind in watched(settings):
        index.heard(kind)
    before = tracemalloc.get_traced_memory()[0]
    for number in range(_INDEXED):
        for body in _objects(number, settings):
            meta = {"resourceVersion": str(next(numbers)), "uid": str(UUID(int=next(numbers)))}
            answer = body | {"metadata": body["metadata"] | meta}
            if "mooring.dev/applied" in body["metadata"]["annotations"]:
                index.applied(body, answer, index.before(body))
            else:
                index.saw(kind_of(body), answer)
    took = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    figures.add(f"index of {_INDEXED:,} sandboxes: memory", "MiB", took / 2**20)


def _objects(number: int, settings: Settings) -> list[Object]:
    plain = sandbox()
    owner = Owner(UUID(int=number), UUID(int=0), 1, "mooring", f"shop-{number:08}", "sandbox")
    bodies = objects(replace(plain, owner=owner), settings)
    workload = next(body for body in bodies if body["kind"] == "StatefulSet")
    return [*bodies, probe_pod(workload)]
