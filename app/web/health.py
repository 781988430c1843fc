"""Liveness and readiness, for whoever restarts us and whoever sends us traffic.

They differ on purpose: a process whose Postgres is away must not be restarted (it would not help),
but must not get requests either. What readiness means comes in as functions, so that this module
knows of no other; the two about the database are here, because nobody else needs them.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import structlog
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.db import migrations
from app.db.session import Database
from app.domain.viewer import API

logger: Final = structlog.get_logger(__name__)

# Seconds for all checks together: a probe that waits longer is no probe.
PATIENCE: Final = 1.0

# Says what is wrong and what to do about it, or None when all is well. May raise, may hang.
Check = Callable[[], Coroutine[Any, Any, str | None]]

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


# Checks that were given up and have not ended yet: asyncio keeps no reference of its own.
_given_up: Final[set[asyncio.Task[str | None]]] = set()


async def _ask(name: str, check: Check, patience: float) -> str | None:
    # Not asyncio.timeout: that would wait for the end of the cancelled check, and asyncpg takes
    # two seconds more to leave a connection that does not answer.
    task = asyncio.create_task(check())
    done, _ = await asyncio.wait({task}, timeout=patience)
    if not done:
        _given_up.add(task)
        task.add_done_callback(_forget)
        task.cancel()
        return f"No answer within {patience:g} s. See that {name} is up and reachable from here."
    try:
        return task.result()
    except Exception as error:
        # The error's text may name hosts and users: it goes to the log, its kind to the world.
        logger.warning("readiness check failed", check=name, error=str(error))
        return f"{type(error).__name__}. See that {name} is up; this process's log says more."


def _forget(task: asyncio.Task[str | None]) -> None:
    _given_up.discard(task)
    if not task.cancelled():
        task.exception()  # Asked for, so that asyncio does not report it as forgotten.


def database_checks(database: Database, head: str) -> Mapping[str, Check]:
    """Whether Postgres answers, and whether its schema is the one this code was written for.

    `head` is that schema's revision (`app.db.migrations.head()`).
    """

    async def postgres() -> str | None:
        async with database.read(API) as connection:
            await connection.execute(text("SELECT 1"))
        return None

    async def schema() -> str | None:
        async with database.read(API) as connection:
            found = await migrations.current(connection)
        if found == head:
            return None
        return (
            f"The schema is at {found or 'no revision'}, this code needs {head}. Run "
            "`mooring migrate`, or upgrade this process if the schema is the newer one."
        )

    return {"postgres": postgres, "migrations": schema}
