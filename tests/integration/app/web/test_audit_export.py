"""The audit as JSON lines: for a user over HTTP, for the operator from the command line."""

import json
from dataclasses import replace
from typing import Any

import pytest

from app.db import roles
from app.db.audit import Entry
from app.db.session import Database
from app.domain.viewer import Viewer
from app.services import auditing
from tests.integration.app.graphql.serving import Api, api
from tests.integration.world import project_of, viewer_of
from tests.mooring import mooring
from tests.postgres import as_role

__all__ = ["api"]


async def note(database: Database, viewer: Viewer, *actions: str) -> None:
    """A transaction for each line, so that they are in order."""
    for action in actions:
        async with database.begin(viewer) as session:
            session.entries.append(Entry(action, account_id=viewer.home))


async def get(api: Api, viewer: Viewer | None, **query: str | list[str]) -> Any:
    given = {} if viewer is None else {"authorization": f"Bearer {api.token(viewer)}"}
    return await api.http.get("/audit.jsonl", params=query, headers=given)


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


async def test_each_line_is_one_object_with_what_the_query_has_too(api: Api) -> None:
    viewer = await viewer_of(api.database)
    await project_of(api.database, viewer)

    answer = await get(api, viewer, action="project.create")
    asked = """{ auditLog(filter: {actions: ["project.create"]}) { nodes { id at action outcome
      actor { kind name user { id } } sessionId tokenId address subjectType subjectId
      subjectName detail }
      } }"""
    told = (await api.post({"query": asked}, api.token(viewer))).json()

    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.headers["cache-control"] == "no-store"
    [node] = told["data"]["auditLog"]["nodes"]
    node["actor"] = node["actor"] | {"userId": node["actor"].pop("user")["id"]}
    assert lines(answer.text) == [node]


async def test_it_is_whole_and_in_order_over_many_batches(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "_BATCH", 2)
    viewer = await viewer_of(api.database)
    names = [f"setting.n{number}" for number in range(5)]
    await note(api.database, viewer, *names)

    answer = await get(api, viewer)

    assert [line["action"] for line in lines(answer.text)] == names


async def test_conditions_choose_lines(api: Api) -> None:
    viewer = await viewer_of(api.database)
    await note(api.database, viewer, "a.b", "c.d", "e.f")
    [_, middle, _] = [line["at"] for line in lines((await get(api, viewer)).text)]

    async def found(**query: str | list[str]) -> list[str]:
        return [line["action"] for line in lines((await get(api, viewer, **query)).text)]

    assert await found(action=["a.b", "e.f"]) == ["a.b", "e.f"]
    assert await found(until=middle) == ["a.b"]
    assert await found(**{"from": middle}) == ["c.d", "e.f"]
    assert await found(outcome="REFUSED") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"until": "2026-01-01T00:00:00"}, "until"),
        ({"outcome": "MAYBE"}, "outcome"),
        ({"subjectId": "x"}, "subjectId"),
        ({"action": ["x"] * 101}, "actions"),
    ],
)
async def test_what_is_no_condition_is_named(api: Api, query: dict[str, Any], field: str) -> None:
    answer = await get(api, await viewer_of(api.database), **query)

    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["extensions"] | {"rule": ""} == {
        "code": "BAD_REQUEST",
        "field": [field],
        "rule": "",
    }


async def test_nobody_gets_anothers_lines_and_nobody_else_any(api: Api) -> None:
    ada, bob = await viewer_of(api.database, "ada"), await viewer_of(api.database, "bob")
    await note(api.database, ada, "a.b")

    theirs, nobodys = await get(api, bob), await get(api, None)

    assert (theirs.status_code, theirs.text) == (200, "")
    assert nobodys.status_code == 401
    assert nobodys.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_token_for_some_projects_sees_no_line(database: Database) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    limited = replace(viewer, grant=replace(viewer.grant, projects=(project,)))

    found = [batch async for batch in auditing.export(database, limited, auditing.wanted())]

    assert found == []


async def test_the_operator_gets_the_lines_of_everybody(database: Database, url: str) -> None:
    ada, bob = await viewer_of(database, "ada"), await viewer_of(database, "bob")
    await note(database, ada, "a.b")
    await note(database, bob, "c.d")

    code, out, err = await mooring(url, "audit", "export")
    [first, second] = lines(out)
    late = (await mooring(url, "audit", "export", "--from", second["at"]))[1]

    assert (code, err) == (0, "")
    assert [first["actor"]["name"], second["actor"]["name"]] == ["ada", "bob"]
    assert lines(late) == [second]


async def test_only_the_owner_of_the_database_is_the_operator(database: Database, url: str) -> None:
    await note(database, await viewer_of(database), "a.b")

    code, out, err = await mooring(as_role(url, roles.API), "audit", "export")
    wrong = await mooring(url, "audit", "export", "--until", "2026-01-01T00:00:00")

    assert (code, out) == (1, "")
    assert "has to be the owner's" in err
    assert "Traceback" not in err
    assert wrong[0] == 1
    assert "offset" in wrong[2]
