"""Operations over server-sent events, read by a real HTTP client from a real server."""

from collections.abc import Callable
from uuid import UUID

import pytest

from app.domain import ids
from app.domain.errors import ErrorCode
from app.domain.ids import NodeType
from app.domain.states import DesiredState
from app.domain.viewer import Viewer
from app.services import projects
from tests.integration.app.graphql.serving import EVENTS, GRAPHQL, JSON, URQL, Api, Sent, served
from tests.integration.world import becomes, project_of, viewer_of

ONE = "subscription ($id: ID!, $after: String) { projectChanged(id: $id, after: $after)"
ONE += " { cursor kind change { action } } }"
ALL = "subscription { projectsChanged { kind projectId } }"


def kinds(events: list[Sent]) -> list[str]:
    return [next(iter(it.data["data"].values()))["kind"] for it in events if it.name == "next"]


def is_kind(kind: str) -> Callable[[Sent], bool]:
    return lambda event: event.name == "next" and kind in kinds([event])


def code(event: Sent) -> tuple[str, str | None]:
    [error] = event.data["errors"]
    return error["extensions"]["code"], error["extensions"].get("reason")


async def stop(api: Api, viewer: Viewer, project: UUID) -> None:
    async with api.database.begin(viewer) as session:
        await projects.want(session, viewer, project, DesiredState.STOPPED)


async def test_a_subscription_is_a_stream_of_events_to_whoever_takes_one(api: Api) -> None:
    viewer = await viewer_of(api.database)
    project = ids.encode(NodeType.PROJECT, await project_of(api.database, viewer))
    token = api.token(viewer)

    for accept in (EVENTS, "*/*", URQL, f"{EVENTS}, multipart/mixed"):
        async with api.stream(ONE, token, variables={"id": project}, accept=accept) as stream:
            first = await stream.next()
            second = await stream.next()

        assert stream.response.status_code == 200
        assert stream.response.headers["content-type"] == f"{EVENTS}; charset=utf-8"
        assert stream.response.headers["cache-control"] == "no-store, no-transform"
        assert stream.response.headers["x-accel-buffering"] == "no"
        assert kinds([first, second]) == ["SNAPSHOT", "SYNCED"]
        assert first.id == first.data["data"]["projectChanged"]["cursor"]


async def test_an_event_has_the_cursor_as_its_id_though_it_was_not_selected(api: Api) -> None:
    viewer = await viewer_of(api.database)
    project = await project_of(api.database, viewer)

    async with api.stream(ALL, api.token(viewer)) as stream:
        begun = await stream.until(is_kind("SYNCED"))
        await stop(api, viewer, project)
        changed = await stream.until(is_kind("CHANGED"))
    async with api.stream(ALL, api.token(viewer), last_event_id=begun[-1].id or "") as again:
        resumed = await again.until(is_kind("SYNCED"))

    assert all(event.id for event in begun + changed)
    assert kinds(resumed) == ["CHANGED", "CHANGED", "SYNCED"]
    assert resumed[0].id == changed[0].id


async def test_the_last_event_id_is_newer_than_the_cursor_that_the_operation_began_with(
    api: Api,
) -> None:
    viewer = await viewer_of(api.database)
    key = await project_of(api.database, viewer)
    project = ids.encode(NodeType.PROJECT, key)
    token = api.token(viewer)
    asked = await api.post({"query": "{ changeCursor }"}, token)
    variables = {"id": project, "after": asked.json()["data"]["changeCursor"]}

    await stop(api, viewer, key)
    async with api.stream(ONE, token, variables=variables) as stream:
        seen = await stream.until(is_kind("SYNCED"))
    async with api.stream(
        ONE, token, variables=variables, last_event_id=seen[0].id or ""
    ) as stream:
        rest = await stream.until(is_kind("SYNCED"))

    assert [event.id for event in rest] == [event.id for event in seen[1:]]


async def test_a_last_event_id_that_is_no_cursor_is_refused(api: Api) -> None:
    viewer = await viewer_of(api.database)

    async with api.stream(ALL, api.token(viewer), last_event_id="7") as stream:
        seen = await stream.rest()

    assert [event.name for event in seen] == ["next", "complete"]
    assert code(seen[0])[0] == "INVALID_CURSOR"


