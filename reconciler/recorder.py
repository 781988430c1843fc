"""One task that records whatever outcomes have arrived, in one fenced transaction.

The counter of an account's feed admits one writer at a time; batching is what makes that cheap
(data-layer.md section 2). With Postgres away an outcome is tried again until its lease is over;
then the row is claimed anew, which is no loss: level-triggered.
"""

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError

from app.db.claims import Claim
from app.db.record import Recorded, record
from app.db.session import Database
from app.domain.observation import Outcome

log = structlog.get_logger(__name__)
_BATCH = 64
_PAUSE = 0.2

Result = tuple[Claim, Outcome]


class Recorder:
    """`recorded` hears what became of each batch."""

    def __init__(
        self, database: Database, recorded: Callable[[list[Result], Recorded], None]
    ) -> None:
        self._database = database
        self._recorded = recorded
        self._queue: asyncio.Queue[Result] = asyncio.Queue()

    def put(self, claim: Claim, outcome: Outcome) -> None:
        """Have an outcome recorded soon."""
        self._queue.put_nowait((claim, outcome))

    async def run(self) -> None:
        """Record for ever."""
        while True:
            batch = [await self._queue.get()]
            while not self._queue.empty() and len(batch) < _BATCH:
                batch.append(self._queue.get_nowait())
            self._recorded(batch, await self._record(batch))

    async def _record(self, batch: list[Result]) -> Recorded:
        for _ in range(5):
            try:
                async with self._database.begin() as session:
                    return await record(session, batch)
            except (OSError, DBAPIError, InterfaceError) as error:
                log.warning("outcomes cannot be recorded", count=len(batch), error=repr(error))
                await asyncio.sleep(_PAUSE)
        return Recorded(frozenset(), frozenset())
