"""The audit: what leaves a line, who reads which, how it is filtered and paged."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db.session import Database
from app.domain import ids
from app.domain.ids import NodeType, new_id
from app.domain.viewer import API, TokenScope, Viewer
from tests.integration.app.graphql.conftest import Ask
from tests.integration.world import project_of, token_of, viewer_of

LOG = """query ($filter: AuditFilter, $first: Int, $after: String, $last: Int, $before: String) {
  auditLog(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    nodes { id at action outcome actor { kind name user { login } } address subjectId subjectType
      subjectName detail }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def read(ask: Ask, viewer: Viewer, **arguments: object) -> Any:
    """The answer of `auditLog`."""
    answer = await ask(viewer, LOG, **arguments)
    assert answer["codes"] == [], answer
    return answer["data"]["auditLog"]


async def lines(ask: Ask, viewer: Viewer, **filters: object) -> list[Mapping[str, Any]]:
    """The newest lines."""
    found: list[Mapping[str, Any]] = (await read(ask, viewer, filter=filters))["nodes"]
    return found


def global_id(key: UUID) -> str:
    return ids.encode(NodeType.PROJECT, key)


async def test_a_line_says_who_did_what_on_what_and_what_came_of_it(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    project = global_id(await project_of(database, viewer))

    await ask(viewer, f'mutation {{ stopProject(id: "{project}") {{ project {{ id }} }} }}')
    [line] = await lines(ask, viewer, actions=["project.stop"])

    assert {name: line[name] for name in line if name not in ("id", "at")} == {
        "action": "project.stop",
        "outcome": "DONE",
        "actor": {"kind": "USER", "name": "ada", "user": {"login": "ada"}},
        "address": None,
        "subjectId": project,
        "subjectType": "Project",
        "subjectName": "shop",
        "detail": None,
    }


async def test_what_was_refused_is_a_line_though_its_transaction_is_undone(
    ask: Ask, database: Database
) -> None:
    viewer, absent = await viewer_of(database), global_id(new_id())

    answer = await ask(viewer, f'mutation {{ a: stopProject(id: "{absent}") {{ __typename }} }}')
    [line] = await lines(ask, viewer)

    assert answer["codes"] == ["NOT_FOUND"]
    assert (line["action"], line["outcome"]) == ("project.stop", "REFUSED")
    assert (line["subjectId"], line["subjectType"]) == (absent, "Project")
    assert line["detail"] == {"code": "NOT_FOUND"}


async def test_each_refusal_of_one_operation_is_a_line(ask: Ask, database: Database) -> None:
    viewer, absent = await viewer_of(database), [global_id(new_id()) for _ in range(2)]

    await ask(
        viewer,
        """mutation ($one: ID!, $two: ID!) { stopProject(id: $one) { __typename }
        deleteProject(id: $two) { __typename } }""",
        one=absent[0],
        two=absent[1],
    )

    found = {(line["action"], line["subjectId"]) for line in await lines(ask, viewer)}
    assert found == {("project.stop", absent[0]), ("project.delete", absent[1])}


async def test_bad_input_and_reads_leave_no_line(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)

    for document in (
        'mutation { createProject(input: {name: ""}) { errors { code } } }',
        'mutation { createProject(input: {name: ""}) { __typename } }',
        "mutation { createProject(input: {}) { __typename } }",
        '{ project(id: "x") { id } }',
    ):
        await ask(viewer, document)

    assert await lines(ask, viewer) == []


async def test_a_failed_sign_in_of_somebody_who_is_signed_in_is_one_line(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)

    answer = await ask(
        viewer, 'mutation { signIn(input: {login: "nobody", password: "none"}) { __typename } }'
    )

    assert answer["codes"] == ["BAD_CREDENTIALS"]
    async with database.read(API) as connection:
        found = await connection.execute(text("SELECT action FROM audit WHERE outcome = 'REFUSED'"))
        assert list(found.scalars()) == ["sign-in.refused"]


async def test_what_one_user_is_refused_fills_no_disk(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    probe = " ".join(
        f'a{n}: stopProject(id: "{global_id(new_id())}") {{ __typename }}' for n in range(40)
    )

    for _ in range(4):
        await ask(viewer, f"mutation {{ {probe} }}")
    refused = len((await read(ask, viewer, first=100))["nodes"])

    assert refused == 100
    assert not (await read(ask, viewer, first=100))["pageInfo"]["hasNextPage"]


async def test_a_refusal_over_a_stream_is_a_line_too(api: Any) -> None:
    viewer = await viewer_of(api.database)
    document = f'mutation {{ stopProject(id: "{global_id(new_id())}") {{ __typename }} }}'

    async with api.stream(document, api.token(viewer)) as stream:
        [sent, _] = await stream.rest()
    async with api.socket() as socket:
        await socket.init({"authorization": f"Bearer {api.token(viewer)}"})
        await socket.subscribe(document)
        answered = await socket.next()

    for errors in (sent.data["errors"], answered["payload"]["errors"]):
        assert [error["extensions"]["code"] for error in errors] == ["NOT_FOUND"]
    asked = {"query": "{ auditLog { nodes { outcome address } } }"}
    answer = (await api.post(asked, api.token(viewer))).json()
    line = {"outcome": "REFUSED", "address": "127.0.0.1"}
    assert answer["data"]["auditLog"]["nodes"] == [line, line]


async def test_pages_go_both_ways_newest_first(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    for number in range(3):
        await project_of(database, viewer, f"p{number}")
    every = [line["id"] for line in await lines(ask, viewer)]

    first = await read(ask, viewer, first=2)
    rest = await read(ask, viewer, first=100, after=first["pageInfo"]["endCursor"])
    back = await read(ask, viewer, last=2, before=rest["pageInfo"]["startCursor"])

    assert [n["id"] for n in first["nodes"] + rest["nodes"]] == every
    assert [n["id"] for n in back["nodes"]] == every[:2]
    assert (first["pageInfo"]["hasNextPage"], first["pageInfo"]["hasPreviousPage"]) == (True, False)
    assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (False, True)
    times = [line["at"] for line in await lines(ask, viewer)]
    assert times == sorted(times, reverse=True)


async def test_filters_choose_the_lines(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    shop = global_id(await project_of(database, viewer))
    await project_of(database, viewer, "other")
    [_, middle, *_] = sorted({line["at"] for line in await lines(ask, viewer)})

    about = await lines(ask, viewer, subjectId=shop)
    made = await lines(ask, viewer, actions=["project.create"])
    early = await lines(ask, viewer, until=middle)
    late = await lines(ask, viewer, **{"from": middle})

    assert [line["action"] for line in about] == ["project.create"]
    assert {line["subjectName"] for line in made} == {"shop", "other"}
    assert {line["subjectName"] for line in early} == {"shop", "app"}
    assert {line["subjectName"] for line in late} == {"other", "app"}
    assert await lines(ask, viewer, outcome="REFUSED") == []
    assert len(await lines(ask, viewer, outcome="DONE")) == 4


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"actions": ["x"] * 101}, "actions"),
        ({"subjectId": "x"}, "subjectId"),
        ({"from": "2026-01-01T00:00:00"}, "from"),
        ({"until": "0001-01-01T00:00:00+14:00"}, "until"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused_by_name(
    ask: Ask, database: Database, filters: dict[str, object], field: str
) -> None:
    answer = await ask(await viewer_of(database), LOG, filter=filters)

    assert answer["codes"] == ["BAD_REQUEST"]
    assert answer["errors"][0]["extensions"]["field"] == ["filter", field]


async def test_nobody_reads_anothers_lines(ask: Ask, database: Database) -> None:
    ada, bob = await viewer_of(database, "ada"), await viewer_of(database, "bob")
    await project_of(database, ada)
    [line, *_] = await lines(ask, ada)
    cursor = (await read(ask, ada, first=1))["pageInfo"]["endCursor"]

    theirs = await read(ask, bob, before=cursor)
    node = await ask(bob, "query ($id: ID!) { node(id: $id) { id } }", id=line["id"])
    own = await ask(ada, "query ($id: ID!) { node(id: $id) { id } }", id=line["id"])

    assert theirs["nodes"] == await lines(ask, bob) == []
    assert not theirs["pageInfo"]["hasPreviousPage"]
    assert not theirs["pageInfo"]["hasNextPage"]
    assert node["data"] == {"node": None}
    assert own["data"] == {"node": {"id": line["id"]}}


async def test_what_a_token_does_is_told_with_the_token(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    row, token = await token_of(database, viewer, "ci", scopes=[TokenScope.ACCOUNT])

    refused = await ask(token, 'mutation { createProject(input: {name: "x"}) { __typename } }')
    told = await ask(
        token,
        """{ auditLog(filter: {outcome: REFUSED}) { nodes { id action tokenId detail
        actor { kind name user { login } } } } }""",
    )

    assert (refused["codes"], told["codes"]) == (["FORBIDDEN"], [])
    [line] = told["data"]["auditLog"]["nodes"]
    assert line["actor"] == {"kind": "TOKEN", "name": "ci", "user": {"login": "ada"}}
    assert line["tokenId"] == ids.encode(NodeType.API_TOKEN, row.id)
    assert (line["action"], line["detail"]) == ("project.create", {"code": "FORBIDDEN"})
    node = await ask(token, "query ($id: ID!) { node(id: $id) { id } }", id=line["id"])
    assert node["data"] == {"node": {"id": line["id"]}}


async def test_a_token_without_the_account_reads_nothing(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    _, token = await token_of(database, viewer, scopes=[TokenScope.PROJECTS_READ])
    [line, *_] = await lines(ask, viewer)

    for document in ("{ auditLog { nodes { id } } }", f'{{ node(id: "{line["id"]}") {{ id }} }}'):
        assert (await ask(token, document))["codes"] == ["FORBIDDEN"]


async def test_without_a_viewer_there_is_no_audit(ask: Ask) -> None:
    assert (await ask(None, LOG))["codes"] == ["UNAUTHENTICATED"]
