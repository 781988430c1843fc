"""What the API answers: to whom, to what input, and in which of the two kinds of failure."""

import pytest
from sqlalchemy import text

from app.db.session import Database
from app.domain import ids
from app.domain.ids import NodeType
from app.domain.states import DesiredState
from app.domain.viewer import API
from app.services import projects
from tests.integration.app.graphql.conftest import Ask
from tests.integration.world import project_of, viewer_of

CREATE = """mutation ($i: CreateProjectInput!, $k: String) {
  createProject(input: $i, idempotencyKey: $k) { project { id name status } %s } }"""
PAGE = "query ($n: Int, $a: String) { projects(first: $n, after: $a) { nodes { name }"
PAGE += " pageInfo { hasNextPage hasPreviousPage endCursor } } }"


@pytest.mark.parametrize(
    "document",
    [
        "{ me { id } }",
        "{ changeCursor }",
        "{ projects { nodes { id } } }",
        '{ project(id: "x") { id } }',
        '{ node(id: "x") { id } }',
        '{ nodes(ids: ["x"]) { id } }',
        'mutation { createProject(input: {name: "x"}) { project { id } } }',
        'mutation { stopProject(id: "x") { project { id } } }',
    ],
)
async def test_nobody_gets_nothing(ask: Ask, document: str) -> None:
    answer = await ask(None, document)

    assert answer["errors"][0]["extensions"]["reason"] == "MISSING"
    assert "UNAUTHENTICATED" in answer["codes"]


