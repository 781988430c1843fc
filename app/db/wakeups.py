"""Wake-ups between processes: NOTIFY as a hint that something is there, never as the thing itself.

A wake-up carries no data and may be lost; polling alone reaches the same end, later (design
section 3.3). Everything travels on one physical channel; the payload is logical channels separated
by spaces: `feed:<account>` when an account's change log grew, `settings:<account>` when a setting
of its owner did something, `grants:<user>` when a session or token of a user has ended, `work` when
rows are due.

`Publisher`: one task and one connection per process, with `synchronous_commit = off` because a
notify alone takes a transaction id and would flush; what has gathered since the last send goes in
one statement, split below 7,900 bytes (the limit of Postgres is 8,000). `Listener`: one supervised
connection that LISTENs, with a keep-alive, because a dead TCP connection is silent; after each
reconnect it says "look" for everything, since anything may have been missed.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
import structlog

from app.db.engine import plain

CHANNEL = "mooring"
WORK = "work"
_PAYLOAD_LIMIT = 7900
_KEEP_ALIVE = 5.0
_BACKOFF_LONGEST = 5.0

log = structlog.get_logger(__name__)


def feed_channel(account_id: UUID) -> str:
    """The logical channel of an account's change log."""
    return f"feed:{account_id.hex}"


def settings_channel(account_id: UUID) -> str:
    """The logical channel of the settings of an account's owner."""
    return f"settings:{account_id.hex}"


def grants_channel(user_id: UUID) -> str:
    """The logical channel of what a user's sessions and tokens are still good for."""
    return f"grants:{user_id.hex}"


def payloads(channels: set[str]) -> list[str]:
    """`channels` joined into as few payloads as the limit allows."""
    out: list[str] = []
    for channel in sorted(channels):
        if out and len(out[-1]) + 1 + len(channel) <= _PAYLOAD_LIMIT:
            out[-1] += f" {channel}"
        else:
            out.append(channel)
    return out


class Publisher:
    """Collects channels to wake and sends them; `run` is a task of the process."""

    def __init__(self, url: str, *, enabled: bool = True) -> None:
        self._url = url
        self._enabled = enabled
        self._waiting: set[str] = set()
        self._something = asyncio.Event()

    def wake(self, *channels: str) -> None:
        """Wake whoever listens to `channels`; returns at once and never fails."""
        if self._enabled and channels:
            self._waiting.update(channels)
            self._something.set()

    async def run(self) -> None:
        """Send for ever; what could not be sent is kept for the next connection."""
        await _supervise(self._url, self._send, "wake-ups cannot be sent")

    async def _send(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.execute("SET synchronous_commit = off")
        while True:
            await self._something.wait()
            self._something.clear()
            sending, self._waiting = self._waiting, set()
            try:
                for payload in payloads(sending):
                    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload)
            except BaseException:
                self.wake(*sending)
                raise


class Listener:
    """Receives wake-ups; `run` is a task of the process.

    `heard` gets each logical channel, `look` is called after every (re)connection.
    """

    def __init__(self, url: str, heard: Callable[[str], None], look: Callable[[], None]) -> None:
        self._url = url
        self._heard = heard
        self._look = look

    async def run(self) -> None:
        """Listen for ever."""
        await _supervise(self._url, self._listen, "wake-ups cannot be heard")

    async def _listen(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.add_listener(CHANNEL, self._receive)
        self._look()
        while True:
            await asyncio.sleep(_KEEP_ALIVE)
            await connection.fetchval("SELECT 1")

    def _receive(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        for channel in str(payload).split():
            self._heard(channel)


async def _supervise(
    url: str,
    use: Callable[["asyncpg.Connection[asyncpg.Record]"], Awaitable[None]],
    complaint: str,
) -> None:
    """Use a connection for ever: a new one, with jitter, whenever it fails in whatever way."""
    address = plain(url)
    failures = 0
    while True:
        try:
            connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
                address, timeout=10, command_timeout=_KEEP_ALIVE
            )
            failures = 0
            try:
                await use(connection)
            finally:
                connection.terminate()
        except Exception as error:
            log.warning(complaint, error=repr(error))
        failures += 1
        longest = min(_BACKOFF_LONGEST, 0.1 * 2 ** min(failures, 8))
        await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - jitter
