"""Whether a process can do its work: Postgres answers, and has the schema that the code is for.

Both processes ask, each on its own health page: `app.web.health`, `reconciler.health`. Checks come
as functions, so that the pages know nothing of what they ask.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import structlog
from sqlalchemy import text

from app.db import migrations
from app.db.session import Database
from app.domain.viewer import System

logger: Final = structlog.get_logger(__name__)

# Seconds for all checks together: a probe that waits longer is no probe.
PATIENCE: Final = 1.0

# Says what is wrong and what to do about it, or None when all is well. May raise, may hang.
Check = Callable[[], Coroutine[Any, Any, str | None]]


async def report(checks: Mapping[str, Check], patience: float = PATIENCE) -> dict[str, Any]:
    """`status`, ready or unready, and what each check found within `patience` seconds, or "ok"."""
    found = await asyncio.gather(*(_ask(name, checks[name], patience) for name in checks))
    return {
        "status": "unready" if any(found) else "ready",
        "checks": {name: wrong or "ok" for name, wrong in zip(checks, found, strict=True)},
    }


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


def database_checks(database: Database, head: str, who: System) -> Mapping[str, Check]:
    """Whether Postgres answers `who`, and whether its schema is the one this code was written for.

    `head` is that schema's revision (`app.db.migrations.head()`).
    """

    async def postgres() -> str | None:
        async with database.read(who) as connection:
            await connection.execute(text("SELECT 1"))
        return None

    async def schema() -> str | None:
        async with database.read(who) as connection:
            found = await migrations.current(connection)
        if found == head:
            return None
        return (
            f"The schema is at {found or 'no revision'}, this code needs {head}. Run "
            "`mooring migrate`, or upgrade this process if the schema is the newer one."
        )

    return {"postgres": postgres, "migrations": schema}
