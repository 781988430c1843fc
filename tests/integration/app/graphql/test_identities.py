"""Ways to sign in, over GraphQL: listed, linked, taken away, and the password."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from app.db.accounts import PASSWORD, UserRow
from app.db.identities import of_user
from app.db.session import Database
from app.db.sessions import SignIn
from app.domain import ids
from app.domain.errors import InvalidInput
from app.domain.identities import Grants, Proof
from app.domain.ids import NodeType
from app.domain.viewer import API, Viewer
from app.services import identities
from app.settings import Settings
from tests.integration.app.graphql.conftest import Ask, asker, state_of
from tests.integration.world import KEYS, again, token_of, viewer_of

pytestmark = pytest.mark.security

QUICK: dict[str, Any] = {
    "password_memory": 35840,
    "password_time": 1,
    "sign_up": ["PASSWORD"],
}
GITHUB: dict[str, Any] = {
    "public_url": "https://mooring.test",
    "github_client_id": "x",
    "github_client_secret": "y",
}
WRONG, RIGHT, NEXT = "not the password", "correct horse battery", "staple horse battery"
MINE = "{ me { identities { provider providerUserId name email isPrimary lastUsedAt } } }"
UNLINK = """mutation ($id: ID!) { unlinkIdentity(id: $id) {
  identities { provider isPrimary } errors { code field } } }"""
PRIMARY = """mutation ($id: ID!) { setPrimaryIdentity(id: $id) {
  identities { provider isPrimary } } }"""
SET = """mutation ($p: String!) { setPassword(input: {password: $p}) {
  identity { provider } errors { code field } } }"""
CHANGE = """mutation ($old: String!, $new: String!) {
  changePassword(input: {currentPassword: $old, newPassword: $new}) {
    identity { provider } errors { code field } } }"""
SIGN_IN = """mutation ($p: String!) { signIn(input: {login: "ada", password: $p}) {
  credentials { user { login } } } }"""
AT_GITHUB = Proof("GITHUB", "1815", "Ada-L", "ada@example.org", Grants("gho_secret", "ghr_secret"))


@pytest.fixture
def ask(api_database: Database) -> Ask:
    """With GitHub switched on too."""
    return asker(state_of(api_database, Settings(**QUICK, **GITHUB)))


async def person(database: Database) -> Viewer:
    """ada with a password, signed in."""
    made = await state_of(database, Settings(**QUICK)).by_password.sign_up(
        "ada", RIGHT, SignIn(PASSWORD)
    )
    return await again(database, made.user)


async def linked(database: Database, viewer: Viewer, proof: Proof = AT_GITHUB) -> str:
    """Another way; its global id."""
    async with database.begin(viewer) as session:
        row = await identities.link(session, KEYS, viewer.actor, proof)
    return ids.encode(NodeType.IDENTITY, row.id)


async def first_of(database: Database, viewer: Viewer) -> str:
    """The global id of the oldest way."""
    async with database.read(API) as connection:
        found = await of_user(connection, viewer.user_id)
    return ids.encode(NodeType.IDENTITY, found[0].id)


async def test_one_s_ways_are_listed_without_anything_secret(ask: Ask, database: Database) -> None:
    viewer = await person(database)
    key = await linked(database, viewer)

    answer = await ask(viewer, MINE)
    node = await ask(
        viewer, "query ($id: ID!) { node(id: $id) { ... on Identity { provider name } } }", id=key
    )

    assert answer["data"]["me"]["identities"] == [
        {
            "provider": "PASSWORD",
            "providerUserId": "ada",
            "name": None,
            "email": None,
            "isPrimary": True,
            "lastUsedAt": None,
        },
        {
            "provider": "GITHUB",
            "providerUserId": "1815",
            "name": "Ada-L",
            "email": "ada@example.org",
            "isPrimary": False,
            "lastUsedAt": None,
        },
    ]
    assert node["data"]["node"] == {"provider": "GITHUB", "name": "Ada-L"}
    assert "secret" not in str(answer)


async def test_a_way_is_taken_away_but_not_the_last(ask: Ask, database: Database) -> None:
    viewer = await person(database)
    password, github = await first_of(database, viewer), await linked(database, viewer)

    without_password = await ask(viewer, UNLINK, id=password)
    gone = await ask(viewer, UNLINK, id=password)
    last = await ask(viewer, UNLINK, id=github)
    refused = await ask(None, SIGN_IN, p=RIGHT)

    left = {"identities": [{"provider": "GITHUB", "isPrimary": True}], "errors": []}
    assert without_password["data"]["unlinkIdentity"] == left
    assert gone["codes"] == ["NOT_FOUND"]
    assert last["data"]["unlinkIdentity"] == {
        "identities": [],
        "errors": [{"code": "NOT_ALLOWED", "field": ["id"]}],
    }
    assert refused["codes"] == ["BAD_CREDENTIALS"]


async def test_a_way_that_is_off_does_not_count_as_one(
    database: Database, api_database: Database
) -> None:
    viewer = await person(database)
    password, github = await first_of(database, viewer), await linked(database, viewer)
    ask = asker(state_of(api_database, Settings(**QUICK)))

    last = await ask(viewer, UNLINK, id=password)
    useless = await ask(viewer, UNLINK, id=github)

    assert last["data"]["unlinkIdentity"]["errors"] == [{"code": "NOT_ALLOWED", "field": ["id"]}]
    assert useless["data"]["unlinkIdentity"]["errors"] == []


async def test_the_last_way_stays_even_while_it_is_off(
    database: Database, api_database: Database
) -> None:
    viewer = await person(database)
    password = await first_of(database, viewer)
    ask = asker(state_of(api_database, Settings(**QUICK, password_sign_in=False)))

    last = await ask(viewer, UNLINK, id=password)

    assert last["data"]["unlinkIdentity"]["errors"] == [{"code": "NOT_ALLOWED", "field": ["id"]}]


async def test_two_that_unlink_at_once_leave_one_way(ask: Ask, database: Database) -> None:
    viewer = await person(database)
    keys = [await first_of(database, viewer), await linked(database, viewer)]

    answers = await asyncio.gather(*(ask(viewer, UNLINK, id=key) for key in keys))

    errors = sorted(len(answer["data"]["unlinkIdentity"]["errors"]) for answer in answers)
    assert errors == [0, 1]
    assert len((await ask(viewer, MINE))["data"]["me"]["identities"]) == 1


async def test_unlinking_ends_the_other_sessions_that_began_so(
    ask: Ask, database: Database
) -> None:
    viewer = await person(database)
    github = await linked(database, viewer)
    user = UserRow(viewer.user_id, viewer.login, viewer.created_at)
    by_github = await again(database, user, provider="GITHUB")
    by_hand = await again(database, user)

    await ask(viewer, UNLINK, id=github)

    assert (await ask(by_github, MINE))["codes"] == ["UNAUTHENTICATED"]
    assert (await ask(by_hand, MINE))["codes"] == []


async def test_another_way_becomes_the_primary_one(ask: Ask, database: Database) -> None:
    viewer = await person(database)
    github = await linked(database, viewer)

    answer = await ask(viewer, PRIMARY, id=github)

    assert answer["data"]["setPrimaryIdentity"]["identities"] == [
        {"provider": "PASSWORD", "isPrimary": False},
        {"provider": "GITHUB", "isPrimary": True},
    ]


async def test_a_provider_s_account_is_one_user_s(database: Database) -> None:
    ada, bob = await viewer_of(database, "ada"), await viewer_of(database, "bob")
    await linked(database, ada)

    with pytest.raises(InvalidInput) as refused:
        await linked(database, bob)

    assert [problem.code for problem in refused.value.problems] == ["TAKEN"]


async def test_two_that_link_the_same_account_at_once_do_not_both_get_it(
    database: Database,
) -> None:
    ada, bob = await viewer_of(database, "ada"), await viewer_of(database, "bob")

    done = await asyncio.gather(
        linked(database, ada), linked(database, bob), return_exceptions=True
    )

    assert [type(one) for one in done if isinstance(one, Exception)] == [InvalidInput]


async def test_there_are_only_so_many_ways(database: Database) -> None:
    viewer = await viewer_of(database)
    for number in range(19):
        await linked(database, viewer, replace(AT_GITHUB, subject=str(number)))

    with pytest.raises(InvalidInput) as refused:
        await linked(database, viewer)

    assert [problem.code for problem in refused.value.problems] == ["NOT_ALLOWED"]


async def test_who_has_no_password_gives_himself_one_once(ask: Ask, database: Database) -> None:
    viewer = await person(database)
    await linked(database, viewer)
    await ask(viewer, UNLINK, id=await first_of(database, viewer))

    weak = await ask(viewer, SET, p="ada-ada-ada")
    given = await ask(viewer, SET, p=NEXT)
    twice = await ask(viewer, SET, p=RIGHT)
    signed_in = await ask(None, SIGN_IN, p=NEXT)

    assert weak["data"]["setPassword"]["errors"] == [{"code": "NOT_ALLOWED", "field": ["password"]}]
    assert given["data"]["setPassword"] == {"identity": {"provider": "PASSWORD"}, "errors": []}
    assert twice["data"]["setPassword"]["errors"] == [{"code": "NOT_ALLOWED", "field": []}]
    assert signed_in["codes"] == []


async def test_the_password_changes_and_other_sessions_end(ask: Ask, database: Database) -> None:
    viewer = await person(database)
    other = await again(database, UserRow(viewer.user_id, viewer.login, viewer.created_at))

    wrong = await ask(viewer, CHANGE, old=WRONG, new=NEXT)
    weak = await ask(viewer, CHANGE, old=RIGHT, new="1234567890")
    unchanged = await ask(other, MINE)
    done = await ask(viewer, CHANGE, old=RIGHT, new=NEXT)

    assert wrong["codes"] == ["BAD_CREDENTIALS"]
    assert weak["data"]["changePassword"]["errors"] == [
        {"code": "NOT_ALLOWED", "field": ["newPassword"]}
    ]
    assert unchanged["codes"] == []
    assert done["data"]["changePassword"] == {"identity": {"provider": "PASSWORD"}, "errors": []}
    assert (await ask(other, MINE))["codes"] == ["UNAUTHENTICATED"]
    assert (await ask(viewer, MINE))["codes"] == []
    assert (await ask(None, SIGN_IN, p=RIGHT))["codes"] == ["BAD_CREDENTIALS"]
    assert (await ask(None, SIGN_IN, p=NEXT))["codes"] == []


async def test_two_that_change_the_password_at_once_do_not_both(
    ask: Ask, database: Database
) -> None:
    viewer = await person(database)

    answers = await asyncio.gather(
        ask(viewer, CHANGE, old=RIGHT, new=NEXT), ask(viewer, CHANGE, old=RIGHT, new="third " * 3)
    )

    assert sorted(answer["codes"] for answer in answers) == [[], ["BAD_CREDENTIALS"]]


async def test_a_sign_in_of_some_time_ago_changes_nothing(ask: Ask, database: Database) -> None:
    viewer = await person(database)
    github = await linked(database, viewer)
    async with database.begin(API) as session:
        await session.execute(
            text("UPDATE session SET authenticated_at = authenticated_at - interval '11 minutes'")
        )

    answers = [
        await ask(viewer, UNLINK, id=github),
        await ask(viewer, PRIMARY, id=github),
        await ask(viewer, SET, p=NEXT),
    ]

    assert [answer["codes"] for answer in answers] == [["FRESH_SIGN_IN_REQUIRED"]] * 3
    assert answers[0]["errors"][0]["extensions"]["within"] == 600


async def test_no_api_token_changes_how_its_owner_signs_in(ask: Ask, database: Database) -> None:
    viewer = await person(database)
    github = await linked(database, viewer)
    _, token = await token_of(database, viewer)

    answers = [
        await ask(token, UNLINK, id=github),
        await ask(token, PRIMARY, id=github),
        await ask(token, SET, p=NEXT),
        await ask(token, CHANGE, old=RIGHT, new=NEXT),
    ]

    assert [answer["codes"] for answer in answers] == [["FORBIDDEN"]] * 4
    assert len((await ask(token, MINE))["data"]["me"]["identities"]) == 2
