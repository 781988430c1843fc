"""Watches whose API server fails them in the middle."""

import asyncio

from aiohttp import web

from app.db.session import Database
from reconciler.manifests.identity import RESOURCE
from reconciler.manifests.kinds import SERVICE
from reconciler.watch import Watch
from tests.integration.reconciler.test_vetted import client, serving

ID = "0193a3b4-0000-7000-8000-000000000001"
EXPIRED = '{"type": "ERROR", "object": {"code": 410, "message": "too old", "metadata": {}}}'


def listed(version: str, following: str = "") -> web.Response:
    """A page with the one Service there is, at this version."""
    meta = {"name": "s", "namespace": "n", "labels": {RESOURCE: ID}, "resourceVersion": version}
    said = {"resourceVersion": version, "continue": following}
    return web.json_response({"items": [{"metadata": meta}], "metadata": said})


async def test_what_the_first_page_of_a_list_tells_is_not_lost_when_the_next_one_fails(
    database: Database,
) -> None:
    asked: list[str] = []
    woken = asyncio.Event()

    async def answers(request: web.Request) -> web.StreamResponse:
        query = request.query
        asked.append("watch" if "watch" in query else query.get("continue", "list"))
        if asked == ["list"]:
            return listed("1")
        if asked[-1] == "watch" and len(asked) == 2:
            return web.Response(text=EXPIRED + "\n")
        if asked[-1] == "watch":
            return await silent(request)
        if asked[-1] == "more":
            return web.json_response({"message": "etcd"}, status=500)
        return listed("2", "more" if "more" not in asked else "")

    async with serving(answers) as server, client(server) as cluster:
        watch = Watch(database, cluster, "", woken.set)
        watching = asyncio.create_task(watch.run((SERVICE,)))
        async with asyncio.timeout(60):
            await woken.wait()
        watching.cancel()

    assert asked[:4] == ["list", "watch", "list", "more"]


async def silent(request: web.Request) -> web.StreamResponse:
    """A watch of which nothing comes."""
    response = web.StreamResponse()
    await response.prepare(request)
    await asyncio.Event().wait()
    return response
