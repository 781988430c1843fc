"""Whether the reconciler lives and can work, and what it counts: nothing else is served here.

`/healthz` and `/readyz` are the API's (`app.web.health`) on a port of its own, if there is one: a
reconciler answers nobody. A pod of it that is not ready gets no less work, but a rollout stops at
it, and `kubectl get pods` shows it. Only what a restart mends is for `/healthz`
(`reconciler.progress`). `/metrics` is for Prometheus, and names nobody.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.db import queue
from app.db.readiness import PATIENCE, Check, report
from app.db.session import AWAY, Database
from app.domain.viewer import RECONCILER
from reconciler import metrics

log = structlog.get_logger(__name__)


class Page:
    """What Prometheus reads; the queue and the breakers are asked for when it does."""

    def __init__(
        self, database: Database, breakers: Callable[[], Mapping[tuple[str, str], int]]
    ) -> None:
        self._database = database
        self._breakers = breakers

    async def read(self) -> bytes:
        """The page, within a second; with Postgres away it has no series of the queue."""
        metrics.shows_breakers(self._breakers())
        try:
            async with asyncio.timeout(PATIENCE):
                async with self._database.read(RECONCILER) as connection:
                    waiting = await queue.waiting(connection)
            metrics.shows_queue(waiting)
        except (TimeoutError, *AWAY) as error:
            log.warning("the queue cannot be read", error=type(error).__name__)
            metrics.shows_queue(None)
        return generate_latest(metrics.REGISTRY)


@asynccontextmanager
async def served(
    host: str,
    port: int | None,
    checks: Mapping[str, Check],
    stuck: Callable[[], str | None],
    page: Page | None = None,
) -> AsyncIterator[None]:
    """Serve all for the block; without a port nothing. OSError when it is in use.

    `stuck` says what is wrong that only a restart mends, or None.
    """

    async def healthz(_: web.Request) -> web.Response:
        wrong = stuck()
        if wrong is None:
            return web.json_response({"status": "alive"})
        return web.json_response({"status": "stuck", "why": wrong}, status=503)

    async def readyz(_: web.Request) -> web.Response:
        body = await report(checks)
        return web.json_response(body, status=200 if body["status"] == "ready" else 503)

    async def measured(_: web.Request) -> web.Response:
        assert page is not None
        return web.Response(body=await page.read(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    if port is None:
        yield
        return
    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    if page is not None:
        app.add_routes([web.get("/metrics", measured)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