async def test_what_a_person_can_mend_is_data_where_it_is_asked_for(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    wrong = {"name": " ", "sandboxes": [{"name": "a", "cpu": "abc"}, {"name": "a"}]}

    as_data = await ask(viewer, CREATE % "errors { code field message }", i=wrong)
    as_error = await ask(viewer, CREATE % "", i=wrong)

    found = as_data["data"]["createProject"]
    assert found["project"] is None
    assert [(e["code"], e["field"]) for e in found["errors"]] == [
        ("REQUIRED", ["name"]),
        ("INVALID", ["sandboxes", "0", "cpu"]),
        ("TAKEN", ["sandboxes", "1", "name"]),
    ]
    assert as_data["errors"] == []
    assert as_error["codes"] == ["INVALID_INPUT"]
    assert as_error["errors"][0]["extensions"]["errors"] == found["errors"]
    assert (await ask(viewer, "{ projects { totalCount } }"))["data"]["projects"] == {
        "totalCount": 0
    }


async def test_a_retry_with_the_same_key_gets_the_first_answer_even_when_it_is_gone(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    given = {"i": {"name": "shop", "sandboxes": [], "databases": []}, "k": "once"}

    first = await ask(viewer, CREATE % "", **given)
    again = await ask(viewer, CREATE % "", **given)
    other = await ask(viewer, CREATE % "", i={"name": "else"}, k="once")
    found = ids.decode(first["data"]["createProject"]["project"]["id"])
    assert found is not None
    async with database.begin(viewer) as session:
        await projects.want(session, viewer, found[1], DesiredState.DELETED)
    late = await ask(viewer, CREATE % "", **given)

    assert first["data"] == again["data"] == late["data"]
    assert other["codes"] == ["IDEMPOTENCY_CONFLICT"]
    assert (await ask(viewer, "{ projects { totalCount } }"))["data"]["projects"] == {
        "totalCount": 0
    }


async def test_pages_hold_every_project_once_newest_first(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    for name in "abcde":
        await project_of(database, viewer, name)
    seen: list[str] = []
    after = None

    while True:
        page = (await ask(viewer, PAGE, n=2, a=after))["data"]["projects"]
        seen += [node["name"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert seen == list("edcba")


@pytest.mark.parametrize(
    ("first", "after", "code"),
    [
        (0, None, "BAD_REQUEST"),
        (-1, None, "BAD_REQUEST"),
        (101, None, "BAD_REQUEST"),
        (2, "", "INVALID_CURSOR"),
        (2, "x", "INVALID_CURSOR"),
        (2, "\ud800", "INVALID_CURSOR"),
    ],
)
async def test_a_wrong_page_is_refused(
    ask: Ask, database: Database, first: int, after: str | None, code: str
) -> None:
    answer = await ask(await viewer_of(database), PAGE, n=first, a=after)

    assert answer["codes"] == [code]


async def test_a_change_is_a_node_for_those_who_may_see_it(ask: Ask, database: Database) -> None:
    ada, bob = await viewer_of(database), await viewer_of(database, "bob")
    await project_of(database, ada)
    read = "query ($id: ID!) { node(id: $id) { id ... on Change { action actor { name } } } }"
    change = ids.encode(NodeType.CHANGE, ada.home, 1)

    seen = await ask(ada, read, id=change)
    hidden = await ask(bob, read, id=change)
    never = await ask(ada, read, id=ids.encode(NodeType.CHANGE, ada.home, -(2**63)))

    assert seen["data"]["node"] == {
        "id": change,
        "action": "project.create",
        "actor": {"name": "ada"},
    }
    assert hidden["data"] == never["data"] == {"node": None}


@pytest.mark.parametrize("login", ["nobody", "\ud800", "a\0b", "", "x" * 100_000])
@pytest.mark.parametrize("password", ["wrong password", "\ud800", "\0"])
async def test_a_wrong_sign_in_says_no_more_than_that(ask: Ask, login: str, password: str) -> None:
    document = "mutation ($i: SignInInput!) { signIn(input: $i) { credentials { accessToken } } }"

    answer = await ask(None, document, i={"login": login, "password": password})

    assert answer["codes"] == ["BAD_CREDENTIALS"]


async def test_sign_up_and_sign_in(ask: Ask) -> None:
    who = {"login": "ada-l", "password": "correct horse battery"}
    up = "mutation ($i: SignUpInput!) { signUp(input: $i) { credentials { user { login } }"
    up += " errors { code field } } }"

    made = await ask(None, up, i=who)
    taken = await ask(None, up, i=who)
    short = await ask(None, up, i={"login": "A b", "password": "short"})
    signed_in = await ask(
        None,
        "mutation ($i: SignInInput!) { signIn(input: $i) { credentials { user { login } } } }",
        i=who,
    )

    user = {"credentials": {"user": {"login": "ada-l"}}}
    assert made["data"]["signUp"] == user | {"errors": []}
    assert taken["data"]["signUp"]["errors"] == [{"code": "TAKEN", "field": ["login"]}]
    assert [e["field"] for e in short["data"]["signUp"]["errors"]] == [["login"], ["password"]]
    assert signed_in["data"]["signIn"] == user


async def test_once_deleted_only_delete_and_retry_are_accepted(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    key = ids.encode(NodeType.PROJECT, await project_of(database, viewer))

    async def verb(name: str) -> list[str]:
        document = f"mutation ($id: ID!) {{ {name}Project(id: $id) {{ project {{ id }} }} }}"
        codes: list[str] = (await ask(viewer, document, id=key))["codes"]
        return codes

    assert await verb("delete") == []
    assert [await verb(name) for name in ("start", "stop", "delete", "retry")] == [
        ["DELETION_REQUESTED"],
        ["DELETION_REQUESTED"],
        [],
        [],
    ]


async def test_what_is_unexpected_is_masked_with_a_trace_id(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    async with database.begin(API) as session:
        await session.execute(text("ALTER TABLE sandbox RENAME TO elsewhere"))

    answer = await ask(viewer, 'mutation { createProject(input: {name: "x"}) { project { id } } }')

    assert answer["codes"] == ["INTERNAL"]
    assert "sandbox" not in answer["errors"][0]["message"]
    assert len(answer["errors"][0]["extensions"]["traceId"]) == 32
