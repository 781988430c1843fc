"""A server on a bare socket that misbehaves as it is told to, where a library would not let it."""

import asyncio
import socket
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import Pair, signed

NAME = "kube.example.com"
PODS = b'{"kind":"PodList","items":[],"metadata":{"resourceVersion":"1"}}'


class Conversation:
    """One connection with a client that has asked something; `sent` counts bytes."""

    def __init__(
        self, server: "BadServer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._writer = writer
        self.reader = reader

    async def send(self, data: bytes) -> None:
        """Send, as far as the client reads."""
        self._writer.write(data)
        await self._writer.drain()
        self._server.sent += len(data)

    async def drip(self, data: bytes, pause: float = 0.01) -> None:
        """Send byte by byte."""
        for number in range(len(data)):
            await self.send(data[number : number + 1])
            await asyncio.sleep(pause)

    async def repeat(self, data: bytes, pause: float = 0.0) -> None:
        """Send the same until the client has enough."""
        while True:
            await self.send(data)
            await asyncio.sleep(pause)

    async def answer(self, body: bytes, head: str = "200 OK", *, length: int | None = None) -> None:
        """A whole answer; `length`: a Content-Length that is not the body's."""
        says = f"HTTP/1.1 {head}\r\nContent-Type: application/json\r\n"
        says += f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
        await self.send(says.encode() + body)

    async def begin(self, head: str = "200 OK") -> None:
        """The head of an answer that ends with the connection."""
        await self.send(f"HTTP/1.1 {head}\r\nContent-Type: application/json\r\n\r\n".encode())

    def close(self) -> None:
        """End the connection as it is."""
        self._writer.close()

    def reset(self) -> None:
        """End the connection with a RST."""
        linger = struct.pack("ii", 1, 0)
        raw: socket.socket = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()


Misbehaviour = Callable[[Conversation], Awaitable[None]]


@dataclass
class BadServer:
    """Where it is, how many asked something, and how many bytes they were sent."""

    port: int = 0
    asked: int = 0
    sent: int = 0


async def never(_: Conversation) -> None:
    """Say nothing."""
    await asyncio.Event().wait()


@asynccontextmanager
async def misbehaving(
    how: Misbehaviour,
    *,
    host: str = "127.0.0.1",
    pair: Pair | None = None,
    speaks: str = "TLS",
) -> AsyncIterator[BadServer]:
    """It answers each request by `how`; `speaks` TLS, or HTTP, or nothing (`silence`) where a
    handshake should be."""
    server = BadServer()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = Conversation(server, reader, writer)
        with suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError):
            if speaks == "HTTP":
                await conversation.answer(b"speak TLS", "400 Bad Request")
            while speaks == "TLS":
                await _asked(reader)
                server.asked += 1
                await how(conversation)
            await never(conversation)

    talks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(converse(reader, writer))
        talks.add(task)
        task.add_done_callback(lambda _: writer.transport.abort())

    trust = _context(pair or signed(NAME, host)) if speaks == "TLS" else None
    listening = await asyncio.start_server(accept, host, 0, ssl=trust)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def _asked(reader: asyncio.StreamReader) -> None:
    """Read one request."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if b"content-length" in line), 0
    )
    await reader.readexactly(length)


def _context(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w") as file:
        Path(file.name).write_text(pair.certificate + pair.key)
        context.load_cert_chain(file.name)
    return context
