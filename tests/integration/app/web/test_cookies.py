"""Signed in by cookie: from our own pages alone, over HTTP, event streams and websockets."""

from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx
import pytest
import websockets
from websockets import Subprotocol

from app.auth.browsers import ACCESS, REFRESH
from app.auth.tokens import Tokens
from app.domain.sessions import Presented
from app.domain.viewer import Viewer
from tests.integration.app.graphql.serving import EVENTS, Api, Socket, api, served
from tests.integration.world import TOKEN_KEYS, access_token, viewer_of

pytestmark = pytest.mark.security

__all__ = ["api"]

ME = {"query": "{ me { login } }"}
HERS = {"data": {"me": {"login": "ada"}}}


def refresh_token(viewer: Viewer, rotation: int = 0) -> str:
    key = viewer.grant.session_id
    assert key is not None
    return Tokens(TOKEN_KEYS).refresh(Presented(viewer.user_id, key, rotation), viewer.expires_at)


def own(api: Api, **more: str) -> dict[str, str]:
    """What our own page sends; names with underscores."""
    given = {"origin": f"http://127.0.0.1:{api.port}", "x-mooring-csrf": "1"}
    return given | {name.replace("_", "-"): value for name, value in more.items()}


def by_cookie(viewer: Viewer) -> str:
    return f"{ACCESS}={access_token(viewer)}; {REFRESH}={refresh_token(viewer)}"


def cookies(answer: httpx.Response) -> dict[str, Morsel[str]]:
    return {
        name: morsel
        for header in answer.headers.get_list("set-cookie")
        for name, morsel in SimpleCookie(header).items()
    }


def header_of(given: dict[str, Morsel[str]]) -> str:
    return "; ".join(f"{name}={morsel.value}" for name, morsel in given.items())


async def test_a_refresh_token_is_changed_for_cookies_that_no_script_reads(api: Api) -> None:
    viewer = await viewer_of(api.database)
    token = refresh_token(viewer)

    entered = await api.http.post("/auth/session", json={"refreshToken": token}, headers=own(api))
    given = cookies(entered)
    answer = await api.post(ME, **own(api, cookie=header_of(given)))

    assert entered.status_code == 200
    assert set(entered.json()) == {"user", "expiresAt", "refreshExpiresAt"}
    assert entered.json()["user"] == {"login": "ada"}
    assert entered.headers["cache-control"] == "no-store"
    assert answer.json() == HERS
    assert set(given) == {ACCESS, REFRESH}
    for name, morsel in given.items():
        assert name.startswith("__Host-")
        assert (morsel["path"], morsel["domain"]) == ("/", "")
        assert morsel["secure"]
        assert morsel["httponly"]
        assert int(morsel["max-age"]) > 0
    assert given[ACCESS]["samesite"] == "lax"
    assert given[REFRESH]["samesite"] == "strict"


async def test_cookies_are_renewed_and_a_used_one_ends_the_session(url: str) -> None:
    async with served(url, refresh_grace=0) as api:
        viewer = await viewer_of(api.database)
        old = own(api, cookie=f"{REFRESH}={refresh_token(viewer)}")

        renewed = await api.http.post("/auth/session/refresh", headers=old)
        new = own(api, cookie=header_of(cookies(renewed)))
        good = await api.post(ME, **new)
        stolen = await api.http.post("/auth/session/refresh", headers=old)
        after = await api.post(ME, **new)

    assert (renewed.status_code, stolen.status_code) == (200, 401)
    assert good.json() == HERS
    assert stolen.json()["errors"][0]["extensions"]["reason"] == "REVOKED"
    assert {morsel["max-age"] for morsel in cookies(stolen).values()} == {"0"}
    assert after.json()["errors"][0]["extensions"]["reason"] == "REVOKED"


async def test_signing_out_ends_the_session_and_takes_the_cookies(api: Api) -> None:
    viewer = await viewer_of(api.database)

    left = await api.http.delete("/auth/session", headers=own(api, cookie=by_cookie(viewer)))
    answer = await api.post(ME, access_token(viewer))
    again = await api.http.delete("/auth/session", headers=own(api, cookie=by_cookie(viewer)))

    assert (left.status_code, again.status_code) == (204, 204)
    assert {name: it["max-age"] for name, it in cookies(left).items()} == {
        ACCESS: "0",
        REFRESH: "0",
    }
    assert answer.json()["errors"][0]["extensions"]["reason"] == "REVOKED"


async def test_a_token_that_is_shown_goes_before_the_cookie(api: Api) -> None:
    ada, bob = await viewer_of(api.database), await viewer_of(api.database, "bob")

    answer = await api.post(ME, access_token(bob), cookie=by_cookie(ada))

    assert answer.json() == {"data": {"me": {"login": "bob"}}}


