"""A proxy before an API server that remembers what was asked of it, in the words of RBAC.

    async with recording(kubeconfig) as recorded:
        recorded.kubeconfig              # the same user, by way of the proxy
        recorded.used, recorded.refused  # rights

Whoever asks sends his own credential through. A right is a verb on a resource of a group; what is
no resource (discovery) needs none.
"""

from __future__ import annotations

import json
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web

from reconciler.manifests.kinds import Object

# Verb, group, resource; whoever has a token may ask about himself, by a rule of every cluster.
Right = tuple[str, str, str]
_ABOUT_ONESELF = frozenset({"authentication.k8s.io", "authorization.k8s.io"})
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
# What is said between two neighbours, and what aiohttp says anew.
_HOP = frozenset({"host", "connection", "transfer-encoding", "content-length", "accept-encoding"})


@dataclass
class Recorded:
    """What went through the proxy."""

    kubeconfig: Path
    used: set[Right] = field(default_factory=set)
    refused: set[Right] = field(default_factory=set)


def right_of(method: str, path: str, query: str) -> Right | None:
    """What RBAC asks for such a request; None for what is no resource."""
    kind, _, rest = path.strip("/").partition("/")
    parts = rest.split("/")
    group, parts = ("", parts[1:]) if kind == "api" else (parts[0], parts[2:])
    if kind not in ("api", "apis") or not parts or group in _ABOUT_ONESELF:
        return None
    if parts[0] == "namespaces" and len(parts) > 2:
        parts = parts[2:]
    resource = "/".join([parts[0], *parts[2:]])
    if method != "GET":
        collection = method == "DELETE" and len(parts) == 1
        return ("deletecollection" if collection else _VERBS[method], group, resource)
    if "watch=true" in query:
        return ("watch", group, resource)
    return ("get" if len(parts) > 1 else "list", group, resource)


@asynccontextmanager
async def recording(kubeconfig: Path) -> AsyncIterator[Recorded]:
    """A proxy for the block, before the server of a kubeconfig that has a token."""
    tree = yaml.safe_load(kubeconfig.read_text())
    [cluster] = [one["cluster"] for one in tree["clusters"]]
    trust = ssl.create_default_context(
        cadata=b64decode(cluster["certificate-authority-data"]).decode()
    )
    recorded = Recorded(kubeconfig.with_suffix(".recorded"))
    async with aiohttp.ClientSession(
        cluster["server"], connector=aiohttp.TCPConnector(ssl=trust), auto_decompress=False
    ) as server:
        app = web.Application(client_max_size=2**24)

        async def passed(request: web.Request) -> web.StreamResponse:
            return await _passed(request, server, recorded)

        app.router.add_route("*", "/{_:.*}", passed)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        here = {"server": f"http://127.0.0.1:{port}"}
        tree["clusters"][0]["cluster"] = here
        recorded.kubeconfig.write_text(json.dumps(tree))
        try:
            yield recorded
        finally:
            await runner.cleanup()


async def _passed(
    request: web.Request, server: aiohttp.ClientSession, recorded: Recorded
) -> web.StreamResponse:
    headers = {name: text for name, text in request.headers.items() if name.lower() not in _HOP}
    async with server.request(
        request.method,
        request.rel_url,
        headers=headers,
        data=await request.read(),
        allow_redirects=False,
        timeout=aiohttp.ClientTimeout(total=None),
    ) as answer:
        content = await answer.read() if answer.status == 403 else b""
        _note(request, answer.status, content, recorded)
        kept = {name: text for name, text in answer.headers.items() if name.lower() not in _HOP}
        passed = web.StreamResponse(status=answer.status, headers=kept)
        await passed.prepare(request)
        with suppress(ConnectionError):  # whoever asked has enough
            await passed.write(content)
            async for chunk in answer.content.iter_any():
                await passed.write(chunk)
            await passed.write_eof()
        return passed


def _note(request: web.Request, status: int, content: bytes, recorded: Recorded) -> None:
    right = right_of(request.method, request.path, request.query_string)
    if right is None:
        return
    recorded.used.add(right)
    if right[0] == "patch" and status == 201:  # an apply that makes is asked for both
        recorded.used.add(("create", *right[1:]))
    if status == 403 and _is_rbac(json.loads(content)):
        recorded.refused.add(right)


def _is_rbac(said: Object) -> bool:
    """Whether it is the authorizer's no, and not that of quota, Pod Security or another rule."""
    return "cannot" in said.get("message", "") and "exceeded quota" not in said["message"]
