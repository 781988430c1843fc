"""One user of a running Mooring, over real HTTP and a real websocket, and the story he lives.

The same story on every cluster: the tests that break things are beside it, those on a real API
server in `tests/kubernetes`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import websockets
from websockets import Subprotocol

from app.domain import ids
from app.domain.names import slug
from reconciler.cluster.client import Bounds
from reconciler.cluster.trusted import connect
from reconciler.manifests.identity import RESOURCE
from reconciler.manifests.kinds import KINDS, NAMESPACE
from reconciler.manifests.namespace import ACCOUNT
from tests.acceptance.stack import PATIENCE, Stack

Event = dict[str, Any]
Breaks = Callable[[], Awaitable[None]]

_STREAM = """subscription ($id: ID!, $after: String) { projectChanged(id: $id, after: $after) {
  cursor kind deletedId project { status converged generation observedGeneration }
  change { id action subjectId fromStatus toStatus } } }"""


class User:
    """A signed-up user; `login` and `token` are his."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient) -> None:
        self.stack = stack
        self.http = http
        self.login = f"u-{uuid4().hex[:12]}"
        self.token = ""

    async def ask(self, document: str, **variables: object) -> Any:
        """The whole answer; tried again while Postgres or the API are away."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        body = {"query": document, "variables": variables}
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    url = self.stack.graphql_url
                    answer = await self.http.post(url, json=body, headers=headers)
                    found = answer.json()
                    codes = [e["extensions"]["code"] for e in found.get("errors") or []]
                    if "INTERNAL" not in codes:
                        return found
                except (httpx.HTTPError, json.JSONDecodeError):
                    pass
                await asyncio.sleep(0.2)

    async def sign_up(self) -> None:
        """A new user of his login."""
        answer = await self.try_sign_up()
        self.token = answer["data"]["signUp"]["credentials"]["accessToken"]

    async def try_sign_up(self) -> Any:
        """The whole answer."""
        return await self.ask(
            "mutation ($i: SignUpInput!) { signUp(input: $i) { credentials { accessToken } } }",
            i={"login": self.login, "password": "correct horse battery"},
        )

    async def cursor(self) -> str:
        """Where the change log stands for him."""
        return str((await self.ask("{ changeCursor }"))["data"]["changeCursor"])

    async def create(self) -> str:
        """A project with one sandbox; its id."""
        answer = await self.ask(
            'mutation ($k: String) { createProject(input: {name: "Käse & Co"}, idempotencyKey: $k)'
            " { project { id status } } }",
            k=uuid4().hex,
        )
        project = answer["data"]["createProject"]["project"]
        assert project["status"] == "CREATING"
        return str(project["id"])

    async def want(self, verb: str, project: str) -> str:
        """start, stop or delete; the status that it answers."""
        answer = await self.ask(
            f"mutation ($id: ID!) {{ {verb}Project(id: $id) {{ project {{ status }} }} }}",
            id=project,
        )
        return str(answer["data"][f"{verb}Project"]["project"]["status"])


@asynccontextmanager
async def user_of(stack: Stack) -> AsyncIterator[User]:
    """A signed-up user."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        user = User(stack, http)
        await user.sign_up()
        yield user


class Follower:
    """Follows one project from its cursor through lost connections; keeps every event."""

    def __init__(self, user: User, project: str, after: str | None = None) -> None:
        self._user = user
        self._project = project
        self._after = after
        self.events: list[Event] = []
        self._something = asyncio.Condition()

    async def run(self) -> None:
        """Follow until DELETED."""
        while not (self.events and self.events[-1]["kind"] == "DELETED"):
            try:
                await self._follow()
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(0.2)

    async def reaches(self, status: str) -> None:
        """Wait until the newest state seen is `status`, converged."""
        try:
            async with asyncio.timeout(PATIENCE), self._something:
                await self._something.wait_for(lambda: self._shows(status))
        except TimeoutError as error:
            raise TimeoutError(f"not {status}, but {self.events[-3:]}") from error

    def _shows(self, status: str) -> bool:
        states = [event["project"] for event in self.events if event["project"]]
        return bool(states) and states[-1]["status"] == status and states[-1]["converged"]

    async def _follow(self) -> None:
        after = self.events[-1]["cursor"] if self.events else self._after
        async with websockets.connect(
            self._user.stack.websocket_url,
            subprotocols=[Subprotocol("graphql-transport-ws")],
            proxy=None,
        ) as socket:
            hello = {"authorization": f"Bearer {self._user.token}"}
            await socket.send(json.dumps({"type": "connection_init", "payload": hello}))
            variables = {"id": self._project, "after": after}
            payload = {"query": _STREAM, "variables": variables}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            async for text in socket:
                message = json.loads(text)
                if message["type"] in ("complete", "error"):
                    return
                if message["type"] == "next" and message["payload"].get("data"):
                    await self._keep(message["payload"]["data"]["projectChanged"])

    async def _keep(self, event: Event) -> None:
        async with self._something:
            self.events.append(event)
            self._something.notify_all()


