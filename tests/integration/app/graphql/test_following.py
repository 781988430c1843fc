"""Clients that read with `changeCursor` and follow from there: no gap, no flood, no repeat."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast
from uuid import UUID

from app.auth.entrance import Entrance
from app.auth.sessions import Sessions
from app.domain import cursors, ids
from app.domain.ids import NodeType
from app.domain.reasons import Reason
from app.domain.states import DesiredState, ResourceKind
from app.domain.viewer import Viewer
from app.graphql.context import Connection, State
from app.graphql.schema import schema
from app.live.grants import Grants
from app.services import projects
from app.services.projects import NewProject
from tests.integration.app.graphql.conftest import SETTINGS
from tests.integration.live import Live, live
from tests.integration.passes import failed, gone, passed, running
from tests.integration.world import MAKERS, PATIENCE, access_token, project_of, viewer_of

TURNS = 12
EVENT = """{ kind cursor projectId deletedId change { id action }
  project { id name generation status sandboxes { id } why { resourceId reason } } }"""
ONE = "subscription ($id: ID!, $after: String) { events: projectChanged(id: $id, after: $after) "
ONE += EVENT + " }"
ALL = "subscription ($after: String) { events: projectsChanged(after: $after) " + EVENT + " }"
PROJECT = """query ($id: ID!) { changeCursor project(id: $id) { id name generation status
  sandboxes { id } why { resourceId reason } history(first: 1) { nodes { id } } } }"""
LIST = "{ changeCursor projects(first: 100) { nodes { id name } } }"
RENAME = 'mutation ($id: ID!) { updateProject(id: $id, input: {name: "%s"}) { errors { code } } }'
DELETE = "mutation ($id: ID!) { %s(id: $id) { __typename } }"


class Client:
    """One signed-in client of an API process."""

    def __init__(self, api: Live, viewer: Viewer) -> None:
        entrance, sessions = Entrance(SETTINGS), Sessions(SETTINGS)
        grants = Grants(api.database, None, poll=1)  # type: ignore[arg-type]  # not served
        state = State(SETTINGS, api.database, sessions, MAKERS, api.feeds, grants, entrance)
        self._connection = Connection(state, f"Bearer {access_token(viewer)}")

    async def ask(self, document: str, **variables: Any) -> Any:
        answer = await schema.execute(
            document, variable_values=variables, context_value=self._connection
        )
        assert not answer.errors
        return answer.data

    async def follow(self, document: str, **variables: Any) -> AsyncIterator[Any]:
        """The events of a subscription, to its end or to that of the patience of tests."""
        results = await schema.stream(
            document, variable_values=variables, context_value=self._connection
        )
        async with asyncio.timeout(PATIENCE), aclosing(cast("Any", results)):
            async for result in results:
                assert not result.errors
                yield result.data["events"]

    async def until(self, action: str, document: str, **variables: Any) -> list[Any]:
        """The events up to the change `action`."""
        seen = []
        async with aclosing(cast("Any", self.follow(document, **variables))) as events:
            async for event in events:
                seen.append(event)
                if event["change"] and event["change"]["action"] == action:
                    break
        return seen


def seq_of(change_id: str) -> int:
    found = ids.decode(change_id)
    assert found is not None
    assert found[2] is not None
    return found[2]


def seq_at(cursor: str) -> int:
    found = cursors.decode(cursor)
    assert found is not None
    [seq] = found.seqs.values()
    return seq


def seqs(events: list[Any]) -> list[int]:
    return [seq_of(event["change"]["id"]) for event in events if event["change"]]


def global_id(key: UUID) -> str:
    return ids.encode(NodeType.PROJECT, key)


async def test_what_is_read_with_a_cursor_goes_on_from_it_while_others_write(url: str) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        client = Client(api, viewer)
        key = await project_of(api.database, viewer)
        read: list[Any] = []

        async def look() -> str:
            read.append(await client.ask(PROJECT, id=global_id(key)))
            cursor: str = read[-1]["changeCursor"]
            return cursor

        async def follow(after: str) -> list[Any]:
            return await client.until("project.update", ONE, id=global_id(key), after=after)

        async def look_and_follow() -> list[Any]:
            return await follow(await look())

        async def flip(turn: int) -> None:
            wanted = (DesiredState.STOPPED, DesiredState.RUNNING)[turn % 2]
            async with api.database.begin(viewer) as session:
                await projects.want(session, viewer, key, wanted)

        followers = []
        for turn in range(TURNS):
            followers.append(asyncio.create_task(look_and_follow()))
            await flip(turn)
        while len(read) < TURNS:
            await flip(len(read))
        for turn in range(2):
            await flip(turn)
        followers.append(asyncio.create_task(follow(await look())))
        await client.ask(RENAME % "end", id=global_id(key))
        followed = [await follower for follower in followers]
        end = await client.ask(PROJECT, id=global_id(key))

    starts = sorted(seq_at(data["changeCursor"]) for data in read)
    assert starts[0] < starts[-1]
    assert all(
        seq_of(data["project"]["history"]["nodes"][0]["id"]) >= seq_at(data["changeCursor"])
        for data in read
    )
    last = seq_of(end["project"]["history"]["nodes"][0]["id"])
    assert sorted(seqs(events) for events in followed) == [
        list(range(start + 1, last + 1)) for start in starts
    ]
    for events in followed:
        # One who begins after the last change has all of them before he is told SYNCED.
        assert [event["kind"] for event in events if event["kind"] != "CHANGED"] in ([], ["SYNCED"])
        assert events[-1]["project"].items() <= end["project"].items()


async def test_a_list_that_was_read_with_a_cursor_is_kept_up_by_the_stream_of_all(
    url: str,
) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        client = Client(api, viewer)
        end = await project_of(api.database, viewer, "end")
        begun = asyncio.Semaphore(0)

        async def read_and_follow() -> tuple[str, list[int], dict[str, str]]:
            data = await client.ask(LIST)
            begun.release()
            kept = {node["id"]: node["name"] for node in data["projects"]["nodes"]}
            events = await client.until("project.update", ALL, after=data["changeCursor"])
            for event in events:
                if event["kind"] == "DELETED":
                    kept.pop(event["deletedId"], None)
                elif event["project"]:
                    kept[event["projectId"]] = event["project"]["name"]
            return data["changeCursor"], seqs(events), kept

        followers = []
        for turn in range(TURNS):
            followers.append(asyncio.create_task(read_and_follow()))
            made = await project_of(api.database, viewer, f"project {turn}")
            if turn % 2:
                await client.ask(DELETE % "deleteProject", id=global_id(made))
                await passed(api.reconciler, gone)
        for _ in followers:
            await begun.acquire()
        await client.ask(RENAME % "the end", id=global_id(end))
        followed = [await follower for follower in followers]
        now = await client.ask(LIST)

    last = seq_at(now["changeCursor"])
    for cursor, seen, kept in followed:
        assert seen == list(range(seq_at(cursor) + 1, last + 1))
        assert kept == {node["id"]: node["name"] for node in now["projects"]["nodes"]}


async def test_an_event_says_why_as_a_query_does(url: str) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        client = Client(api, viewer)
        async with api.database.begin(viewer) as session:
            row = await projects.create(session, viewer, MAKERS, NewProject("both"))
        key = global_id(row.id)
        before = await client.ask(PROJECT, id=key)
        down = failed(Reason.DATABASE_FAILED)

        await passed(
            api.reconciler,
            lambda claim: (down if claim.kind == ResourceKind.DATABASE else running)(claim),
        )
        now = await client.ask(PROJECT, id=key)
        events = await client.until("database.status", ONE, id=key, after=before["changeCursor"])

    assert before["project"]["why"] is None
    assert events[-1]["project"]["why"] == now["project"]["why"]
    found = ids.decode(now["project"]["why"]["resourceId"])
    assert found is not None
    assert (found[0], now["project"]["why"]["reason"]) == (NodeType.DATABASE, "DatabaseFailed")


async def test_what_is_gone_is_named_for_caches_to_drop(url: str) -> None:
    async with live(url) as api:
        viewer = await viewer_of(api.database)
        client = Client(api, viewer)
        key = global_id(await project_of(api.database, viewer))
        before = await client.ask(PROJECT, id=key)
        [sandbox] = before["project"]["sandboxes"]

        await client.ask(DELETE % "deleteSandbox", id=sandbox["id"])
        await passed(api.reconciler, gone)
        after_sandbox = await client.ask(PROJECT, id=key)
        await client.ask(DELETE % "deleteProject", id=key)
        followed = [
            event async for event in client.follow(ONE, id=key, after=before["changeCursor"])
        ]
        later = await client.until("project.gone", ALL, after=after_sandbox["changeCursor"])

    assert [e["deletedId"] for e in followed if e["deletedId"]] == [sandbox["id"], key]
    assert [(e["kind"], e["deletedId"], e["project"]) for e in followed[-1:]] == [
        ("DELETED", key, None)
    ]
    of_sandbox = next(e for e in followed if e["deletedId"] == sandbox["id"])
    assert (of_sandbox["kind"], of_sandbox["projectId"]) == ("CHANGED", key)
    assert after_sandbox["project"]["sandboxes"] == []
    assert [e["deletedId"] for e in later if e["deletedId"]] == [key]
