"""Websockets and event streams end with their session, and go on when it is renewed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from app.auth.tokens import Tokens
from app.domain import ids
from app.domain.ids import NodeType
from app.domain.sessions import Presented
from app.domain.viewer import Viewer
from tests.integration.app.graphql.serving import Api, Socket, served
from tests.integration.world import TOKEN_KEYS, project_of, token_of, viewer_of

pytestmark = pytest.mark.security

ALL = "subscription { projectsChanged { kind } }"
OUT = "mutation { signOut { signedOut } }"
EVERYWHERE = "mutation ($keep: Boolean) { signOutEverywhere(keepThis: $keep) { ended } }"
REVOKE = "mutation ($id: ID!) { revokeSession(id: $id) { revokedId } }"
DELETE_TOKEN = "mutation ($id: ID!) { deleteApiToken(id: $id) { __typename } }"
REFRESH = """mutation ($token: String!) { refreshSession(input: {refreshToken: $token}) {
  credentials { accessToken refreshToken expiresAt refreshExpiresAt user { login } } } }"""
LEAVE = "mutation { deleteAccount { deletedLogin } }"
REVOKED = (4403, "UNAUTHENTICATED: REVOKED")
EXPIRED = (4403, "UNAUTHENTICATED: EXPIRED")
SOON = timedelta(seconds=2)


def refresh_token(viewer: Viewer, rotation: int = 0) -> str:
    key = viewer.grant.session_id
    assert key is not None
    ends = viewer.expires_at + timedelta(hours=1)
    return Tokens(TOKEN_KEYS).refresh(Presented(viewer.user_id, key, rotation), ends)


async def renewed(api: Api, viewer: Viewer) -> Any:
    body = {"query": REFRESH, "variables": {"token": refresh_token(viewer)}}
    return (await api.post(body)).json()["data"]["refreshSession"]["credentials"]


@asynccontextmanager
async def greeted(api: Api, token: str) -> AsyncIterator[Socket]:
    async with api.socket() as socket:
        assert await socket.init({"authorization": f"Bearer {token}"}) == {"type": "connection_ack"}
        yield socket


@asynccontextmanager
async def another(url: str, **settings: Any) -> AsyncIterator[Api]:
    """Another API process on the same database."""
    async with served(url, **settings) as api:
        yield api


@pytest.mark.parametrize("notify", [True, False])
async def test_a_socket_ends_when_its_session_is_ended_by_another_process(
    url: str, notify: bool
) -> None:
    poll = 3600 if notify else 0.1
    async with served(url, feed_poll=poll, notify=notify) as api, another(url) as other:
        viewer = await viewer_of(api.database)
        async with greeted(api, api.token(viewer)) as idle, greeted(api, api.token(viewer)) as busy:
            await busy.subscribe(ALL)
            await busy.next()

            await other.post({"query": OUT}, api.token(viewer))
            ended = [await idle.closed(), await busy.closed()]

        refused = await api.post({"query": "{ me { login } }"}, api.token(viewer))

    assert ended == [REVOKED, REVOKED]
    assert refused.json()["errors"][0]["extensions"]["reason"] == "REVOKED"


async def test_an_event_stream_ends_when_its_session_is_ended(url: str) -> None:
    async with served(url, feed_poll=3600) as api, another(url) as other:
        viewer = await viewer_of(api.database)
        key = viewer.grant.session_id
        assert key is not None
        variables = {"id": ids.encode(NodeType.SESSION, key)}

        async with api.stream(ALL, api.token(viewer)) as stream:
            await stream.next()
            await other.post({"query": REVOKE, "variables": variables}, api.token(viewer))
            refused, complete = await stream.rest()

    [error] = refused.data["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "reason": "REVOKED"}
    assert complete.name == "complete"


async def test_sockets_end_with_their_users_account(url: str) -> None:
    async with served(url, feed_poll=3600) as api, another(url) as other:
        viewer = await viewer_of(api.database)
        _, token = await token_of(api.database, viewer)
        async with greeted(api, api.token(viewer)) as hers, greeted(api, token) as program:
            await hers.subscribe(ALL)
            await hers.next()

            await other.post({"query": LEAVE}, api.token(viewer))
            ended = [await hers.closed(), await program.closed()]

    assert ended == [REVOKED, REVOKED]


async def test_only_the_sessions_that_are_ended_lose_their_sockets(api: Api) -> None:
    ada, bob = await viewer_of(api.database), await viewer_of(api.database, "bob")
    kept = {"query": EVERYWHERE, "variables": {"keep": True}}
    _, token = await token_of(api.database, ada)

    async with (
        greeted(api, api.token(ada)) as hers,
        greeted(api, api.token(bob)) as his,
        greeted(api, token) as program,
    ):
        await api.post(kept, api.token(ada))
        for socket in (hers, his, program):
            await socket.subscribe("{ me { login } }")
        answers = [await socket.next() for socket in (hers, his, program)]
        await api.post({"query": EVERYWHERE}, api.token(ada))

        assert await hers.closed() == REVOKED

    logins = [answer["payload"]["data"]["me"]["login"] for answer in answers]
    assert logins == ["ada", "bob", "ada"]


async def test_sockets_and_streams_end_with_the_last_access_token(api: Api) -> None:
    viewer = await viewer_of(api.database, lifetime=SOON)
    token = api.token(viewer)

    async with greeted(api, token) as idle, api.stream(ALL, token) as stream:
        closed = await idle.closed()
        refused = (await stream.rest())[-2]

    assert closed == EXPIRED
    [error] = refused.data["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "reason": "EXPIRED"}


async def test_a_renewed_session_carries_its_sockets_and_streams_on(api: Api) -> None:
    viewer = await viewer_of(api.database, lifetime=SOON)
    token = api.token(viewer, lifetime=SOON.total_seconds())

    async with greeted(api, token) as socket, api.stream(ALL, token) as stream:
        await socket.subscribe(ALL, "watch")
        await socket.next()
        await stream.next()
        await socket.send(
            {
                "id": "renew",
                "type": "subscribe",
                "payload": {"query": REFRESH, "variables": {"token": refresh_token(viewer)}},
            }
        )
        answer = await socket.next()
        assert (await socket.next())["type"] == "complete"
        while "errors" not in (await api.post({"query": "{ me { login } }"}, token)).json():
            await asyncio.sleep(0.05)

        # The first token has ended; what it opened has not.
        await project_of(api.database, viewer)
        event = await socket.next()
        sent = await stream.next()
        await socket.subscribe("{ me { login } }", "later")
        later = await socket.next()
        while later["id"] != "later":
            later = await socket.next()

    made = answer["payload"]["data"]["refreshSession"]["credentials"]
    mine = await api.post({"query": "{ me { login } }"}, made["accessToken"])
    assert event["payload"]["data"]["projectsChanged"]["kind"] == "CHANGED"
    assert sent.data["data"]["projectsChanged"]["kind"] == "CHANGED"
    assert later["payload"]["data"] == {"me": {"login": "ada"}}
    assert mine.json() == {"data": {"me": {"login": "ada"}}}


async def test_what_was_renewed_ends_when_the_session_is_ended(api: Api) -> None:
    viewer = await viewer_of(api.database, lifetime=SOON)

    async with greeted(api, api.token(viewer)) as socket:
        credentials = await renewed(api, viewer)
        await api.post({"query": OUT}, credentials["accessToken"])

        assert await socket.closed() == REVOKED


async def test_a_socket_of_an_api_token_ends_when_that_is_deleted(api: Api) -> None:
    viewer = await viewer_of(api.database)
    row, token = await token_of(api.database, viewer)
    variables = {"id": ids.encode(NodeType.API_TOKEN, row.id)}

    async with greeted(api, token) as socket:
        await api.post({"query": DELETE_TOKEN, "variables": variables}, api.token(viewer))

        assert await socket.closed() == REVOKED
