"""Signing in with a browser: GitHub and an OpenID provider stand in, all else is real."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import text
from starlette.responses import JSONResponse

from app.domain.viewer import API, Viewer
from app.settings import OpenId
from tests.integration import providers
from tests.integration.app.graphql.serving import Api, served
from tests.integration.providers import CLIENT, parts, standing
from tests.integration.world import KEYS, access_token, becomes, token_of, viewer_of

pytestmark = pytest.mark.security

HOST = "https://mooring.test"


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[providers.GitHub]:
    async with standing(providers.GitHub) as running:
        yield running


@pytest_asyncio.fixture
async def op() -> AsyncIterator[providers.OpenIdProvider]:
    async with standing(providers.OpenIdProvider) as running:
        yield running


def switched_on(hub: providers.GitHub, op: providers.OpenIdProvider, **more: Any) -> dict[str, Any]:
    """The settings under which both are ways to sign in."""
    chosen = OpenId(issuer=op.url, client_id=CLIENT[0], client_secret=SecretStr(CLIENT[1]))
    return {
        "public_url": HOST,
        "github_url": hub.url,
        "github_api_url": hub.url,
        "github_client_id": CLIENT[0],
        "github_client_secret": SecretStr(CLIENT[1]),
        "openid_providers": {"ACME": chosen},
        "sign_up": ["GITHUB", "ACME"],
    } | more


@pytest_asyncio.fixture
async def api(url: str, hub: providers.GitHub, op: providers.OpenIdProvider) -> AsyncIterator[Api]:
    async with served(url, **switched_on(hub, op)) as running:
        yield running


class Browser:
    """Keeps cookies and follows nothing by itself."""

    def __init__(self, api: Api, http: httpx.AsyncClient) -> None:
        self._api = api
        self._http = http
        self.cookies: dict[str, str] = {}

    async def get(self, path: str) -> httpx.Response:
        """From Mooring, as at its public address."""
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"cookie": jar, "user-agent": "browser" * 100}
        answer = await self._api.http.get(path, headers=headers)
        self.keep(answer)
        return answer

    def keep(self, answer: httpx.Response) -> None:
        """The cookies, as a browser keeps them; each is one that it would take."""
        for line in answer.headers.get_list("set-cookie"):
            (name, _, value), *rest = (part.strip().partition("=") for part in line.split(";"))
            said = {attribute.lower(): what for attribute, _, what in rest}
            assert name.startswith("__Host-")
            assert "secure" in said
            assert said["path"] == "/"
            assert "domain" not in said
            if value.strip('"'):
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)

    async def asks(self, document: str) -> Any:
        """What a page of ours gets from the API."""
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self._api.post(
            {"query": document}, cookie=jar, origin=HOST, x_mooring_csrf="1"
        )
        return answer.json()

    async def sent_back(self, address: str) -> str:
        """Where the provider sends the browser, without the host."""
        answer = await self._http.get(address)
        back: str = answer.headers["location"]
        assert back.startswith(HOST)
        return back.removeprefix(HOST)

    async def signed_in_by(self, path: str) -> httpx.Response:
        """All the way."""
        begun = await self.get(path)
        assert begun.status_code == 303
        return await self.get(await self.sent_back(begun.headers["location"]))


@asynccontextmanager
async def a_browser(api: Api) -> AsyncIterator[Browser]:
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        yield Browser(api, http)


@pytest_asyncio.fixture
async def browser(api: Api) -> AsyncIterator[Browser]:
    async with a_browser(api) as made:
        yield made


async def rows(api: Api, statement: str) -> list[tuple[Any, ...]]:
    async with api.database.read(API) as connection:
        return [tuple(row) for row in await connection.execute(text(statement))]


USERS = 'SELECT login FROM "user" ORDER BY id'
AUDIT = "SELECT action, outcome, actor_name, detail FROM audit ORDER BY id"


@pytest.mark.parametrize(("path", "login"), [("/auth/github", "ada-l"), ("/auth/acme", "ada")])
async def test_a_first_sign_in_makes_a_user_and_the_second_finds_it(
    api: Api, browser: Browser, path: str, login: str
) -> None:
    first = await browser.signed_in_by(f"{path}?return=/projects%3Ftab=why")
    async with a_browser(api) as another:
        second = await another.signed_in_by(path)

    assert (first.status_code, first.headers["location"]) == (303, "/projects?tab=why")
    assert (second.status_code, second.headers["location"]) == (303, "/")
    assert "__Host-mooring-sign-in" not in browser.cookies
    assert await rows(api, USERS) == [(login,)]
    provider = path.removeprefix("/auth/").upper()
    actions = [(action, name) for action, _, name, _ in await rows(api, AUDIT)]
    assert ("user.sign-up", login) in actions
    assert actions.count(("sign-in.done", login)) == 2
    assert set(await rows(api, "SELECT provider, length(device) FROM session")) == {(provider, 255)}


async def test_the_browser_is_signed_in_by_cookie_and_no_address_holds_a_token(
    browser: Browser,
) -> None:
    sent = await browser.signed_in_by("/auth/github?return=/projects")

    mine = await browser.asks("{ me { login sessions { provider current } } }")

    assert mine["data"]["me"] == {
        "login": "ada-l",
        "sessions": [{"provider": "GITHUB", "current": True}],
    }
    assert sent.headers["location"] == "/projects"
    assert set(browser.cookies) == {"__Host-mooring-access", "__Host-mooring-refresh"}


async def test_who_keeps_failing_waits(
    url: str, hub: providers.GitHub, op: providers.OpenIdProvider
) -> None:
    hub.spoils["/login/oauth/access_token"] = lambda: JSONResponse({"error": "bad"})
    async with (
        served(url, **switched_on(hub, op, sign_in_tries_address=2)) as api,
        a_browser(api) as browser,
    ):
        failed = [(await browser.signed_in_by("/auth/github")).status_code for _ in range(3)]
        late = await browser.signed_in_by("/auth/github")

        assert failed[:2] == [403, 403]
        assert late.status_code == 429
        assert int(late.headers["retry-after"]) > 0
        assert "RATE_LIMITED" in late.text


async def test_tokens_of_the_provider_are_kept_sealed_for_their_place(
    api: Api, browser: Browser
) -> None:
    await browser.signed_in_by("/auth/github")

    [(key, access, refresh, until, about)] = await rows(
        api,
        "SELECT id, access_token, refresh_token, token_expires_at, metadata FROM user_identity",
    )
    assert b"gho_" not in access
    assert KEYS.open(access, "user_identity", key, "access_token") == "gho_access"
    assert KEYS.open(refresh, "user_identity", key, "refresh_token") == "ghr_refresh"
    assert until is not None
    assert about == {"name": "Ada-L", "email": "ada@example.org"}


async def test_the_ways_are_listed_with_where_they_begin(api: Api) -> None:
    answer = await api.post({"query": "{ signInMethods { provider signUp url } }"})

    assert answer.json()["data"]["signInMethods"] == [
        {"provider": "PASSWORD", "signUp": False, "url": None},
        {"provider": "GITHUB", "signUp": True, "url": "/auth/github"},
        {"provider": "ACME", "signUp": True, "url": "/auth/acme"},
    ]


async def test_an_answer_to_a_request_that_this_browser_did_not_make_is_refused(
    api: Api, browser: Browser
) -> None:
    begun = await browser.get("/auth/github")
    back = await browser.sent_back(begun.headers["location"])
    async with a_browser(api) as another:
        without = await another.get(back)
        await another.get("/auth/github")
        of_another = await another.get(back)
    _, given = parts(HOST + back)
    other_provider = await browser.get(f"/auth/acme/callback?code=x&state={given['state']}")
    no_state = await browser.get("/auth/github/callback?code=x")
    afterwards = await browser.get(back)

    answers = (without, of_another, other_provider, no_state, afterwards)
    assert [answer.status_code for answer in answers] == [400] * 5
    said = ["NOT_BEGUN", "STATE", "NOT_BEGUN", "NOT_BEGUN", "NOT_BEGUN"]
    for code, answer in zip(said, answers, strict=True):
        assert code in answer.text
        assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert await rows(api, USERS) == []


async def test_the_way_back_cannot_be_gone_twice(api: Api, browser: Browser) -> None:
    begun = await browser.get("/auth/github")
    kept = dict(browser.cookies)
    back = await browser.sent_back(begun.headers["location"])
    first = await browser.get(back)
    again_without = await browser.get(back)
    browser.cookies = kept
    again_with = await browser.get(back)

    assert first.status_code == 303
    assert (again_without.status_code, again_with.status_code) == (400, 403)
    assert "REFUSED" in again_with.text
    refused = [detail for action, _, _, detail in await rows(api, AUDIT) if "refused" in action]
    assert refused == [{"provider": "GITHUB", "reason": "REFUSED"}]


async def test_what_the_provider_says_of_a_failure_is_not_repeated(browser: Browser) -> None:
    begun = await browser.get("/auth/github")
    _, given = parts(begun.headers["location"])
    answer = await browser.get(
        f"/auth/github/callback?error=access_denied&error_description=<script>&state={given['state']}"
    )

    assert answer.status_code == 403
    assert "DENIED" in answer.text
    assert "<script>" not in answer.text


async def test_a_provider_that_fails_is_said_to(
    api: Api, browser: Browser, hub: providers.GitHub, op: providers.OpenIdProvider
) -> None:
    hub.spoils["/user"] = lambda: JSONResponse({"message": "moved"}, 500)
    op.spoils["/.well-known/openid-configuration"] = lambda: JSONResponse([], 500)

    at_user = await browser.signed_in_by("/auth/github")
    at_once = await browser.get("/auth/acme")

    assert (at_user.status_code, at_once.status_code) == (502, 502)
    assert await rows(api, USERS) == []


async def test_nobody_new_comes_in_where_new_users_do_not(
    url: str, hub: providers.GitHub, op: providers.OpenIdProvider
) -> None:
    async with (
        served(url, **switched_on(hub, op, sign_up=["ACME"])) as api,
        a_browser(api) as browser,
    ):
        answer = await browser.signed_in_by("/auth/github")

        assert answer.status_code == 403
        assert "UNKNOWN" in answer.text
        assert await rows(api, USERS) == []


async def test_new_users_are_limited_by_address_and_known_ones_come_in(
    url: str, hub: providers.GitHub, op: providers.OpenIdProvider
) -> None:
    async with (
        served(url, **switched_on(hub, op, sign_ups_hourly=1)) as api,
        a_browser(api) as browser,
    ):
        first = await browser.signed_in_by("/auth/github")
        other = await browser.signed_in_by("/auth/acme")
        again = await browser.signed_in_by("/auth/github")

        assert (first.status_code, other.status_code, again.status_code) == (303, 429, 303)
        assert "RATE_LIMITED" in other.text
        assert 3000 < int(other.headers["retry-after"]) <= 3600
        assert await rows(api, USERS) == [("ada-l",)]


async def test_who_is_refused_too_often_waits_and_a_provider_that_is_away_costs_nobody_a_try(
    url: str, hub: providers.GitHub, op: providers.OpenIdProvider
) -> None:
    async with (
        served(url, **switched_on(hub, op, sign_in_tries_address=2)) as api,
        a_browser(api) as browser,
    ):
        hub.spoils["/user"] = lambda: JSONResponse({"message": "moved"}, 500)
        away = [(await browser.signed_in_by("/auth/github")).status_code for _ in range(3)]
        denied = []
        for _ in range(2):
            begun = await browser.get("/auth/github")
            _, given = parts(begun.headers["location"])
            back = f"/auth/github/callback?error=access_denied&state={given['state']}"
            denied.append((await browser.get(back)).status_code)
        async with api.database.begin(API) as session:
            # As after a dozen refusals more.
            await session.execute(text("UPDATE throttle SET until = until + interval '900 s'"))
        waits = await browser.signed_in_by("/auth/acme")

        assert away == [502] * 3
        assert denied == [403] * 2
        assert waits.status_code == 429


async def test_the_same_address_makes_nobody_the_same_user(
    api: Api, browser: Browser, op: providers.OpenIdProvider
) -> None:
    await browser.signed_in_by("/auth/acme")
    op.claims = {"sub": "subject-2"}
    async with a_browser(api) as another:
        await another.signed_in_by("/auth/acme")
        await another.signed_in_by("/auth/github")

    logins = [login for (login,) in await rows(api, USERS)]
    assert logins[0] == "ada"
    assert logins[1].startswith("ada-")
    assert logins[2] == "ada-l"


async def linking(api: Api, viewer: Viewer, browser: Browser, path: str) -> httpx.Response:
    """Link a way as this viewer, in this browser."""
    asked = await api.http.post(
        f"{path}/link?return=/settings", headers={"authorization": f"Bearer {access_token(viewer)}"}
    )
    assert asked.status_code == 200, asked.text
    browser.keep(asked)
    return await browser.get(await browser.sent_back(asked.json()["url"]))


async def test_who_is_signed_in_links_another_way(api: Api, browser: Browser) -> None:
    viewer = await viewer_of(api.database)

    linked = await linking(api, viewer, browser, "/auth/github")
    twice = await linking(api, viewer, browser, "/auth/github")
    async with a_browser(api) as another:
        await another.signed_in_by("/auth/github")

    assert (linked.status_code, linked.headers["location"]) == (303, "/settings")
    assert twice.status_code == 303
    assert await rows(api, USERS) == [("ada",)]
    ways = await rows(api, "SELECT provider, is_primary FROM user_identity ORDER BY id")
    assert ways == [("PASSWORD", True), ("GITHUB", False)]
    actions = [action for action, *_ in await rows(api, AUDIT)]
    assert actions.count("identity.link") == 1


async def test_a_browser_that_is_signed_in_by_cookie_links_from_our_own_pages_alone(
    api: Api, browser: Browser
) -> None:
    await browser.signed_in_by("/auth/github")
    jar = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    own = {"cookie": jar, "origin": HOST, "x-mooring-csrf": "1"}

    by_form = await api.http.post("/auth/acme/link", headers=own | {"x-mooring-csrf": ""})
    elsewhere = await api.http.post(
        "/auth/acme/link", headers=own | {"origin": "https://evil.test"}
    )
    asked = await api.http.post("/auth/acme/link", headers=own)
    browser.keep(asked)
    linked = await browser.get(await browser.sent_back(asked.json()["url"]))
    mine = await browser.asks("{ me { login identities { provider } } }")

    assert (by_form.status_code, elsewhere.status_code) == (403, 403)
    assert linked.status_code == 303
    assert mine["data"]["me"] == {
        "login": "ada-l",
        "identities": [{"provider": "GITHUB"}, {"provider": "ACME"}],
    }


async def test_another_user_s_way_cannot_be_linked(api: Api, browser: Browser) -> None:
    await browser.signed_in_by("/auth/github")
    bob = await viewer_of(api.database, "bob")
    async with a_browser(api) as another:
        answer = await linking(api, bob, another, "/auth/github")

    assert answer.status_code == 409
    assert "TAKEN" in answer.text
    assert len(await rows(api, "SELECT 1 FROM user_identity WHERE provider = 'GITHUB'")) == 1


async def test_only_a_fresh_sign_in_begins_to_link(api: Api) -> None:
    viewer = await viewer_of(api.database)
    _, token = await token_of(api.database, viewer)
    fresh = access_token(viewer)
    async with api.database.begin(API) as session:
        await session.execute(
            text("UPDATE session SET authenticated_at = authenticated_at - interval '11 minutes'")
        )

    async def code(header: dict[str, str]) -> tuple[int, str]:
        answer = await api.http.post("/auth/github/link", headers=header)
        [error] = json.loads(answer.text)["errors"]
        assert "set-cookie" not in answer.headers
        return answer.status_code, error["extensions"]["code"]

    assert await code({}) == (401, "UNAUTHENTICATED")
    assert await code({"authorization": "Bearer nonsense"}) == (401, "UNAUTHENTICATED")
    assert await code({"authorization": f"Bearer {token}"}) == (403, "FORBIDDEN")
    assert await code({"authorization": f"Bearer {fresh}"}) == (403, "FRESH_SIGN_IN_REQUIRED")
    assert (await api.http.get("/auth/github/link")).status_code == 405


async def test_a_session_that_ended_meanwhile_links_nothing(api: Api, browser: Browser) -> None:
    viewer = await viewer_of(api.database)
    asked = await api.http.post(
        "/auth/github/link", headers={"authorization": f"Bearer {access_token(viewer)}"}
    )
    browser.keep(asked)
    back = await browser.sent_back(asked.json()["url"])
    async with api.database.begin(API) as session:
        await session.execute(text("DELETE FROM session"))

    answer = await browser.get(back)

    assert answer.status_code == 403
    assert "REVOKED" in answer.text
    assert len(await rows(api, "SELECT 1 FROM user_identity")) == 1


async def are_waiting(api: Api, wanted: int) -> bool:
    [(found,)] = await rows(
        api,
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " WHERE NOT l.granted AND d.datname = current_database()",
    )
    return bool(found == wanted)


async def test_two_first_sign_ins_at_once_make_one_user(api: Api) -> None:
    async with a_browser(api) as one, a_browser(api) as two:
        backs = []
        for browser in (one, two):
            begun = await browser.get("/auth/github")
            backs.append(await browser.sent_back(begun.headers["location"]))
        async with api.database.begin(API) as session:
            # The first waits here with its lock, the second for the first.
            await session.execute(text("LOCK TABLE user_identity IN ACCESS EXCLUSIVE MODE"))
            both = [
                asyncio.create_task(browser.get(back))
                for browser, back in zip((one, two), backs, strict=True)
            ]
            await becomes(lambda: are_waiting(api, 2))
        answers = [await task for task in both]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(await rows(api, USERS)) == 1
