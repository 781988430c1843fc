"""Accounts that are to go: when their projects are gone the namespace goes, then the rows.

All of it may be done twice and begins anew after a crash: what is left to do is in the rows and in
the cluster.
"""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta

import structlog

from app.db import closings
from app.db.closings import Closing
from app.db.session import AWAY, Database
from app.domain.viewer import RECONCILER
from app.settings import Settings
from reconciler.cluster.errors import ClusterError
from reconciler.namespaces import Namespaces

log = structlog.get_logger(__name__)

_MOST = 16
# While a namespace empties itself, in seconds.
_SOON = 2.0
_NAMED = 10


class Closings:
    """Claims accounts that are to go and whose projects are gone."""

    def __init__(self, database: Database, namespaces: Namespaces, settings: Settings) -> None:
        self._database = database
        self._namespaces = namespaces
        self._settings = settings
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look for some now."""
        self._woken.set()

    async def run(self) -> None:
        """Work for ever."""
        while True:
            self._woken.clear()
            try:
                await self.look()
            except AWAY as error:
                log.warning("accounts cannot be taken away", error=repr(error))
            except Exception:
                log.exception("accounts cannot be taken away")
            longest = self._settings.poll * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
            with suppress(TimeoutError):
                async with asyncio.timeout(longest):
                    await self._woken.wait()

    async def look(self) -> None:
        """Go on with all that are due."""
        async with self._database.autocommit(RECONCILER) as connection:
            lease = timedelta(seconds=self._settings.lease)
            due = await closings.claim(connection, most=_MOST, lease=lease)
        await asyncio.gather(*map(self._go_on, due))

    async def _go_on(self, closing: Closing) -> None:
        try:
            async with asyncio.timeout(self._settings.pass_timeout):
                left = await self._namespaces.remove(closing.id, closing.k8s_namespace)
        except (ClusterError, TimeoutError) as error:
            self._warn("an account's namespace cannot be removed", closing, error=str(error))
            await self._later(closing, self._settings.retry_longest)
            return
        if left is None:
            await self._take(closing)
        elif left:
            self._warn(
                "an account stays: its namespace holds what is not Mooring's",
                closing,
                objects=left[:_NAMED],
                count=len(left),
            )
            await self._later(closing, self._settings.retry_longest)
        else:
            await self._later(closing, _SOON)

    async def _take(self, closing: Closing) -> None:
        async with self._database.begin(RECONCILER) as session:
            taken = await closings.take(session, closing.id)
        log.info("an account is gone" if taken else "an account stays", account=str(closing.id))

    async def _later(self, closing: Closing, seconds: float) -> None:
        after = timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spread
        async with self._database.autocommit(RECONCILER) as connection:
            await closings.later(connection, closing.id, after)

    def _warn(self, event: str, closing: Closing, **more: object) -> None:
        log.warning(event, account=str(closing.id), namespace=closing.k8s_namespace, **more)
