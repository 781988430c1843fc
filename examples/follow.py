"""Follow all your projects over a websocket (graphql-transport-ws), through lost connections.

    pip install websockets
    TOKEN=... python follow.py ws://127.0.0.1:8000/graphql

TOKEN is an API token, for programs that run for long; an access token ends in a quarter of an hour.
Reads what there is together with the cursor, then every change since: once, in order. A lost
connection goes on from the last cursor; a cursor that is refused begins anew.
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncIterator
from typing import Any

import websockets

JSON = dict[str, Any]

PROJECT = "fragment Seen on Project { id name status updatedAt }"
READ = PROJECT + "{ changeCursor projects(first: 100) { nodes { ...Seen } } }"
FOLLOW = (
    PROJECT
    + """ subscription ($after: String) {
  projectsChanged(after: $after) {
    kind cursor projectId
    project { ...Seen }
    change { action subjectName toStatus reason }
  }
}"""
)

# Worth another try; whatever else is refused stays so until somebody mends it.
RETRYABLE = {"INTERNAL", "RATE_LIMITED", "UNAVAILABLE"}
# The close code for a token that is not good.
FORBIDDEN = 4403


class RefusedError(Exception):
    """The server answered an operation with errors."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def refused(errors: list[JSON]) -> RefusedError:
    """The first error decides."""
    return RefusedError(errors[0]["extensions"]["code"], errors[0]["message"])


async def operation(
    socket: websockets.ClientConnection, document: str, **variables: object
) -> AsyncIterator[JSON]:
    """The results of one operation; this program has one at a time."""
    payload = {"query": document, "variables": variables}
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
    async for text in socket:
        message = json.loads(text)
        match message["type"]:
            case "ping":
                await socket.send(json.dumps({"type": "pong"}))
            case "next" if "errors" not in message["payload"]:
                yield message["payload"]["data"]
            case "next":
                raise refused(message["payload"]["errors"])
            case "error":
                raise refused(message["payload"])
            case "complete":
                return


def apply(projects: dict[str, JSON], event: JSON) -> None:
    """What is known after one more event. An event has the state of now: twice does no harm."""
    project = event["project"]
    match event["kind"]:
        case "RESYNC":  # changes may have been missed: all that there is follows as SNAPSHOTs
            projects.clear()
        case "DELETED":
            projects.pop(event["projectId"], None)
        case _ if project:
            known = projects.get(project["id"])
            if known is None or known["updatedAt"] <= project["updatedAt"]:
                projects[project["id"]] = project


def show(projects: dict[str, JSON], event: JSON) -> None:
    """One line for a change, and what is known once all has come."""
    if change := event["change"]:
        words = (change["subjectName"], change["action"], change["toStatus"], change["reason"])
        print(*filter(None, words), flush=True)
    if event["kind"] in ("SYNCED", "CHANGED", "DELETED"):
        states = (f"{project['name']} is {project['status']}" for project in projects.values())
        print("  now:", ", ".join(states) or "no projects", flush=True)


class Follower:
    """What is known, and up to where."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self.projects: dict[str, JSON] = {}
        self.cursor: str | None = None

    async def run(self) -> None:
        """Follow for ever; ends when the server refuses what would be refused again."""
        failures = 0
        while True:
            before = self.cursor
            try:
                await self.connect()
            except RefusedError as refusal:
                if refusal.code == "INVALID_CURSOR":
                    self.cursor = None
                elif refusal.code not in RETRYABLE:
                    raise
            except (OSError, websockets.WebSocketException) as lost:
                closed = getattr(lost, "rcvd", None)
                if closed and closed.code == FORBIDDEN:
                    raise RefusedError(*closed.reason.split(": ", 1)) from lost
                print(f"lost: {lost}", file=sys.stderr, flush=True)
            # Doubled while nothing comes, and random, so that not all clients return at once.
            failures = 0 if self.cursor != before else failures + 1
            await asyncio.sleep(random.uniform(0, min(30, 2**failures)))  # noqa: S311

    async def connect(self) -> None:
        """One connection, from hello to its end."""
        protocol = websockets.Subprotocol("graphql-transport-ws")
        async with websockets.connect(self.url, subprotocols=[protocol]) as socket:
            hello = {"authorization": f"Bearer {self.token}"}
            await socket.send(json.dumps({"type": "connection_init", "payload": hello}))
            assert json.loads(await socket.recv())["type"] == "connection_ack"
            if self.cursor is None:
                async for data in operation(socket, READ):
                    self.projects = {node["id"]: node for node in data["projects"]["nodes"]}
                    self.cursor = data["changeCursor"]
            async for data in operation(socket, FOLLOW, after=self.cursor):
                event = data["projectsChanged"]
                apply(self.projects, event)
                self.cursor = event["cursor"]
                show(self.projects, event)


if __name__ == "__main__":
    try:
        asyncio.run(Follower(sys.argv[1], os.environ["TOKEN"]).run())
    except RefusedError as refusal:
        sys.exit(str(refusal))
    except KeyboardInterrupt:
        sys.exit(130)
