"""The work queue that all controllers share, and the one task that works it off.

A key is in the queue at most once; a look that is refused comes again with upstream's backoff.
The task gives way to requests every few milliseconds.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Hashable, Iterable
from typing import Any, Protocol

import structlog

from reconciler.simulator.history import Change
from reconciler.simulator.status import Refusal
from reconciler.simulator.store import Store

# client-go's ItemExponentialFailureRateLimiter as controllers use it.
FIRST_RETRY, LAST_RETRY = 0.005, 1000.0
# At a time; requests wait no longer for us.
SLICE_SECONDS = 0.005

log = structlog.get_logger(__name__)


class Controller(Protocol):
    def concerns(self, change: Change) -> Iterable[Hashable]:
        """The keys to look at after a change."""

    def sync(self, key: Any) -> float | None:
        """One look; seconds until the next, or None for none. May raise Refusal: again later."""


Item = tuple[int, Hashable]


class Loop:
    def __init__(self, store: Store, controllers: list[Controller]) -> None:
        self._controllers = controllers
        self._due: dict[Item, None] = {}
        self._later: list[tuple[float, int, Item]] = []
        self._number = itertools.count()
        self._failures: dict[Item, int] = {}
        self._woken = asyncio.Event()
        self._store = store
        self.look_at_everything()
        store.listen(self._noted)

    def wake_all(self) -> None:
        """Everything that waits for a time is due: the delays have changed."""
        for _, _, item in self._later:
            self._due[item] = None
        self._later.clear()
        self._woken.set()

    def look_at_everything(self) -> None:
        """All there is counts as a change: after a restart, and when a fault comes or goes."""
        for table in self._store.tables.values():
            for stored in table.objects.values():
                self._noted(Change(stored.version, None, stored))
        self.wake_all()

    def _noted(self, change: Change) -> None:
        for index, controller in enumerate(self._controllers):
            for key in controller.concerns(change):
                self._due[index, key] = None
        if self._due:
            self._woken.set()

    async def run(self) -> None:
        while True:
            self._collect()
            self._work()
            await (asyncio.sleep(0) if self._due else self._sleep())

    def _collect(self) -> None:
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            self._due[heapq.heappop(self._later)[2]] = None

    def _work(self) -> None:
        end = time.monotonic() + SLICE_SECONDS
        while self._due and time.monotonic() < end:
            item = next(iter(self._due))
            del self._due[item]
            wait = self._look(item)
            if wait is not None:
                heapq.heappush(self._later, (time.monotonic() + wait, next(self._number), item))

    def _look(self, item: Item) -> float | None:
        index, key = item
        try:
            wait = self._controllers[index].sync(key)
        except Refusal as refusal:
            log.debug("controller refused", key=key, message=refusal.message)
        except Exception:
            log.exception("controller failed", key=key)
        else:
            self._failures.pop(item, None)
            return wait
        failed = self._failures[item] = self._failures.get(item, 0) + 1
        return min(FIRST_RETRY * 2.0 ** min(failed - 1, 30), LAST_RETRY)

    async def _sleep(self) -> None:
        self._woken.clear()
        wait = max(0.0, self._later[0][0] - time.monotonic()) if self._later else None
        try:
            async with asyncio.timeout(wait):
                await self._woken.wait()
        except TimeoutError:
            pass
