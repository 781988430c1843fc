"""Send a family to a server, one request after the other, and record what it answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson

from tests.differential.answer import at, parsed, recorded, recorded_events
from tests.differential.request import Family, Json, Request
from tests.differential.server import Reply, Server

SECONDS = 20.0
_WORD = re.compile(r"\{(\w+)\}")
NAMESPACES = "/api/v1/namespaces"


async def play(family: Family, server: Server) -> dict[str, Json]:
    """Each answer by the request's name. The namespace is made, and given up afterwards."""
    namespace = f"diff-{family.name}-{uuid4().hex[:8]}"
    words = {"ns": namespace, "user": await _user(server)}
    body = orjson.dumps({"metadata": {"name": namespace}})
    made = await server.send("POST", NAMESPACES, {}, body, "application/json")
    assert made.code == 201, made.content
    try:
        await _ready(server, namespace)
        return {request.name: await _answer(request, server, words) for request in family.requests}
    finally:
        await server.send("DELETE", f"{NAMESPACES}/{namespace}", {}, None, "")


async def _user(server: Server) -> str:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    reply = await server.send(
        "POST",
        path,
        {},
        _content({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}, {}),
        "application/json",
    )
    name: str = orjson.loads(reply.content)["status"]["userInfo"]["username"]
    return name


async def _ready(server: Server, namespace: str) -> None:
    """Pods need the service account that a controller makes in each namespace."""
    path = f"{NAMESPACES}/{namespace}/serviceaccounts/default"
    async with asyncio.timeout(SECONDS):
        while (await server.send("GET", path, {}, None, "")).code != 200:
            await asyncio.sleep(0.02)


async def _answer(request: Request, server: Server, words: dict[str, str]) -> Json:
    reply = await _settled(request, server, words)
    body = parsed(reply.content)
    for word, path in request.keep.items():
        words[word] = str(at(body, path))
    if request.events and reply.code == 200:
        return recorded_events(request, reply.lines, words)
    return recorded(request, reply.code, reply.headers, reply.content, words)


async def _settled(request: Request, server: Server, words: Mapping[str, str]) -> Reply:
    """The answer, or the first that has what is waited for. Raises TimeoutError."""
    wanted = filled(dict(request.until), words)
    try:
        async with asyncio.timeout(SECONDS):
            while True:
                reply = await _sent(request, server, words)
                body = parsed(reply.content) if wanted else None
                if all(at(body, path) == value for path, value in wanted.items()):
                    return reply
                # A controller of another process: there is nothing to wait on.
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise TimeoutError(f"{request.name}: not answered so in {SECONDS:.0f} s") from None


async def _sent(request: Request, server: Server, words: Mapping[str, str]) -> Reply:
    return await server.send(
        request.method,
        filled(request.path, words),
        {key: filled(value, words) for key, value in request.query.items()},
        _content(request.body, words),
        request.media,
        token=request.token,
        headers={
            **({"Impersonate-User": request.user} if request.user else {}),
            **({"Accept": request.accept} if request.accept else {}),
        },
        events=request.events,
    )


def _content(body: Any, words: Mapping[str, str]) -> bytes | None:
    """Text goes as it is, for what is no JSON."""
    if body is None:
        return None
    tree = filled(body, words)
    return tree.encode() if isinstance(tree, str) else orjson.dumps(tree)


def filled(tree: Any, words: Mapping[str, str]) -> Any:
    """The same with the words that are known in place."""
    if isinstance(tree, dict):
        return {filled(key, words): filled(item, words) for key, item in tree.items()}
    if isinstance(tree, list):
        return [filled(item, words) for item in tree]
    if not isinstance(tree, str):
        return tree
    return _WORD.sub(lambda found: words.get(found[1], found[0]), tree)
