"""Whether the reconciler lives and can work, for whoever restarts it: nothing else is served here.

The API's `/healthz` and `/readyz` (`app.web.health`) on a port of its own, if there is one: a
reconciler answers nobody. A pod of it that is not ready gets no less work, but a rollout stops at
it, and `kubectl get pods` shows it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from app.db.readiness import Check, report


@asynccontextmanager
async def served(host: str, port: int | None, checks: Mapping[str, Check]) -> AsyncIterator[None]:
    """Serve both for the block; without a port nothing. OSError when it is in use."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        body = await report(checks)
        return web.json_response(body, status=200 if body["status"] == "ready" else 503)

    if port is None:
        yield
        return
    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
