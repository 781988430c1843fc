"""Looks at what is settled, for many rows at once and without a request for each.

While the watches of the operator's cluster are believed, a look at a settled row finds what its
index knows: nothing has happened since. So such a row is put off before it is claimed. What that
is worth rests on the index being right: all there is of each kind is compared with it as often as
a row would be looked at (`watch`), and every so many looks one is a whole pass all the same, for
what no watch tells of, as the account that a database's operator keeps. Rows that the index knows
nothing of, and all while a watch is not believed, are passed one by one as ever.
"""

import asyncio
import random
from datetime import timedelta

import structlog

from app.db import rechecks
from app.db.session import AWAY, Database
from app.domain.viewer import RECONCILER
from app.settings import Settings
from reconciler import metrics, plan
from reconciler.cluster.index import Index

log = structlog.get_logger(__name__)
# After so many times `recheck` without one a look is a whole pass.
WHOLE = 12
# Rows of one statement.
_MOST = 1000


class Rechecks:
    """Puts off what `index` knows to be as a look has found it settled."""

    def __init__(self, database: Database, index: Index, settings: Settings) -> None:
        self._database = database
        self._index = index
        self._settings = settings
        # Further ahead than one comes back, or the loop has claimed them.
        self._within = timedelta(seconds=3 * settings.poll)

    async def run(self) -> None:
        """Work for ever."""
        while True:
            try:
                while await self.look() == _MOST:
                    pass
            except AWAY as error:
                log.warning("settled rows cannot be put off", error=repr(error))
            longest = self._settings.poll
            await asyncio.sleep(longest * random.uniform(0.8, 1.2))  # noqa: S311 - jitter

    async def look(self) -> int:
        """Put off what is due soon; how many rows these were."""
        longest = WHOLE * self._settings.recheck
        async with self._database.autocommit(RECONCILER) as connection:
            found = await rechecks.coming(connection, within=self._within, most=_MOST)
            still = [
                (row, plan.settled_for(self._settings))
                for row in found
                if self._index.is_still(row.id, longest)
            ]
            if still:
                await rechecks.put_off(connection, still)
        metrics.PUT_OFF.inc(len(still))
        return len(still)