async def test_a_client_that_goes_away_ends_its_stream_at_once(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    # No comment is written meanwhile that would notice it later.
    async with served(url, stream_keepalive=3600) as api:
        viewer = await viewer_of(api.database)
        feeds = api.state.feeds

        async with api.stream(ALL, api.token(viewer)) as stream:
            await stream.until(is_kind("SYNCED"))
            assert set(feeds._feeds) == {viewer.home}

        async def nobody_listens() -> bool:
            return not feeds._feeds

        await becomes(nobody_listens)

    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_quiet_stream_has_comments(url: str) -> None:
    async with served(url, stream_keepalive=0.01) as api:
        viewer = await viewer_of(api.database)

        async with api.stream(ALL, api.token(viewer)) as stream:
            await stream.until(is_kind("SYNCED"))
            comments = [await stream.next() for _ in range(3)]
            await project_of(api.database, viewer)
            changed = await stream.until(is_kind("CHANGED"))

    assert comments == [Sent("")] * 3
    assert kinds(changed) == ["CHANGED"]


async def test_a_stream_of_a_project_completes_after_its_end(api: Api) -> None:
    viewer = await viewer_of(api.database)
    async with api.database.begin(viewer) as session:
        row = await projects.create(
            session,
            viewer,
            api.state.makers,
            projects.NewProject("empty", sandboxes=(), databases=()),
        )
    variables = {"id": ids.encode(NodeType.PROJECT, row.id)}

    async with api.stream(ONE, api.token(viewer), variables=variables) as stream:
        await stream.until(is_kind("SYNCED"))
        async with api.database.begin(viewer) as session:
            await projects.want(session, viewer, row.id, DesiredState.DELETED)
        seen = await stream.rest()

    assert kinds(seen)[-1] == "DELETED"
    assert seen[-1].data is None


async def test_a_refusal_is_a_next_with_errors_and_then_complete(api: Api) -> None:
    good = api.token(await viewer_of(api.database))
    refusals: dict[tuple[str, str | None], tuple[str, str | None]] = {
        ("subscription {", None): ("BAD_REQUEST", None),
        ("subscription { nothing }", None): ("BAD_REQUEST", None),
        (ALL, None): ("UNAUTHENTICATED", "MISSING"),
        (ALL, "x.y.z"): ("UNAUTHENTICATED", "MALFORMED"),
        ('subscription { projectChanged(id: "x") { kind } }', good): ("NOT_FOUND", None),
        ('subscription { projectsChanged(after: "x") { kind } }', good): ("INVALID_CURSOR", None),
        (ONE, good): ("BAD_REQUEST", None),
    }

    for (document, token), expected in refusals.items():
        async with api.stream(document, token) as stream:
            seen = await stream.rest()

        assert stream.response.status_code == 200
        assert [event.name for event in seen] == ["next", "complete"]
        assert code(seen[0]) == expected
        assert "data" not in seen[0].data


async def test_a_query_is_one_event_to_whoever_prefers_events(api: Api) -> None:
    async with api.stream("{ errorCodes { code } }", accept=f"{EVENTS}, {JSON}") as stream:
        seen = await stream.rest()

    assert [event.name for event in seen] == ["next", "complete"]
    assert len(seen[0].data["data"]["errorCodes"]) == len(ErrorCode)
    assert seen[0].id is None


async def test_a_query_is_json_to_whoever_merely_knows_of_events(api: Api) -> None:
    preferences = {
        "": JSON,
        "*/*": JSON,
        URQL: GRAPHQL,
        JSON: JSON,
        f"{JSON};q=0.5, {GRAPHQL}": GRAPHQL,
        f"{EVENTS};q=0.1, {JSON}": JSON,
    }

    for accept, answered in preferences.items():
        answer = await api.post({"query": "{ __typename }"}, accept=accept)

        assert answer.status_code == 200
        assert answer.headers["content-type"] == answered
        assert answer.json() == {"data": {"__typename": "Query"}}


async def test_many_streams_of_one_client_end_independently(api: Api) -> None:
    viewer = await viewer_of(api.database)
    project = await project_of(api.database, viewer)
    token = api.token(viewer)

    async with api.stream(ALL, token) as kept:
        await kept.until(is_kind("SYNCED"))
        async with api.stream(ALL, token) as left:
            await left.until(is_kind("SYNCED"))
        await stop(api, viewer, project)
        seen = await kept.until(is_kind("CHANGED"))

    assert kinds(seen) == ["CHANGED"]


async def test_a_process_that_stops_ends_its_streams_without_complete(api: Api) -> None:
    viewer = await viewer_of(api.database)

    async with api.stream(ALL, api.token(viewer)) as stream:
        await stream.until(is_kind("SYNCED"))
        api.server.should_exit = True
        ended = await stream.cut()

    assert ended
