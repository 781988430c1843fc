"""Liveness and readiness, for whoever restarts us and whoever sends us traffic.

They differ on purpose: a process whose Postgres is away must not be restarted (it would not help),
but must not get requests either. What readiness means comes in as functions, so that this module
knows of no other; the two about the database are here, because nobody else needs them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

logger: Final = structlog.get_logger(__name__)

# Seconds for all checks together: a probe that waits longer is no probe.
PATIENCE: Final = 1.0

# Says what is wrong and what to do about it, or None when all is well. May raise, may hang.
Check = Callable[[], Awaitable[str | None]]

_NO_CACHE: Final = {"Cache-Control": "no-store"}


def routes(checks: Mapping[str, Check], patience: float = PATIENCE) -> list[Route]:
    """`/healthz`: 200 whenever the loop runs. `/readyz`: 200 when no check finds anything wrong
    within `patience` seconds, otherwise 503; the body names each check and what it found."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers=_NO_CACHE)

    async def readyz(_: Request) -> Response:
        found = await asyncio.gather(*(_ask(name, checks[name], patience) for name in checks))
        ready = not any(found)
        body = {
            "status": "ready" if ready else "unready",
            "checks": {name: wrong or "ok" for name, wrong in zip(checks, found, strict=True)},
        }
        return JSONResponse(body, 200 if ready else 503, headers=_NO_CACHE)

    return [
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
    ]


async def _ask(name: str, check: Check, patience: float) -> str | None:
    try:
        async with asyncio.timeout(patience):
            return await check()
    except TimeoutError:
        return f"No answer within {patience:g} s. See that {name} is up and reachable from here."
    except Exception as error:
        # The error's text may name hosts and users: it goes to the log, its kind to the world.
        logger.warning("readiness check failed", check=name, error=str(error))
        return f"{type(error).__name__}. See that {name} is up; this process's log says more."


def postgres_answers(engine: AsyncEngine) -> Check:
    """Whether Postgres answers a query."""

    async def check() -> str | None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return None

    return check


def migrations_at_head(engine: AsyncEngine, head: str) -> Check:
    """Whether the schema is the one that this code was written for (alembic revision `head`)."""

    async def check() -> str | None:
        try:
            async with engine.connect() as connection:
                rows = await connection.execute(text("SELECT version_num FROM alembic_version"))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == _UNDEFINED_TABLE:
                return f"The database is empty, not at {head}. Run `mooring migrate`."
            raise
        found = ", ".join(sorted(rows.scalars())) or "nothing"
        if found == head:
            return None
        return (
            f"The schema is at {found}, this code needs {head}. "
            "Run `mooring migrate`, or upgrade this process if the schema is the newer one."
        )

    return check


# https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNDEFINED_TABLE: Final = "42P01"
