"""Sessions over the API: renewed, listed, ended; a refresh token that comes again ends its own."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.auth.sessions import Sessions
from app.auth.tokens import Tokens
from app.db import retention
from app.db.accounts import PASSWORD, UserRow
from app.db.session import Database
from app.db.sessions import SignIn
from app.domain import ids, limits
from app.domain.ids import NodeType
from app.domain.sessions import Presented
from app.domain.viewer import API, Viewer
from app.settings import Settings
from tests.integration.app.graphql.serving import Api, served
from tests.integration.world import TOKEN_KEYS, again, becomes, viewer_of

pytestmark = pytest.mark.security

SIGN_UP = """mutation { signUp(input: {login: "ada", password: "correct horse battery"}) {
  credentials { accessToken refreshToken expiresAt refreshExpiresAt user { login } } } }"""
REFRESH = """mutation ($token: String!) { refreshSession(input: {refreshToken: $token}) {
  credentials { accessToken refreshToken } } }"""
LIST = "{ me { sessions { id device address provider current lastUsedAt expiresAt } } }"
REVOKE = "mutation ($id: ID!) { revokeSession(id: $id) { revokedId } }"
EVERYWHERE = "mutation ($keep: Boolean) { signOutEverywhere(keepThis: $keep) { ended } }"
OUT = "mutation { signOut { signedOut } }"


async def data(api: Api, document: str, by: str | None = None, **variables: object) -> Any:
    answer = (await api.post({"query": document, "variables": variables}, by)).json()
    assert "errors" not in answer, answer
    return answer["data"]


async def refused(api: Api, document: str, by: str | None = None, **variables: object) -> Any:
    answer = (await api.post({"query": document, "variables": variables}, by)).json()
    [error] = answer["errors"]
    return error["extensions"].get("reason", error["extensions"]["code"])


async def refresh(api: Api, token: str) -> Any:
    return (await data(api, REFRESH, token=token))["refreshSession"]["credentials"]


async def signed_up(api: Api) -> Any:
    return (await data(api, SIGN_UP))["signUp"]["credentials"]


async def actions(database: Database) -> list[str]:
    async with database.read(API) as connection:
        found = await connection.execute(text("SELECT action FROM audit ORDER BY id"))
        return [row.action for row in found if row.action.startswith("session.")]


async def later(database: Database, by: str) -> None:
    """Let the time of rows go on."""
    statements = (
        "CREATE OR REPLACE FUNCTION mooring_now() RETURNS timestamptz LANGUAGE sql STABLE"
        f" PARALLEL SAFE RETURN now() + interval '{by}'",
        "CREATE OR REPLACE FUNCTION mooring_clock() RETURNS timestamptz LANGUAGE sql VOLATILE"
        f" RETURN clock_timestamp() + interval '{by}'",
    )
    async with database.begin(API) as session:
        for statement in statements:
            await session.execute(text(statement))


async def test_a_session_is_renewed_by_each_refresh_token_once(url: str) -> None:
    async with served(url, refresh_grace=0) as api:
        first = await signed_up(api)
        second = await refresh(api, first["refreshToken"])
        third = await refresh(api, second["refreshToken"])
        good = await data(api, "{ me { login } }", third["accessToken"])

        stolen = await refused(api, REFRESH, token=second["refreshToken"])
        after = [
            await refused(api, "{ me { login } }", third["accessToken"]),
            await refused(api, REFRESH, token=third["refreshToken"]),
        ]
        told = await actions(api.database)

    assert good == {"me": {"login": "ada"}}
    assert [stolen, *after] == ["REVOKED"] * 3
    assert told == ["session.open", "session.reuse"]


async def test_the_token_before_the_newest_gives_the_newest_again_for_a_moment(api: Api) -> None:
    first = await signed_up(api)
    second = await refresh(api, first["refreshToken"])

    lost = await refresh(api, first["refreshToken"])
    third = await refresh(api, lost["refreshToken"])

    assert await data(api, "{ me { login } }", third["accessToken"])
    assert await refresh(api, second["refreshToken"])
    assert await refused(api, REFRESH, token=first["refreshToken"]) == "REVOKED"


async def test_two_clients_that_renew_at_once_both_go_on(url: str) -> None:
    async with served(url) as api, served(url) as other:
        first = await signed_up(api)

        made = await asyncio.gather(
            *(refresh(process, first["refreshToken"]) for process in (api, other) * 4)
        )
        answers = [await data(api, "{ me { login } }", one["accessToken"]) for one in made]
        read = Sessions(Settings(token_keys=api.state.settings.token_keys)).tokens.read_refresh
        rotations = {read(one["refreshToken"]).rotation for one in made}

    assert answers == [{"me": {"login": "ada"}}] * 8
    assert rotations == {1}


async def test_a_token_that_is_badly_signed_ends_nothing(api: Api) -> None:
    credentials = await signed_up(api)
    before = await api.rows()
    head, body, seal = credentials["refreshToken"].split(".")
    forged = Tokens("test:" + "x" * 32)

    for token in (f"{head}.{body}.{seal[::-1]}", credentials["accessToken"], "x", ""):
        assert await refused(api, REFRESH, token=token) == "MALFORMED"
    claims = Tokens(TOKEN_KEYS).read_refresh(credentials["refreshToken"])
    old = Presented(claims.user_id, claims.session_id, claims.rotation - 5)
    ends = api.state.sessions.terms.idle
    token = forged.refresh(old, (await _now(api.database)) + ends)
    assert await refused(api, REFRESH, token=token) == "MALFORMED"

    rows = await api.rows()
    assert rows["session"] == before["session"]
    assert await data(api, "{ me { login } }", credentials["accessToken"])


async def _now(database: Database) -> Any:
    async with database.read(API) as connection:
        return (await connection.execute(text("SELECT now()"))).scalar_one()


async def test_a_session_ends_when_nobody_renews_it_and_at_last_in_any_case(url: str) -> None:
    async with served(url, session_idle=3600, session_lifetime=7200) as api:
        first = await signed_up(api)
        await later(api.database, "59 minutes")
        second = await refresh(api, first["refreshToken"])
        [row] = (await data(api, LIST, second["accessToken"]))["me"]["sessions"]
        await later(api.database, "121 minutes")

        assert await refused(api, LIST, second["accessToken"]) == "EXPIRED"
        assert await refused(api, REFRESH, token=second["refreshToken"]) == "EXPIRED"

    assert row["current"]


async def test_the_list_shows_each_device_and_one_can_be_ended_from_another(api: Api) -> None:
    first = await signed_up(api)
    sign_in = SIGN_UP.replace("signUp", "signIn")
    answer = await api.post({"query": sign_in}, user_agent="phone/1.0")
    phone = answer.json()["data"]["signIn"]["credentials"]

    seen = (await data(api, LIST, first["accessToken"]))["me"]["sessions"]
    [hers] = [one for one in seen if one["device"] == "phone/1.0"]
    await data(api, REVOKE, first["accessToken"], id=hers["id"])

    assert [one["current"] for one in seen] == [False, True]
    assert {one["provider"] for one in seen} == {"PASSWORD"}
    assert {one["address"] for one in seen} == {"127.0.0.1"}
    assert await refused(api, "{ me { login } }", phone["accessToken"]) == "REVOKED"
    assert await refused(api, REFRESH, token=phone["refreshToken"]) == "REVOKED"
    assert await refused(api, REVOKE, first["accessToken"], id=hers["id"]) == "NOT_FOUND"
    assert (await actions(api.database)) == [
        "session.open",
        "session.open",
        "session.end",
        "session.end",
    ]


async def test_all_or_all_others_are_ended_at_once(api: Api) -> None:
    viewer = await viewer_of(api.database)
    user = UserRow(viewer.user_id, viewer.login, viewer.created_at)
    others = [await again(api.database, user) for _ in range(3)]
    stranger = await viewer_of(api.database, "bob")

    kept = await data(api, EVERYWHERE, api.token(viewer), keep=True)
    gone = [await refused(api, "{ me { login } }", api.token(one)) for one in others]
    still = await data(api, "{ me { login } }", api.token(viewer))
    all_of_them = await data(api, EVERYWHERE, api.token(viewer))

    assert kept == {"signOutEverywhere": {"ended": 3}}
    assert gone == ["REVOKED"] * 3
    assert still == {"me": {"login": "ada"}}
    assert all_of_them == {"signOutEverywhere": {"ended": 1}}
    assert await refused(api, OUT, api.token(viewer)) == "REVOKED"
    assert await data(api, "{ me { login } }", api.token(stranger))


async def test_of_too_many_sessions_the_oldest_ends(api: Api) -> None:
    viewer = await viewer_of(api.database)
    user = UserRow(viewer.user_id, viewer.login, viewer.created_at)
    newest = [await again(api.database, user) for _ in range(limits.SESSIONS_MOST)]
    async with api.database.begin(API) as session:
        made = await api.state.sessions.open(session, user, SignIn(PASSWORD))

    seen = (await data(api, LIST, made.access_token))["me"]["sessions"]

    assert len(seen) == limits.SESSIONS_MOST
    assert await refused(api, "{ me { login } }", api.token(viewer)) == "REVOKED"
    assert await refused(api, "{ me { login } }", api.token(newest[0])) == "REVOKED"
    assert await data(api, "{ me { login } }", api.token(newest[1]))


async def test_the_last_use_is_written_down_without_the_request(api: Api) -> None:
    viewer = await viewer_of(api.database)
    await later(api.database, "10 minutes")
    running = asyncio.create_task(api.state.sessions.run(api.database, every=0.05))

    async def noted() -> bool:
        [row] = (await data(api, LIST, api.token(viewer)))["me"]["sessions"]
        async with api.database.read(API) as connection:
            now = (await connection.execute(text("SELECT mooring_now()"))).scalar_one()
        used: timedelta = now - datetime.fromisoformat(row["lastUsedAt"])
        return used < timedelta(minutes=1)

    await becomes(noted)
    running.cancel()


async def test_sessions_that_are_over_are_taken_away_a_day_later(database: Database) -> None:
    ada, bob = await viewer_of(database), await viewer_of(database, "bob")
    keep = retention.Keep(timedelta(days=90), timedelta(days=400))
    async with database.begin(API) as session:
        await session.execute(
            text("UPDATE session SET expires_at = now() - interval '25 hours' WHERE id = :id"),
            {"id": ada.grant.session_id},
        )

    await retention.prune(database, keep)

    async with database.read(API) as connection:
        left = (await connection.execute(text("SELECT id FROM session"))).scalars().all()
    assert left == [bob.grant.session_id]


async def test_a_session_of_another_user_is_absent(api: Api) -> None:
    ada, bob = await viewer_of(api.database), await viewer_of(api.database, "bob")
    hers = _id(ada)

    node = await data(api, "query ($id: ID!) { node(id: $id) { id } }", api.token(bob), id=hers)
    revoked = await refused(api, REVOKE, api.token(bob), id=hers)
    own = await data(api, "query ($id: ID!) { node(id: $id) { id } }", api.token(ada), id=hers)

    assert node == {"node": None}
    assert revoked == "NOT_FOUND"
    assert own == {"node": {"id": hers}}


def _id(viewer: Viewer) -> str:
    assert viewer.grant.session_id is not None
    return ids.encode(NodeType.SESSION, viewer.grant.session_id)
