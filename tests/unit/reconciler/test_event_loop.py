"""What the reconciler's event loop tells of what nobody awaits."""

import asyncio
import logging
import socket
from typing import Any

import pytest

from reconciler import event_loop


class Ended(asyncio.Protocol):
    """Says when its connection has ended."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        assert exc is None
        self.ended.set()


def _tell(error: Exception, *, closed: bool) -> None:
    """As uvloop would of a connection, which we have closed or not."""

    async def main() -> None:
        here, there = socket.socketpair()
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(Ended, sock=here)
        if closed:
            transport.abort()
        said: dict[str, Any] = {
            "message": "Fatal error on SSL protocol",
            "exception": error,
            "transport": transport,
        }
        loop.call_exception_handler(said)
        transport.abort()
        await protocol.ended.wait()
        there.close()

    with event_loop.runner() as runner:
        runner.run(main())


def test_a_write_to_a_connection_that_has_ended_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    _tell(RuntimeError("the handler is closed"), closed=True)

    assert [line for line in caplog.records if line.levelno >= logging.WARNING] == []


def test_everything_else_is_one(caplog: pytest.LogCaptureFixture) -> None:
    _tell(RuntimeError("one that is open"), closed=False)
    _tell(ValueError("of what is closed"), closed=True)

    told = [line.exc_info[1] for line in caplog.records if line.exc_info]
    assert [str(error) for error in told] == ["one that is open", "of what is closed"]
