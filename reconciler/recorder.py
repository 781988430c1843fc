"""One task that records whatever outcomes have arrived, in one fenced transaction.

The counter of an account's feed admits one writer at a time; batching is what makes that cheap
(data-layer.md section 2). With Postgres away an outcome is tried again until its lease is over;
then the row is claimed anew, which is no loss: level-triggered. An outcome that Postgres does not
take, whatever a user's cluster made of it, is found by recording each alone, and dropped.
"""

import asyncio
import random
from collections.abc import Callable

import structlog

from app.db.claims import Claim
from app.db.record import LeaseEnded, Recorded, record
from app.db.session import AWAY, Database, is_refused
from app.domain.observation import Outcome, bounded
from app.domain.viewer import RECONCILER
from reconciler.leases import Leases

log = structlog.get_logger(__name__)
_BATCH = 64

Result = tuple[Claim, Outcome]


class Recorder:
    """`recorded` hears what became of each batch, `wake` that others are due because of it."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        recorded: Callable[[list[Result], Recorded], None],
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._leases = leases
        self._recorded = recorded
        self._wake = wake
        self._queue: asyncio.Queue[Result] = asyncio.Queue()

    def put(self, claim: Claim, outcome: Outcome) -> None:
        """Have an outcome recorded soon."""
        self._queue.put_nowait((claim, bounded(outcome)))

    async def run(self) -> None:
        """Record for ever."""
        while True:
            batch = [await self._queue.get()]
            while not self._queue.empty() and len(batch) < _BATCH:
                batch.append(self._queue.get_nowait())
            recorded = await self._record(batch)
            # First of all: a renewal that found their leases ended would call them lost.
            self._recorded(batch, recorded)
            if recorded.woken:
                self._wake()
            for _ in batch:
                self._queue.task_done()

    async def done(self) -> None:
        """Wait until all is recorded."""
        await self._queue.join()

    async def _record(self, batch: list[Result]) -> Recorded:
        while alive := [result for result in batch if self._leases.alive(result[0])]:
            try:
                async with self._database.begin(RECONCILER) as session:
                    return await record(session, alive)
            except LeaseEnded:
                continue
            except AWAY as error:
                log.warning("outcomes cannot be recorded", count=len(alive), error=repr(error))
                if is_refused(error):
                    return await self._each(alive)
                await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - jitter
        return Recorded(frozenset(), frozenset())

    async def _each(self, batch: list[Result]) -> Recorded:
        """Of outcomes among which Postgres refused a value: the others."""
        if len(batch) == 1:
            log.error("an outcome is dropped", resource=str(batch[0][0].id))
            return Recorded(frozenset(), frozenset())
        found = [await self._record([result]) for result in batch]
        return Recorded(
            frozenset().union(*(one.written for one in found)),
            frozenset().union(*(one.asked_again for one in found)),
            frozenset().union(*(one.woken for one in found)),
        )