async def nothing() -> None:
    """Nothing breaks."""


async def story(user: User, breaks: Breaks = nothing) -> None:
    """The whole life of a project; `breaks` happens while it is on its way up again."""
    before = await user.cursor()
    project = await user.create()
    follower = Follower(user, project, before)
    async with asyncio.TaskGroup() as group:
        group.create_task(follower.run())
        await follower.reaches("RUNNING")
        assert await user.want("stop", project) == "STOPPING"
        await follower.reaches("STOPPED")
        assert await user.want("start", project) == "STARTING"
        await breaks()
        await follower.reaches("RUNNING")
        assert await user.want("delete", project) == "TERMINATING"
    await saw_everything(user.stack, follower, project)


async def saw_everything(stack: Stack, follower: Follower, project: str) -> None:
    """The follower, from before the creation on, saw every change row: in order, once."""
    decoded = ids.decode(project)
    assert decoded is not None
    changes = [event["change"] for event in follower.events if event["change"]]
    kinds = {event["kind"] for event in follower.events}
    assert [change["id"] for change in changes] == await change_ids(stack, decoded[1])
    assert kinds == {"CHANGED", "SYNCED", "DELETED"}
    assert (changes[0]["action"], changes[-1]["action"]) == ("project.create", "project.gone")
    for subject in {change["subjectId"] for change in changes}:
        chain = [c for c in changes if c["subjectId"] == subject]
        ends = [change["toStatus"] for change in chain]
        assert [change["fromStatus"] for change in chain] == [None, *ends[:-1]]


async def change_ids(stack: Stack, project: UUID) -> list[str]:
    connection = await asyncpg.connect(stack.owner_url)
    try:
        rows = await connection.fetch(
            "SELECT account_id, seq FROM change WHERE project_id = $1 ORDER BY seq", project
        )
    finally:
        await connection.close()
    return [ids.encode(ids.NodeType.CHANGE, row["account_id"], row["seq"]) for row in rows]


async def objects_left(stack: Stack) -> list[str]:
    """What is left of resources in our namespaces, of every kind that a deletion looks for."""
    namespace = stack.ready["namespace"] or ""
    cluster = await connect(stack.kubeconfig, Bounds(30, rate=1000, burst=1000))
    try:
        return [
            f"{kind.kind}/{body['metadata']['name']}"
            for kind in KINDS
            for body in await cluster.list_all(kind, namespace, RESOURCE)
        ]
    finally:
        await cluster.close()


async def namespaces_left(stack: Stack, login: str) -> list[str]:
    """The namespaces that an account of this login has in the operator's cluster."""
    cluster = await connect(stack.kubeconfig, Bounds(30, rate=1000, burst=1000))
    try:
        found = await cluster.list_all(NAMESPACE, "", ACCOUNT)
    finally:
        await cluster.close()
    names = [str(body["metadata"]["name"]) for body in found]
    return [name for name in names if slug(login) in name]


async def leaving(user: User, breaks: Breaks = nothing) -> None:
    """Somebody with a project deletes himself; `breaks` happens meanwhile. Nothing is left."""
    await user.create()
    async with asyncio.timeout(PATIENCE):
        while not await namespaces_left(user.stack, user.login):
            await asyncio.sleep(0.1)
        await user.ask("mutation { deleteAccount { deletedLogin } }")
        await breaks()
        user.token = ""
        while (await user.try_sign_up()).get("errors"):
            await asyncio.sleep(0.2)
    assert await namespaces_left(user.stack, user.login) == []
