"""The API on a real port, served as in life, and the clients that the tests ask it with."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest_asyncio
import websockets
from pydantic import SecretStr
from websockets import ClientConnection, Subprotocol

from app.db import roles
from app.db.session import Database
from app.domain.viewer import API, Viewer
from app.graphql.context import State
from app.serve import Server, config
from app.settings import Settings
from tests.integration.world import PATIENCE, TOKEN_KEYS, access_token
from tests.postgres import as_role

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
EVENTS = "text/event-stream"
# What urql sends with queries and mutations.
URQL = f"{GRAPHQL}, application/graphql+json, {JSON}, {EVENTS}, multipart/mixed"


@dataclass
class Api:
    """One API process's worth of Mooring, listening."""

    port: int
    state: State
    database: Database
    http: httpx.AsyncClient
    server: Server

    def token(self, viewer: Viewer, lifetime: float = 3600) -> str:
        """An access token of the viewer's session, which lasts longer or shorter than that."""
        return access_token(viewer, lifetime)

    async def post(self, body: object, token: str | None = None, **headers: str) -> httpx.Response:
        """Whatever `body` is, as JSON unless it is bytes; header names with underscores."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"content-type": JSON} | _headers(token, headers)
        return await self.http.post("/graphql", content=content, headers=given)

    @asynccontextmanager
    async def stream(
        self, document: str, token: str | None = None, *, variables: object = None, **headers: str
    ) -> AsyncIterator[Stream]:
        """An event stream, open for the block."""
        given = {"accept": EVENTS} | _headers(token, headers)
        body = {"query": document, "variables": variables}
        async with self.http.stream("POST", "/graphql", json=body, headers=given) as response:
            yield Stream(response)

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[Socket]:
        """A websocket that has said nothing yet."""
        async with websockets.connect(
            f"ws://127.0.0.1:{self.port}/graphql",
            subprotocols=[Subprotocol("graphql-transport-ws")],
            max_size=None,
            proxy=None,
        ) as connection:
            yield Socket(connection)

    async def rows(self) -> dict[str, int]:
        """How many rows each table has, but for the counts of requests, which every one moves."""
        async with self.database.read(API) as connection:
            names = await connection.exec_driver_sql(
                "SELECT tablename FROM pg_tables"
                " WHERE schemaname = 'public' AND tablename <> 'throttle'"
            )
            tables = sorted(name for (name,) in names)
            return {
                name: (
                    await connection.exec_driver_sql(f'SELECT count(*) FROM "{name}"')
                ).scalar_one()
                for name in tables
            }


def _headers(token: str | None, headers: dict[str, str]) -> dict[str, str]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return given | ({"authorization": f"Bearer {token}"} if token is not None else {})


@dataclass(frozen=True)
class Sent:
    """One server-sent event; a comment has no name."""

    name: str
    data: Any = None
    id: str | None = None


class Stream:
    """An event stream, read as a browser reads it."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> Sent:
        """The next event or comment."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                if not line:
                    data = fields.get("data")
                    found = json.loads(data) if data else None
                    return Sent(fields.get("event", ""), found, fields.get("id"))
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
        raise AssertionError("the stream ended without `complete`")

    async def until(self, holds: Callable[[Sent], bool]) -> list[Sent]:
        """All up to the one that is meant, comments left out."""
        seen = []
        while True:
            event = await self.next()
            if event.name:
                seen.append(event)
                if holds(event):
                    return seen

    async def cut(self) -> bool:
        """Whether the answer ends here, whole as HTTP goes but without `complete`."""
        async with asyncio.timeout(PATIENCE):
            return [line async for line in self._lines if line] == []

    async def rest(self) -> list[Sent]:
        """All to `complete`."""
        return await self.until(lambda event: event.name == "complete")


class Socket:
    """A websocket that speaks graphql-transport-ws, or does not."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: object) -> None:
        """Text and bytes as they are, all else as JSON."""
        raw = message if isinstance(message, str | bytes) else json.dumps(message)
        await self._connection.send(raw)

    async def init(self, payload: object = None) -> Any:
        """connection_init, and what came back."""
        await self.send({"type": "connection_init", "payload": payload or {}})
        return await self.next()

    async def subscribe(self, document: str, key: str = "1") -> None:
        await self.send({"id": key, "type": "subscribe", "payload": {"query": document}})

    async def next(self) -> Any:
        async with asyncio.timeout(PATIENCE):
            return json.loads(await self._connection.recv())

    async def closed(self) -> tuple[int, str]:
        """The code and the reason that it is closed with."""
        async with asyncio.timeout(PATIENCE):
            with suppress(websockets.ConnectionClosed):
                while True:
                    await self._connection.recv()
        assert self._connection.close_code is not None
        return self._connection.close_code, self._connection.close_reason or ""


@asynccontextmanager
async def served(url: str, **settings: Any) -> AsyncIterator[Api]:
    """The API for the block, as its role; `Api.database` is the owner of `url`."""
    chosen = Settings(
        database_url=SecretStr(as_role(url, roles.API)),
        token_keys=SecretStr(TOKEN_KEYS),
        secret_keys=SecretStr("test:" + "A" * 43 + "="),
        **({"sign_up": ["PASSWORD"]} | settings),
    )
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = Server(config(chosen))
    running = asyncio.create_task(server.serve([listening]))
    database = Database(url, pool=2)
    try:
        async with asyncio.timeout(PATIENCE):
            while not server.started:
                assert not running.done(), running
                await asyncio.sleep(0.01)
        base = f"http://127.0.0.1:{port}"
        # No TLS here: to read whom to trust costs more than most tests.
        async with httpx.AsyncClient(
            base_url=base, timeout=PATIENCE, trust_env=False, verify=False
        ) as http:
            state = server.lifespan.state["mooring"]
            yield Api(port, state, database, http, server)
    finally:
        server.should_exit = True
        await running
        await database.close()


@pytest_asyncio.fixture
async def api(url: str) -> AsyncIterator[Api]:
    """The API with its own settings."""
    async with served(url) as running:
        yield running
