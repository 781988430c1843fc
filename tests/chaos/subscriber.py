"""A subscriber over a real websocket who goes on from his cursor after each cut; keeps all he got.

He is cut by what happens to the APIs and to Postgres, and now and then by himself. What he has seen
is compared with the change table at the end (`checks`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from dataclasses import dataclass
from typing import Any

import websockets
from websockets import Subprotocol

from app.domain import cursors

_STREAM = """subscription ($after: String) { projectsChanged(after: $after) {
  cursor kind deletedId projectId project { id status converged generation }
  change { id action subjectId fromStatus toStatus } } }"""
# Seconds without a word after which he takes the connection for dead, as clients do.
_SILENCE = 10.0
_CONNECT = 5.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One event. `seq`: the account's number in its cursor; `before`: in the one before it."""

    kind: str
    seq: int
    before: int
    change: str | None
    project: str | None
    status: str | None
    deleted: str | None


class Subscriber:
    """Of all projects of one user, from `after` on; `naps`: seconds away between connections."""

    def __init__(
        self, urls: list[str], token: str, after: str, seed: str, naps: float = 0.0
    ) -> None:
        self._urls = [f"ws{url.removeprefix('http')}/graphql" for url in urls]
        self._token = token
        self._cursor = after
        self._random = random.Random(seed)
        self._naps = naps
        self.awake = asyncio.Event()
        self.began = self.seq = _seq(after)
        self.seen: list[Seen] = []
        self.connections = 0
        self.refusals: list[str] = []

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            with contextlib.suppress(OSError, TimeoutError, websockets.WebSocketException):
                await self._follow()
            await asyncio.sleep(self._random.uniform(0.05, 0.5))
            if self._naps:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._naps * self._random.uniform(0.5, 1.5)):
                        await self.awake.wait()

    async def _follow(self) -> None:
        patience = self._random.expovariate(1 / (5 if self._naps else 20))
        async with websockets.connect(
            self._random.choice(self._urls),
            subprotocols=[Subprotocol("graphql-transport-ws")],
            proxy=None,
            open_timeout=_CONNECT,
            close_timeout=1,
            ping_interval=3,
            ping_timeout=5,
        ) as socket:
            await self._begin(socket)
            self.connections += 1
            ends = time.monotonic() + patience
            while (left := ends - time.monotonic()) > 0:
                async with asyncio.timeout(left):
                    message = json.loads(await socket.recv())
                if not self._heard(message):
                    return
            # In the middle of whatever is under way.
            socket.transport.abort()

    async def _begin(self, socket: websockets.ClientConnection) -> None:
        hello = {"authorization": f"Bearer {self._token}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": hello}))
        payload = {"query": _STREAM, "variables": {"after": self._cursor}}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))

    def _heard(self, message: dict[str, Any]) -> bool:
        """Keep what it says; whether the stream goes on."""
        if message["type"] == "error":
            codes = [error["extensions"]["code"] for error in message["payload"]]
            if set(codes) != {"UNAVAILABLE"}:
                self.refusals.append(str(message["payload"]))
        elif message["type"] == "next" and (message["payload"].get("data") or {}):
            self._keep(message["payload"]["data"]["projectsChanged"])
        return message["type"] not in ("error", "complete")

    def _keep(self, event: dict[str, Any]) -> None:
        seq, change, project = _seq(event["cursor"]), event["change"], event["project"]
        self.seen.append(
            Seen(
                event["kind"],
                seq,
                self.seq,
                change["id"] if change else None,
                event["projectId"],
                project["status"] if project else None,
                event["deletedId"],
            )
        )
        self._cursor, self.seq = event["cursor"], seq


def _seq(cursor: str) -> int:
    """Of the only account that a user sees here."""
    found = cursors.decode(cursor)
    assert found is not None
    return sum(found.seqs.values())
