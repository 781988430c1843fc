"""One user of a running Mooring: requests over kept-alive connections, and subscribers.

aiohttp and no GraphQL client, so that the load costs this process little. All times are
`time.perf_counter()` of this process, taken as soon as it has the whole message.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter
from typing import Any
from uuid import uuid4

import aiohttp
import orjson

from app.domain import ids
from bench.patience import within

_OPENING_AT_ONCE = 50
_PATIENCE = 120
_STREAM = """subscription ($id: ID!) { projectChanged(id: $id) {
  cursor kind deletedId
  project { id status converged sandboxes { id status converged } }
  change { id action fromStatus toStatus } } }"""

Event = dict[str, Any]

PASSWORD = "correct horse battery"


class User:
    """A signed-up user with a token."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url
        self.token = ""
        self.login = f"u-{uuid4().hex[:12]}"

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def ask(self, document: str, **variables: object) -> Any:
        """The data of the answer; RuntimeError for any error in it."""
        body = orjson.dumps({"query": document, "variables": variables})
        headers = self.headers | {"Content-Type": "application/json"}
        async with self.http.post(f"{self.url}/graphql", data=body, headers=headers) as answer:
            found = orjson.loads(await answer.read())
        if found.get("errors"):
            raise RuntimeError(found["errors"])
        return found["data"]

    async def create(self, name: str, sandboxes: int | None = None) -> str:
        """A project with so many sandboxes and no database; None: with what it gets unasked."""
        new: dict[str, object] = {"name": name}
        if sandboxes is not None:
            new["sandboxes"] = [{"name": f"s{number}"} for number in range(sandboxes)]
            new["databases"] = []
        document = "mutation ($i: CreateProjectInput!) { createProject(input: $i) {project {id}} }"
        return str((await self.ask(document, i=new))["createProject"]["project"]["id"])

    async def settled(self, projects: int) -> None:
        """Wait until all these projects, at most 100, are as wanted."""
        document = "query ($n: Int) { projects(first: $n) { nodes { converged } } }"
        async with within(_PATIENCE, f"{projects} projects at most that are as wanted"):
            while True:
                nodes = (await self.ask(document, n=projects))["projects"]["nodes"]
                if all(node["converged"] for node in nodes):
                    return
                await asyncio.sleep(0.1)


class Subscriber:
    """One websocket with one subscription to one project.

    It reads all the time, or nobody would answer the server's pings.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._came: asyncio.Queue[tuple[float, str]] = asyncio.Queue()

    async def read(self) -> None:
        """Read until the socket is closed."""
        async for message in self._socket:
            self._came.put_nowait((perf_counter(), message.data))

    async def arrival(self) -> float:
        """When the next event came."""
        return (await self._next())[0]

    async def event(self) -> tuple[float, Event]:
        """The next event, and when it came."""
        came, message = await self._next()
        return came, orjson.loads(message)["payload"]["data"]["projectChanged"]

    async def _next(self) -> tuple[float, str]:
        async with within(_PATIENCE, "an event"):
            return await self._came.get()

    async def events(self, last: str) -> list[tuple[float, Event]]:
        """The next events up to one whose change is the action `last`."""
        found: list[tuple[float, Event]] = []
        async with within(_PATIENCE, f"the event of {last}"):
            while not found or found[-1][1]["change"]["action"] != last:
                found.append(await self.event())
        return found


@asynccontextmanager
async def signed_up(url: str) -> AsyncIterator[User]:
    """A new user."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        user = User(http, url)
        answer = await user.ask(
            "mutation ($i: SignUpInput!) { signUp(input: $i) { credentials { accessToken } } }",
            i={"login": user.login, "password": PASSWORD},
        )
        user.token = answer["signUp"]["credentials"]["accessToken"]
        yield user


@asynccontextmanager
async def subscribed(user: User, project: str, count: int = 1) -> AsyncIterator[list[Subscriber]]:
    """That many subscribers of one project, each on a websocket of its own."""
    at_once = asyncio.Semaphore(_OPENING_AT_ONCE)
    async with AsyncExitStack() as stack:

        async def opened() -> Subscriber:
            async with at_once:
                return await _opened(stack, user, project)

        yield list(await asyncio.gather(*(opened() for _ in range(count))))


async def _opened(stack: AsyncExitStack, user: User, project: str) -> Subscriber:
    socket = await stack.enter_async_context(
        user.http.ws_connect(f"{user.url}/graphql", protocols=["graphql-transport-ws"])
    )
    hello = {"authorization": f"Bearer {user.token}"}
    await socket.send_json({"type": "connection_init", "payload": hello})
    payload = {"query": _STREAM, "variables": {"id": project}}
    await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
    if (acknowledged := await socket.receive_json())["type"] != "connection_ack":
        raise RuntimeError(acknowledged)
    subscriber = Subscriber(socket)
    stack.callback(asyncio.create_task(subscriber.read()).cancel)
    while (await subscriber.event())[1]["kind"] != "SYNCED":
        pass
    return subscriber


def key(global_id: str) -> Any:
    """The row's key behind a global id."""
    found = ids.decode(global_id)
    if found is None:
        raise ValueError(global_id)
    return found[1]
