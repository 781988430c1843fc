"""Limits as a client meets them: the code, how long to wait, and that nothing was done."""

from contextlib import AsyncExitStack
from typing import Any

import pytest
from sqlalchemy import text

from app.domain.viewer import API
from tests.integration.app.graphql.serving import GRAPHQL, Api, served
from tests.integration.world import project_of, token_of, viewer_of

pytestmark = pytest.mark.security

RIGHT = "correct horse battery"
SIGN_IN = """mutation ($login: String!, $password: String!) {
  signIn(input: {login: $login, password: $password}) { credentials { user { login } } } }"""
SIGN_UP = """mutation ($login: String!) { signUp(input: {login: $login,
  password: "correct horse battery"}) { credentials { user { login } } errors { code } } }"""
RETRY = 'mutation { retryProject(id: "x") { project { id } } }'


async def sign_in(api: Api, password: str, login: str = "ada", **headers: str) -> Any:
    body = {"query": SIGN_IN, "variables": {"login": login, "password": password}}
    return await api.post(body, **headers)


async def sign_up(api: Api, login: str = "ada", **headers: str) -> Any:
    return await api.post({"query": SIGN_UP, "variables": {"login": login}}, **headers)


def extensions(answer: Any) -> Any:
    [error] = answer.json()["errors"]
    return error["extensions"]


async def test_who_guesses_waits_whatever_process_he_asks_and_even_with_the_right_password(
    url: str,
) -> None:
    async with AsyncExitStack() as stack:
        apis = [await stack.enter_async_context(served(url, sign_in_tries=4)) for _ in range(2)]
        await sign_up(apis[0])
        codes = [extensions(await sign_in(apis[n % 2], "wrong"))["code"] for n in range(4)]
        async with apis[0].database.begin(API) as session:
            # As after a dozen failures more.
            later = "UPDATE throttle SET until = until + interval '900 s' WHERE key LIKE 'pair %'"
            await session.execute(text(later))

        refused = await sign_in(apis[0], RIGHT)

    assert codes == ["BAD_CREDENTIALS"] * 4
    assert extensions(refused)["code"] == "RATE_LIMITED"
    assert 800 < extensions(refused)["retryAfter"] <= 901
    assert refused.json()["data"] == {"signIn": None}
    assert refused.headers["retry-after"] == str(extensions(refused)["retryAfter"])


async def test_a_right_password_lets_in_and_begins_anew(url: str) -> None:
    async with served(url, sign_in_tries=4) as api:
        await sign_up(api)
        for _ in range(3):
            for _ in range(3):
                await sign_in(api, "wrong")
            answer = await sign_in(api, RIGHT)

            assert answer.json()["data"]["signIn"]["credentials"]["user"] == {"login": "ada"}
            assert "retry-after" not in answer.headers


async def test_sign_ups_of_one_address_are_limited(url: str) -> None:
    async with served(url, sign_ups_hourly=2) as api:
        made = [await sign_up(api, f"user-{n}") for n in range(2)]
        refused = await sign_up(api, "user-3")
        rows = await api.rows()

    assert all(it.json()["data"]["signUp"]["credentials"] for it in made)
    assert extensions(refused)["code"] == "RATE_LIMITED"
    assert 1700 <= extensions(refused)["retryAfter"] <= 1800
    assert rows["user"] == 2


async def test_mutations_of_a_user_are_limited_with_all_credentials_together(url: str) -> None:
    async with served(url, mutations_per_minute=2) as api:
        ada, bob = await viewer_of(api.database, "ada"), await viewer_of(api.database, "bob")
        _, token = await token_of(api.database, ada)
        mine = api.token(ada)
        for credential in (mine, token):
            assert extensions(await api.post({"query": RETRY}, credential))["code"] == "NOT_FOUND"

        refused = await api.post({"query": RETRY}, token, accept=GRAPHQL)
        plain = await api.post({"query": RETRY}, mine)
        query = await api.post({"query": "{ me { login } }"}, mine)
        other = await api.post({"query": RETRY}, api.token(bob))

    assert refused.status_code == 429
    assert refused.headers["retry-after"] == str(extensions(refused)["retryAfter"])
    assert 1 <= extensions(refused)["retryAfter"] <= 30
    assert (plain.status_code, extensions(plain)["code"]) == (200, "RATE_LIMITED")
    assert query.json() == {"data": {"me": {"login": "ada"}}}
    assert extensions(other)["code"] == "NOT_FOUND"


async def test_of_an_operation_all_mutations_count_and_none_is_begun(url: str) -> None:
    several = """mutation { ...two three: retryProject(id: "x") { __typename } }
      fragment two on Mutation { one: retryProject(id: "x") { __typename }
        ... { two: createProject(input: {name: "x"}) { __typename } } }"""
    async with served(url, mutations_per_minute=3) as api:
        viewer = await viewer_of(api.database)
        first = await api.post({"query": several}, api.token(viewer))
        before = await api.rows()

        second = await api.post({"query": several}, api.token(viewer))

        assert len(first.json()["errors"]) == 2
        assert extensions(second)["code"] == "RATE_LIMITED"
        assert "data" not in second.json()
        assert await api.rows() == before


async def test_over_a_websocket_mutations_are_limited_too(url: str) -> None:
    async with served(url, mutations_per_minute=1) as api:
        viewer = await viewer_of(api.database)
        await project_of(api.database, viewer)
        async with api.socket() as socket:
            await socket.init({"authorization": f"Bearer {api.token(viewer)}"})
            answers = []
            for key in ("1", "2"):
                await socket.subscribe(RETRY, key)
                answers.append(await socket.next())
                if answers[-1]["type"] == "next":
                    await socket.next()

    assert [answer["type"] for answer in answers] == ["next", "error"]
    assert answers[1]["payload"][0]["extensions"]["code"] == "RATE_LIMITED"


@pytest.mark.parametrize(
    ("forwarded", "seen"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
    ],
)
async def test_a_trusted_proxy_says_who_asks_by_its_last_word(
    url: str, forwarded: str, seen: str
) -> None:
    proxies = ["127.0.0.0/8", "10.0.0.0/8"]
    async with served(url, trusted_proxies=proxies, sign_ups_hourly=1) as api:
        await sign_up(api, "ada", x_forwarded_for=forwarded)
        again = await sign_up(api, "bob", x_forwarded_for=forwarded)
        other = await sign_up(api, "bob", x_forwarded_for="203.0.113.8")

        assert await addresses(api) == [seen, "203.0.113.8"]
        assert extensions(again)["code"] == "RATE_LIMITED"
        assert other.json()["data"]["signUp"]["credentials"]


async def test_nobody_else_is_believed(url: str) -> None:
    async with served(url, trusted_proxies=["10.0.0.0/8"]) as api:
        await sign_up(api, "ada", x_forwarded_for="203.0.113.7")
        assert await addresses(api) == ["127.0.0.1"]


async def test_without_proxies_nobody_is_believed(api: Api) -> None:
    await sign_up(api, "ada", x_forwarded_for="203.0.113.7")

    assert await addresses(api) == ["127.0.0.1"]


async def addresses(api: Api) -> list[str]:
    async with api.database.read(API) as connection:
        found = await connection.execute(
            text("SELECT address FROM audit WHERE action = 'user.sign-up' ORDER BY id")
        )
        return [row.address for row in found]
