"""API tokens from the making to the end: shown once, good by each way in, named where they act."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.auth import browsers
from app.db import apitokens
from app.db.session import Database
from app.domain import apitokens as form
from app.domain import ids, limits
from app.domain.errors import InvalidInput
from app.domain.ids import NodeType
from app.domain.viewer import API
from tests.integration.app.graphql.conftest import Ask
from tests.integration.app.graphql.serving import Api, served
from tests.integration.app.graphql.walk import contents
from tests.integration.world import becomes, project_of, token_of, viewer_of

pytestmark = pytest.mark.security

CREATE = """mutation ($input: CreateApiTokenInput!) { createApiToken(input: $input) {
  secret errors { code field }
  apiToken { id name hint scopes createdAt expiresAt lastUsedAt projects { id } } } }"""
LIST = "{ me { apiTokens { id name hint scopes expiresAt lastUsedAt projects { id } } } }"
DELETE = "mutation ($id: ID!) { deleteApiToken(id: $id) { apiToken { name } } }"
WHO = "{ me { login } }"
ALL = "subscription { projectsChanged { kind } }"


def project_id(key: Any) -> str:
    return ids.encode(NodeType.PROJECT, key)


async def test_a_token_is_shown_once_and_listed_by_its_hint(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    project = project_id(await project_of(database, viewer))
    given = {
        "name": "deploy",
        "scopes": ["PROJECTS_WRITE", "PROJECTS_READ"],
        "projectIds": [project],
        "expiresAt": "2100-01-01T01:00:00+01:00",
    }

    made = (await ask(viewer, CREATE, input=given))["data"]["createApiToken"]
    listed = await ask(viewer, LIST)

    assert form.is_one(made["secret"])
    expected = {
        "id": made["apiToken"]["id"],
        "name": "deploy",
        "hint": made["secret"][:12],
        "scopes": ["PROJECTS_READ", "PROJECTS_WRITE"],
        "expiresAt": "2100-01-01T00:00:00.000000+00:00",
        "lastUsedAt": None,
        "projects": [{"id": project}],
    }
    assert listed["data"]["me"]["apiTokens"] == [expected]
    assert made["secret"] not in str(await contents(database))


async def test_a_token_acts_as_its_owner_and_is_named_in_history_and_audit(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    row, token = await token_of(database, viewer, "deploy")
    made = await ask(token, 'mutation { createProject(input: {name: "x"}) { project { id } } }')
    key = made["data"]["createProject"]["project"]["id"]
    told = """query ($id: ID!) { project(id: $id) { history(first: 1) { nodes {
      action actor { kind name user { login } } } } } }"""

    history = await ask(viewer, told, id=key)

    [line] = history["data"]["project"]["history"]["nodes"]
    assert line["actor"] == {"kind": "TOKEN", "name": "deploy", "user": {"login": "ada"}}
    async with database.read(API) as connection:
        found = await connection.execute(
            text("SELECT actor_name, token_id FROM audit WHERE action = 'project.create'")
        )
        assert found.all() == [("deploy", row.id)]


async def test_making_and_taking_away_is_in_the_audit(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    made = await ask(viewer, CREATE, input={"name": "ci", "scopes": ["ACCOUNT"]})
    token = made["data"]["createApiToken"]["secret"]

    gone = await ask(token, DELETE, id=made["data"]["createApiToken"]["apiToken"]["id"])

    assert gone["data"] == {"deleteApiToken": {"apiToken": {"name": "ci"}}}
    async with database.read(API) as connection:
        lines = await connection.execute(
            text("SELECT action, actor_kind, subject_name FROM audit ORDER BY id")
        )
        assert lines.all() == [("token.create", "USER", "ci"), ("token.delete", "TOKEN", "ci")]


async def test_of_one_name_at_once_one_is_made(database: Database) -> None:
    viewer = await viewer_of(database)

    made = await asyncio.gather(
        *(token_of(database, viewer, "same") for _ in range(5)), return_exceptions=True
    )

    refused = [one for one in made if isinstance(one, InvalidInput)]
    assert len(refused) == 4
    assert {problem.code for one in refused for problem in one.problems} == {"TAKEN"}


async def test_a_name_is_free_for_another_user_and_after_a_deletion(
    ask: Ask, database: Database
) -> None:
    ada, bob = await viewer_of(database, "ada"), await viewer_of(database, "bob")
    row, _ = await token_of(database, ada, "same")
    await token_of(database, bob, "same")

    await ask(ada, DELETE, id=ids.encode(NodeType.API_TOKEN, row.id))

    await token_of(database, ada, "same")


async def test_there_are_no_more_than_there_may_be_however_many_ask_at_once(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    for number in range(limits.TOKENS_PER_USER - 2):
        await token_of(database, viewer, f"token {number}")

    made = await asyncio.gather(
        *(token_of(database, viewer, f"at once {n}") for n in range(5)), return_exceptions=True
    )

    refused = [one for one in made if isinstance(one, InvalidInput)]
    assert len(refused) == 3
    assert {problem.code for one in refused for problem in one.problems} == {"NOT_ALLOWED"}


async def test_a_token_makes_no_tokens_whatever_its_scopes(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    _, token = await token_of(database, viewer)
    before = (await contents(database))["api_token"]

    answer = await ask(token, CREATE, input={"name": "more", "scopes": ["PROJECTS_READ"]})

    assert answer["codes"] == ["FORBIDDEN"]
    assert "rule" in answer["errors"][0]["extensions"]
    assert (await contents(database))["api_token"] == before


async def test_a_sign_in_of_some_time_ago_makes_no_token(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    async with database.begin(API) as session:
        await session.execute(
            text("UPDATE session SET authenticated_at = authenticated_at - interval '11 minutes'")
        )

    answer = await ask(viewer, CREATE, input={"name": "late", "scopes": ["PROJECTS_READ"]})

    assert answer["codes"] == ["FRESH_SIGN_IN_REQUIRED"]
    assert (await contents(database))["api_token"] == []


async def test_a_limit_to_projects_and_the_account_exclude_each_other(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    project = project_id(await project_of(database, viewer))
    given = {"name": "both", "scopes": ["ACCOUNT"], "projectIds": [project]}

    answer = await ask(viewer, CREATE, input=given)

    assert answer["data"]["createApiToken"]["errors"] == [
        {"code": "NOT_ALLOWED", "field": ["scopes"]}
    ]


async def test_anothers_project_is_as_one_that_there_is_not(ask: Ask, database: Database) -> None:
    ada, bob = await viewer_of(database, "ada"), await viewer_of(database, "bob")
    hers, his = await project_of(database, ada), await project_of(database, bob)
    given = {
        "name": "x",
        "scopes": ["PROJECTS_READ"],
        "projectIds": [*map(project_id, (his, hers))],
    }

    answer = await ask(bob, CREATE, input=given)

    assert answer["data"]["createApiToken"]["errors"] == [
        {"code": "NOT_FOUND", "field": ["projectIds", "1"]}
    ]


async def test_a_token_is_good_by_each_way_in_until_it_is_deleted(api: Api) -> None:
    viewer = await viewer_of(api.database)
    row, token = await token_of(api.database, viewer)

    async def by_http() -> Any:
        return (await api.post({"query": WHO}, token)).json()

    async def by_events() -> Any:
        async with api.stream(ALL, token) as stream:
            return (await stream.next()).data

    async def by_socket() -> Any:
        async with api.socket() as socket:
            await socket.send(
                {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
            )
            return await socket.next()

    assert await by_http() == {"data": {"me": {"login": "ada"}}}
    assert await by_events() == {"data": {"projectsChanged": {"kind": "SYNCED"}}}
    assert await by_socket() == {"type": "connection_ack"}

    key = ids.encode(NodeType.API_TOKEN, row.id)
    await api.post({"query": DELETE, "variables": {"id": key}}, api.token(viewer))
    for way in (by_http, by_events):
        assert (await way())["errors"][0]["extensions"] == REVOKED
    async with api.socket() as socket:
        await socket.send(
            {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
        )
        assert await socket.closed() == (4403, "UNAUTHENTICATED: REVOKED")


REVOKED = {"code": "UNAUTHENTICATED", "reason": "REVOKED"}


async def test_a_token_past_its_end_is_expired(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    soon = datetime.now(UTC) + timedelta(hours=1)
    _, token = await token_of(database, viewer, expires_at=soon)
    before = await ask(token, WHO)
    async with database.begin(API) as session:
        await session.execute(text("UPDATE api_token SET expires_at = now()"))

    after = await ask(token, WHO)

    assert before["codes"] == []
    assert after["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED", "reason": "EXPIRED"}


async def test_a_token_is_accepted_nowhere_but_in_the_header(api: Api) -> None:
    _, token = await token_of(api.database, await viewer_of(api.database))
    places: list[tuple[str, dict[str, str]]] = [
        (f"/graphql?authorization=Bearer%20{token}", {}),
        (f"/graphql?access_token={token}", {}),
        ("/graphql", {"cookie": f"authorization=Bearer {token}; token={token}"}),
        ("/graphql", {"x-api-key": token}),
        ("/graphql", {"authorization": f"Basic {token}"}),
        ("/graphql", {"authorization": f"token {token}"}),
    ]

    for url, headers in places:
        answer = await api.http.post(url, json={"query": WHO}, headers=headers)

        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED", (url, headers)


async def test_a_browser_s_cookie_holds_no_api_token(api: Api) -> None:
    viewer = await viewer_of(api.database)
    _, token = await token_of(api.database, viewer)
    own = {"origin": f"http://127.0.0.1:{api.port}", browsers.HEADER: "1"}

    def with_cookie(value: str) -> dict[str, str]:
        return own | {"cookie": f"{browsers.ACCESS}={value}"}

    session = await api.http.post(
        "/graphql", json={"query": WHO}, headers=with_cookie(api.token(viewer))
    )
    program = await api.http.post("/graphql", json={"query": WHO}, headers=with_cookie(token))

    assert session.json() == {"data": {"me": {"login": "ada"}}}
    [error] = program.json()["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "reason": "MALFORMED"}


async def test_what_lives_by_a_token_ends_with_it(api: Api) -> None:
    viewer = await viewer_of(api.database)
    soon = datetime.now(UTC) + timedelta(seconds=3)
    _, token = await token_of(api.database, viewer, expires_at=soon)

    async with api.socket() as socket, api.stream(ALL, token) as stream:
        await socket.init({"authorization": f"Bearer {token}"})
        closed = await socket.closed()
        refused = (await stream.rest())[-2]

    assert closed == (4403, "UNAUTHENTICATED: EXPIRED")
    [error] = refused.data["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "reason": "EXPIRED"}


async def test_its_use_is_noted_once_a_minute_and_off_the_request(api: Api) -> None:
    viewer = await viewer_of(api.database)
    row, token = await token_of(api.database, viewer)

    async def used() -> datetime | None:
        async with api.database.read(API) as connection:
            found = await connection.execute(text("SELECT last_used_at FROM api_token"))
            at: datetime | None = found.scalar_one()
            return at

    async def noted() -> bool:
        return await used() is not None

    assert not await noted()
    await asyncio.gather(*(api.post({"query": WHO}, token) for _ in range(5)))
    await becomes(noted)
    first = await used()
    async with api.database.begin(API) as session:
        await apitokens.touch(session, [row.id])

    assert await used() == first

    async with api.database.begin(API) as session:
        await session.execute(
            text("UPDATE api_token SET last_used_at = last_used_at - interval '61 seconds'")
        )
    before = await used()
    await api.post({"query": WHO}, token)

    async def noted_again() -> bool:
        return await used() != before

    await becomes(noted_again)


async def test_an_operator_may_ask_for_an_end(url: str) -> None:
    async with served(url, api_token_longest=3600) as api:
        viewer = await viewer_of(api.database)

        async def codes(**end: str) -> list[str]:
            given = {"name": f"t{end}", "scopes": ["PROJECTS_READ"], **end}
            body = {"query": CREATE, "variables": {"input": given}}
            answer = (await api.post(body, api.token(viewer))).json()
            return [error["code"] for error in answer["data"]["createApiToken"]["errors"]]

        soon = datetime.now(UTC) + timedelta(minutes=59)
        late = datetime.now(UTC) + timedelta(minutes=61)

        assert await codes() == ["REQUIRED"]
        assert await codes(expiresAt=late.isoformat()) == ["OUT_OF_RANGE"]
        assert await codes(expiresAt=soon.isoformat()) == []


async def test_what_its_owner_may_no_longer_see_a_token_does_not_either(
    ask: Ask, database: Database
) -> None:
    ada, bob = await viewer_of(database, "ada"), await viewer_of(database, "bob")
    await project_of(database, bob, "his")
    async with database.begin(API) as session:
        await session.execute(
            text("INSERT INTO membership (account_id, user_id, role) VALUES (:a, :u, 'MEMBER')"),
            {"a": bob.home, "u": ada.user_id},
        )
    _, token = await token_of(database, ada)
    names = "{ projects { totalCount nodes { name } } }"
    while_member = await ask(token, names)
    async with database.begin(API) as session:
        await session.execute(text("DELETE FROM membership WHERE role = 'MEMBER'"))

    afterwards = await ask(token, names)

    assert while_member["data"]["projects"] == {"totalCount": 1, "nodes": [{"name": "his"}]}
    assert afterwards["data"]["projects"] == {"totalCount": 0, "nodes": []}
