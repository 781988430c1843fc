"""Requests per second of the two reads that a client does most, on three servers in turn.

Ours as it runs; a stock Strawberry server (`stock.py`); the same SQL without GraphQL (`bare.py`).
All three authenticate the same token, give the same fields, and run one process on the same uvicorn
settings. A few connections, each of which asks again as soon as it has its answer.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from time import perf_counter
from typing import Any

import orjson

from bench.client import User
from bench.figures import Figures
from bench.scale import Scale
from tests.acceptance.stack import Stack

_CONNECTIONS = 8
_PROJECTS = 20
_CHILDREN = 2

_FIELDS = """id name description githubRepo status generation createdAt updatedAt
  sandboxes { id name status desiredState generation observedGeneration k8sNamespace k8sName
    publicUrl ttydUrl image cpu memory storage createdAt updatedAt }"""
_LIST = f"query ($n: Int!) {{ projects(first: $n) {{ nodes {{ {_FIELDS} }} }} }}"
_ONE = f"query ($id: ID!) {{ project(id: $id) {{ {_FIELDS} }} }}"

Read = Callable[[], Awaitable[Any]]


async def measure(user: User, stack: Stack, scale: Scale, figures: Figures) -> None:
    """Each read on each server, in turn."""
    for number in range(_PROJECTS):
        project = await user.create(f"listed {number}", sandboxes=_CHILDREN)
    await user.settled(_PROJECTS)
    with _peer(stack, "stock") as stock, _peer(stack, "bare") as bare:
        reads: dict[str, dict[str, Read]] = {
            f"list of {_PROJECTS} projects": {
                "Mooring": lambda: _graphql(user, user.url, _LIST, {"n": _PROJECTS}),
                "stock Strawberry": lambda: _graphql(user, stock, _LIST, {"n": _PROJECTS}),
                "bare route": lambda: _get(user, f"{bare}/projects?first={_PROJECTS}"),
            },
            "one project": {
                "Mooring": lambda: _graphql(user, user.url, _ONE, {"id": project}),
                "stock Strawberry": lambda: _graphql(user, stock, _ONE, {"id": project}),
                "bare route": lambda: _get(user, f"{bare}/project/{project}"),
            },
        }
        for what, servers in reads.items():
            answers = {who: await read() for who, read in servers.items()}
            for who, answer in answers.items():
                if answer != answers["Mooring"]:
                    raise RuntimeError(f"{what}: {who} answers otherwise: {str(answer)[:1000]}")
            for who, read in servers.items():
                rate = await _rate(read, scale.seconds)
                figures.add(f"{what}: {who}", "1/s", rate)


async def _rate(read: Read, seconds: float) -> float:
    """Answers per second, after a tenth of that time to warm up."""
    await _count(read, seconds / 10)
    begun = perf_counter()
    done = await _count(read, seconds)
    return done / (perf_counter() - begun)


async def _count(read: Read, seconds: float) -> int:
    end = perf_counter() + seconds

    async def asking() -> int:
        done = 0
        while perf_counter() < end:
            await read()
            done += 1
        return done

    return sum(await asyncio.gather(*(asking() for _ in range(_CONNECTIONS))))


async def _graphql(user: User, url: str, document: str, variables: dict[str, object]) -> Any:
    body = orjson.dumps({"query": document, "variables": variables})
    headers = user.headers | {"Content-Type": "application/json"}
    async with user.http.post(f"{url}/graphql", data=body, headers=headers) as answer:
        return orjson.loads(await answer.read())


async def _get(user: User, url: str) -> Any:
    async with user.http.get(url, headers=user.headers) as answer:
        return orjson.loads(await answer.read())


@contextlib.contextmanager
def _peer(stack: Stack, name: str) -> Iterator[str]:
    """A peer on the stack's database, with the API's own settings; its URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        fd = listener.fileno()
        environment = os.environ | stack.ready["programs"]["api"]["env"]
        environment.pop("MOORING_PARENT_PIPE")
        if name == "stock":  # it tells Postgres of nobody, so no policy may hold it
            environment["MOORING_DATABASE_URL"] = stack.owner_url
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.peer", name, str(fd)], env=environment, pass_fds=[fd]
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.terminate()
            process.wait()
