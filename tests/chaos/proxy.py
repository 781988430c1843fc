"""A TCP proxy before Postgres, one for each process: what a network does to a connection.

    async with proxied(("127.0.0.1", 5432)) as proxy:
        proxy.port                      # what the process is told
        proxy.cut()                     # every connection ends as by a reset
        proxy.delay = 0.2               # seconds that each piece of data is under way
        proxy.closed = True             # new connections are refused
        proxy.hole = True               # nothing passes, nothing ends, new ones are taken silently

A black hole that is taken back loses nothing of what was sent: TCP sends again, as on a network
that was away for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_PIECE = 65536
# SO_LINGER on, 0 seconds: close() sends RST (socket(7)).
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Forwards to `target`, a host and port or a unix socket.

    It counts in `taken` the connections that it took.
    """

    def __init__(self, target: tuple[str, int] | Path) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self.port = 0
        self.delay = 0.0
        self.closed = False
        self.taken = 0

    @property
    def hole(self) -> bool:
        """Whether nothing passes."""
        return not self._open.is_set()

    @hole.setter
    def hole(self, on: bool) -> None:
        if on:
            self._open.clear()
        else:
            self._open.set()

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._tasks)

    def cut(self) -> int:
        """End every connection as by a reset, on both sides; how many there were."""
        found = self.connections
        for writer in list(self._writers):
            _reset(writer)
        return found

    async def start(self) -> None:
        """Take connections on a free port."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0, backlog=256)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End all."""
        assert self._server is not None
        self._server.close()
        self.hole = False
        self.cut()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.taken += 1
        self._writers.add(writer)
        try:
            await self._join(reader, writer)
        finally:
            self._tasks.discard(task)
            self._drop(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closed:
            return
        await self._open.wait()
        try:
            if isinstance(self._target, Path):
                there_reader, there = await asyncio.open_unix_connection(self._target)
            else:
                there_reader, there = await asyncio.open_connection(*self._target)
        except OSError:
            return
        self._writers.add(there)
        try:
            both = {
                asyncio.create_task(self._pass_on(reader, there)),
                asyncio.create_task(self._pass_on(there_reader, writer)),
            }
            # What one side ends, ends for the other.
            _, left = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in left:
                task.cancel()
            await asyncio.wait(both)
        finally:
            self._drop(there)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._open.wait()
                writer.write(piece)
                await writer.drain()

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None and not writer.is_closing():
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


@asynccontextmanager
async def proxied(target: tuple[str, int] | Path) -> AsyncIterator[Proxy]:
    """A proxy for the block."""
    proxy = Proxy(target)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
