"""Liveness and readiness, for whoever restarts us and whoever sends us traffic.

They differ on purpose: a process whose Postgres is away must not be restarted (it would not help),
but must not get requests either.
"""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.db.readiness import PATIENCE, Check, report

_NO_CACHE: Final = {"Cache-Control": "no-store"}


def routes(checks: Mapping[str, Check], patience: float = PATIENCE) -> list[Route]:
    """`/healthz`: 200 whenever the loop runs. `/readyz`: 200 when no check finds anything wrong
    within `patience` seconds, otherwise 503; the body names each check and what it found."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers=_NO_CACHE)

    async def readyz(_: Request) -> Response:
        body = await report(checks, patience)
        return JSONResponse(body, 200 if body["status"] == "ready" else 503, headers=_NO_CACHE)

    return [
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
    ]
