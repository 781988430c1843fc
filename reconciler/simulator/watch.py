"""One client's watch: what it missed, then what happens, each as one line of JSON.

A watch never waits for its client: what it cannot send in time is a full queue, which ends it, as
upstream ends a slow watcher; the client lists again or goes on from its last version.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable

import orjson

from reconciler.simulator.history import Change, History
from reconciler.simulator.kinds import Kind
from reconciler.simulator.schema import Json
from reconciler.simulator.selectors import Selection
from reconciler.simulator.status import Refusal, expired
from reconciler.simulator.stored import Stored

QUEUE = 10_000
# Upstream: about a minute between bookmarks, and one two seconds before the end.
BOOKMARK_SECONDS = 60.0
INITIAL_END = {"k8s.io/initial-events-end": "true"}


def error_line(refusal: Refusal) -> bytes:
    return b'{"type":"ERROR","object":%b}\n' % orjson.dumps(refusal.body())


def too_old(version: int, oldest: int) -> Refusal:
    return expired(f"too old resource version: {version} ({oldest})")


class Watch:
    """Made and read by one request; closed by the client's leaving, its time, or a shutdown."""

    def __init__(
        self, kind: Kind, history: History, selection: Selection, current: Callable[[], int]
    ) -> None:
        self._kind, self._history, self._selection = kind, history, selection
        self._current = current
        self._lines: deque[bytes] = deque()
        self._woken = asyncio.Event()
        self._closed = False
        self.ending = self.torn = False

    @property
    def kind(self) -> Kind:
        return self._kind

    @property
    def namespace(self) -> str:
        return self._selection.namespace

    def replay(self, version: int) -> None:
        """Everything after this version, from memory, then on. Raises Refusal 410."""
        if not self._history.remembers(version):
            raise too_old(version, self._history.oldest)
        for change in self._history.since(version):
            self._push(change)
        self._history.listeners.append(self._push)

    def begin(self, present: list[Stored], *, end_bookmark: bool) -> None:
        """What is there as ADDED, then on; end_bookmark marks where the first part ends."""
        for stored in present:
            self._lines.append(b'{"type":"ADDED","object":%b}\n' % stored.json)
        if end_bookmark:
            self._lines.append(self._bookmark(INITIAL_END))
        self._history.listeners.append(self._push)

    def close(self) -> None:
        self._closed = True
        self._woken.set()

    def end(self, refusal: Refusal | None = None) -> None:
        """Once all that has happened is sent, and this as an ERROR after it."""
        if refusal is not None:
            self._lines.append(error_line(refusal))
        self.ending = True
        self._woken.set()

    def _push(self, change: Change) -> None:
        line = self._line(change)
        if line is None:
            return
        if len(self._lines) >= QUEUE:
            self._closed = True
        self._lines.append(line)
        self._woken.set()

    def _line(self, change: Change) -> bytes | None:
        """The event as this selection sees it: entering is ADDED, leaving DELETED."""
        if self._selection.namespace and change.namespace != self._selection.namespace:
            return None
        if self._selection.everything:
            before, after = change.old is not None, change.new is not None
        else:
            before = change.old is not None and self._selection.holds(change.old)
            after = change.new is not None and self._selection.holds(change.new)
        if after:
            return change.modified if before else change.added
        return change.deleted if before else None

    def _bookmark(self, annotations: dict[str, str] | None = None) -> bytes:
        meta: Json = {"resourceVersion": str(self._current())}
        if annotations:
            meta["annotations"] = annotations
        body = {"kind": self._kind.kind, "apiVersion": self._kind.api_version, "metadata": meta}
        return b'{"type":"BOOKMARK","object":%b}\n' % orjson.dumps(body)

    async def lines(self, seconds: float, *, bookmarks: bool) -> AsyncIterator[bytes]:
        """Chunks of whole lines until `seconds` are over or the watch is closed."""
        end = time.monotonic() + seconds
        mark = min(
            time.monotonic() + BOOKMARK_SECONDS, max(end - 2, time.monotonic() + seconds / 2)
        )
        try:
            while not self._closed:
                if self._lines:
                    chunk = b"".join(self._lines)
                    self._lines.clear()
                    yield chunk
                    continue
                now = time.monotonic()
                if now >= end or self.ending:
                    return
                if bookmarks and now >= mark:
                    mark = now + BOOKMARK_SECONDS if now + BOOKMARK_SECONDS < end else end - 2
                    mark = end + 1 if mark <= now else mark
                    yield self._bookmark()
                    continue
                await self._wait((min(mark, end) if bookmarks else end) - now)
        finally:
            if self._push in self._history.listeners:
                self._history.listeners.remove(self._push)

    async def _wait(self, seconds: float) -> None:
        self._woken.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass
