"""`python -m bench.claimer ours|bare URL SECONDS`: claims and records as fast as it can.

`ours`: the engine's claim and record, each with aggregate, change and feed: of every row each
record moves the status. Two tasks as in the reconciler: the next rows are claimed while the
recorder writes whatever has come, at most as many at once as it takes there. `bare`: two
statements over asyncpg, a SKIP LOCKED claim of 10 and their release: what Postgres and Python
would do if there were nothing to say.

Prints "ready", waits for a line, works, and prints how many rows it did and in how many seconds.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import timedelta
from time import perf_counter
from uuid import UUID

import asyncpg
import uvloop

from app.db import claims
from app.db.claims import Claim
from app.db.record import record
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.states import Lane, Phase
from app.domain.viewer import RECONCILER
from app.logs import configure_logs

BATCH = 64
_BARE = 10
_LEASE = timedelta(seconds=30)

_TAKE = f"""
UPDATE resource SET locked_until = now() + interval '30 s', lease_token = gen_random_uuid()
WHERE id IN (SELECT id FROM resource WHERE lane = 0 AND due_at <= now() AND locked_until <= now()
  ORDER BY due_at LIMIT {_BARE} FOR UPDATE SKIP LOCKED)
RETURNING id
"""
_GIVE = """
UPDATE resource SET due_at = now(), locked_until = '-infinity', lease_token = NULL
WHERE id = ANY($1)
"""

# How many rows were done before the given moment.
Work = Callable[[float], Coroutine[None, None, int]]


async def _ours(database: Database, end: float) -> int:
    arrived: asyncio.Queue[list[Claim]] = asyncio.Queue(1)
    done = 0

    async def claiming() -> None:
        after = UUID(int=0)
        while perf_counter() < end:
            async with database.autocommit(RECONCILER) as connection:
                found, last = await claims.claim(
                    connection,
                    lane=Lane.ASKED,
                    after=after,
                    slots=BATCH,
                    saturated=(),
                    lease=_LEASE,
                    worker="bench",
                )
            after = last or max((one.account_id for one in found), default=UUID(int=0))
            await arrived.put(found)

    async def recording() -> None:
        nonlocal done
        while perf_counter() < end:
            found = await arrived.get()
            if found:
                async with database.begin(RECONCILER) as session:
                    written = await record(session, [(one, _moved(one)) for one in found])
                done += len(written.written)

    tasks = [asyncio.create_task(claiming()), asyncio.create_task(recording())]
    await tasks[1]
    tasks[0].cancel()
    return done


def _moved(claim: Claim) -> Outcome:
    """Another phase than it had, and to be looked at again at once."""
    phase = Phase.STARTING if claim.phase == Phase.RUNNING else Phase.RUNNING
    return Outcome(claim.generation, timedelta(0), phase=phase)


async def _bare(connection: asyncpg.Connection[asyncpg.Record], end: float) -> int:
    done = 0
    while perf_counter() < end:
        found = [row["id"] for row in await connection.fetch(_TAKE)]
        await connection.execute(_GIVE, found)
        done += len(found)
    return done


async def _timed(work: Work, seconds: float) -> None:
    await work(perf_counter() + seconds / 10)  # warm
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    begun = perf_counter()
    done = await work(begun + seconds)
    print(done, perf_counter() - begun, flush=True)


async def main(what: str, url: str, seconds: float) -> None:
    """Work for so many seconds once told to."""
    if what == "bare":
        connection = await asyncpg.connect(url)
        await _timed(lambda end: _bare(connection, end), seconds)
        await connection.close()
        return
    database = Database(url, pool=4)
    await _timed(lambda end: _ours(database, end), seconds)
    await database.close()


if __name__ == "__main__":
    configure_logs("error", "console")
    uvloop.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