# What another site, or a program that is no page, sends.
FOREIGN: list[dict[str, str | None]] = [
    {"origin": None},
    {"origin": "https://evil.test"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1"},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "http://[::1"},
    {"x-mooring-csrf": None},
    {"x-mooring-csrf": "0"},
]


@pytest.mark.parametrize("wrong", FOREIGN)
async def test_a_request_that_another_site_may_have_made_is_refused(
    api: Api, wrong: dict[str, str | None]
) -> None:
    viewer = await viewer_of(api.database)
    sent = own(api, cookie=by_cookie(viewer)) | wrong
    headers = {name: value for name, value in sent.items() if value is not None}
    before = await api.rows()
    token = {"refreshToken": refresh_token(viewer)}

    answers = [
        await api.http.post("/graphql", json=ME, headers=headers),
        await api.http.post("/graphql", json=ME, headers=headers | {"accept": EVENTS}),
        await api.http.post("/auth/session", json=token, headers=headers),
        await api.http.post("/auth/session/refresh", headers=headers),
        await api.http.delete("/auth/session", headers=headers),
        await api.http.get("/audit.jsonl", headers=headers),
    ]

    for answer in answers:
        assert answer.status_code == 403
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert error["extensions"]["rule"]
        assert "set-cookie" not in answer.headers
    assert await api.rows() == before
    assert (await api.post(ME, access_token(viewer))).json() == HERS


async def socket_of(api: Api, viewer: Viewer, origin: str | None, init: Any = None) -> Any:
    """The first message of a websocket with cookies, or how it was closed."""
    async with websockets.connect(
        f"ws://127.0.0.1:{api.port}/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        additional_headers={"cookie": by_cookie(viewer)},
        origin=origin,  # type: ignore[arg-type]
        proxy=None,
    ) as connection:
        socket = Socket(connection)
        await socket.send({"type": "connection_init", "payload": init or {}})
        try:
            greeted = await socket.next()
        except websockets.ConnectionClosed:
            return await socket.closed()
        await socket.subscribe("{ me { login } }")
        answer = await socket.next()
        return greeted, answer["payload"]


async def test_a_websocket_of_our_own_page_is_signed_in_by_its_cookie(api: Api) -> None:
    viewer = await viewer_of(api.database)

    greeted, answer = await socket_of(api, viewer, f"http://127.0.0.1:{api.port}")

    assert greeted == {"type": "connection_ack"}
    assert answer == HERS


async def test_no_other_site_can_open_a_websocket_with_the_visitors_cookies(api: Api) -> None:
    viewer = await viewer_of(api.database)

    nowhere = await socket_of(api, viewer, None)
    for origin in ("https://evil.test", "null", "http://127.0.0.1:1"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await socket_of(api, viewer, origin)
        assert refused.value.response.status_code == 403

    assert nowhere == (4403, "FORBIDDEN: Origin has to be that of this server.")


async def test_a_program_with_a_token_is_asked_for_no_origin(api: Api) -> None:
    viewer = await viewer_of(api.database)
    init = {"authorization": f"Bearer {access_token(viewer)}"}

    _, answer = await socket_of(api, viewer, None, init)

    assert answer == HERS


async def test_behind_a_proxy_the_public_url_is_the_origin(url: str) -> None:
    async with served(url, public_url="https://mooring.test") as api:
        viewer = await viewer_of(api.database)
        here = own(api, cookie=by_cookie(viewer))

        public = await api.post(ME, **(here | {"origin": "https://mooring.test"}))
        plain = await api.post(ME, **(here | {"origin": "http://mooring.test"}))
        local = await api.post(ME, **here)
        _, answer = await socket_of(api, viewer, "https://mooring.test")

    assert public.json() == answer == HERS
    assert (plain.status_code, local.status_code) == (403, 403)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"5", b'{"refreshToken": 5}', b'"x"', b'"' + b"x" * 9000 + b'"']
)
async def test_a_body_without_a_refresh_token_is_refused(api: Api, body: bytes) -> None:
    answer = await api.http.post("/auth/session", content=body, headers=own(api))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("token", ["", "x.y.z", "a\tb"])
async def test_a_cookie_that_is_no_token_signs_nobody_in(api: Api, token: str) -> None:
    headers = own(api, cookie=f"{REFRESH}={token}; {ACCESS}={token}")

    renewed = await api.http.post("/auth/session/refresh", headers=headers)
    left = await api.http.delete("/auth/session", headers=headers)
    answer = await api.post(ME, **headers)

    assert (renewed.status_code, left.status_code) == (401, 204)
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
