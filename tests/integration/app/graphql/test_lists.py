"""Lists as clients ask for them: filter, order, cursor, size; history and why of projects."""

from typing import Any
from uuid import UUID

import pytest

from app.db.session import Database
from app.domain import ids
from app.domain.ids import NodeType
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import Viewer
from app.services import projects
from app.services.projects import NewProject
from app.services.sandboxes import NewSandbox
from tests.integration.app.graphql.conftest import Ask
from tests.integration.passes import failed, gone, passed, running
from tests.integration.world import MAKERS, viewer_of

PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
PROJECTS = """query ($f: ProjectFilter, $o: ProjectOrder, $first: Int, $after: String, $last: Int,
  $before: String) { projects(filter: $f, orderBy: $o, first: $first, after: $after, last: $last,
  before: $before) { totalCount nodes { name } edges { cursor } %s } }"""
PROJECTS %= PAGE_INFO
HISTORY = """query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  project(id: $id) { history(first: $first, after: $after, last: $last, before: $before) {
  nodes { id action subjectName subject { id } } edges { cursor node { id } } %s } } }"""
HISTORY %= PAGE_INFO
WHY = "query ($id: ID!) { project(id: $id) { status why { resourceId resourceName reason message"
WHY += " object turn remedy since attempts nextAttemptAt }"
WHY += " sandboxes { id why { since nextAttemptAt } } } }"


async def make(database: Database, viewer: Viewer, name: str, about: str | None = None) -> UUID:
    new = NewProject(name, about, sandboxes=(NewSandbox("app"),), databases=())
    async with database.begin(viewer) as session:
        row = await projects.create(session, viewer, MAKERS, new)
    return row.id


def project_id(key: UUID) -> str:
    return ids.encode(NodeType.PROJECT, key)


async def names(ask: Ask, viewer: Viewer, **variables: Any) -> list[str]:
    answer = await ask(viewer, PROJECTS, **variables)
    assert answer["errors"] == []
    found = answer["data"]["projects"]
    if not {"first", "last"} & set(variables):
        assert found["totalCount"] == len(found["nodes"])
    return [node["name"] for node in found["nodes"]]


async def test_a_search_knows_no_case_and_no_pattern(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    await make(database, viewer, "Straße", "100 % sure")
    await make(database, viewer, "a_b", "Магазин")
    await make(database, viewer, "axb")
    by_name = {"field": "NAME", "direction": "ASC"}

    async def found(search: str | None) -> list[str]:
        return await names(ask, viewer, f={"search": search}, o=by_name)

    assert await found("STRASSE") == ["Straße"]
    assert await found("магазин") == ["a_b"]
    assert await found("_") == ["a_b"]
    assert await found("%") == ["Straße"]
    assert await found("\\") == []
    assert await found("B") == ["a_b", "axb"]
    assert await found("b\nм") == []
    assert await found("") == await found(None) == ["a_b", "axb", "Straße"]


async def test_all_conditions_of_a_filter_hold_and_no_status_is_none_of_them(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    for name in ("up one", "up two"):
        await make(database, viewer, name)
    await passed(database, running)
    await make(database, viewer, "new one")

    async def found(**given: Any) -> list[str]:
        return await names(ask, viewer, f=given)

    assert await found() == ["new one", "up two", "up one"]
    assert await found(statuses=None, search=None) == ["new one", "up two", "up one"]
    assert await found(statuses=["RUNNING"]) == ["up two", "up one"]
    assert await found(statuses=["RUNNING", "CREATING"], search="one") == ["new one", "up one"]
    assert await found(statuses=["ERROR"]) == []
    assert await found(statuses=[]) == []


async def test_the_order_by_name_is_told_by_what_the_name_is_now(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    keys = {name: await make(database, viewer, name) for name in ("b", "C", "a", "B")}
    rename = "mutation ($id: ID!) { updateProject(id: $id, input: {name: %s}) { project { id } } }"
    down = {"field": "NAME", "direction": "DESC"}

    before = await names(ask, viewer, o=down)
    await ask(viewer, rename % '"ä"', id=project_id(keys["b"]))
    after = await names(ask, viewer, o=down)

    assert before == ["C", "B", "b", "a"]
    assert after == ["ä", "C", "B", "a"]
    assert await names(ask, viewer, f={"search": "Ä"}) == ["ä"]


async def test_the_order_by_change_begins_with_the_latest(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    first, _ = await make(database, viewer, "first"), await make(database, viewer, "second")
    async with database.begin(viewer) as session:
        await projects.want(session, viewer, first, DesiredState.STOPPED)

    latest = await names(ask, viewer, o={"field": "UPDATED_AT", "direction": "DESC"})
    newest = await names(ask, viewer, o={"field": "CREATED_AT", "direction": "DESC"})

    assert latest == ["first", "second"]
    assert newest == ["second", "first"]


async def test_a_list_holds_what_its_viewer_may_see_whosever_cursor_is_given(
    ask: Ask, database: Database
) -> None:
    ada, bob = await viewer_of(database), await viewer_of(database, "bob")
    for viewer, name in ((ada, "a"), (bob, "b"), (ada, "c"), (bob, "d")):
        await make(database, viewer, name)
    by_name = {"field": "NAME", "direction": "ASC"}
    [at_a, _] = (await ask(ada, PROJECTS, o=by_name))["data"]["projects"]["edges"]

    answer = await ask(bob, PROJECTS, o=by_name, after=at_a["cursor"])

    assert answer["data"]["projects"]["nodes"] == [{"name": "b"}, {"name": "d"}]
    assert answer["data"]["projects"]["pageInfo"]["hasPreviousPage"] is False


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"first": 0}, "BAD_REQUEST", ["first"]),
        ({"first": -1}, "BAD_REQUEST", ["first"]),
        ({"first": 101}, "BAD_REQUEST", ["first"]),
        ({"last": 0}, "BAD_REQUEST", ["last"]),
        ({"last": 101}, "BAD_REQUEST", ["last"]),
        ({"first": 1, "last": 1}, "BAD_REQUEST", ["last"]),
        ({"after": ""}, "INVALID_CURSOR", ["after"]),
        ({"before": "\ud800"}, "INVALID_CURSOR", ["before"]),
        ({"after": "A" * 100_000}, "INVALID_CURSOR", ["after"]),
    ],
)
async def test_both_lists_refuse_a_wrong_page_and_name_the_argument(
    ask: Ask, database: Database, given: dict[str, Any], code: str, field: list[str]
) -> None:
    viewer = await viewer_of(database)
    key = project_id(await make(database, viewer, "shop"))

    for answer in (
        await ask(viewer, PROJECTS, **given),
        await ask(viewer, HISTORY, id=key, **given),
    ):
        assert answer["codes"] == [code]
        assert answer["errors"][0]["extensions"]["field"] == field


@pytest.mark.parametrize("search", ["a\0b", "\ud800", "\u202eabc", "x" * 1001])
async def test_a_search_that_no_text_could_match_is_refused(
    ask: Ask, database: Database, search: str
) -> None:
    answer = await ask(await viewer_of(database), PROJECTS, f={"search": search})

    assert answer["codes"] == ["BAD_REQUEST"]
    assert answer["errors"][0]["extensions"]["field"] == ["filter", "search"]


async def test_a_cursor_of_another_list_is_refused(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    one, two = [project_id(await make(database, viewer, "shop")) for _ in "12"]
    name = {"field": "NAME", "direction": "ASC"}

    async def cursor(document: str, **variables: Any) -> str:
        data = (await ask(viewer, document, **variables))["data"]
        found = data["projects"] if "projects" in data else data["project"]["history"]
        end: str = found["pageInfo"]["endCursor"]
        return end

    plain, history = await cursor(PROJECTS), await cursor(HISTORY, id=one)
    refused = [
        await ask(viewer, PROJECTS, after=plain, **other)
        for other in (
            {"o": name},
            {"o": {"field": "CREATED_AT", "direction": "ASC"}},
            {"f": {"search": "shop"}},
            {"f": {"statuses": ["RUNNING"]}},
        )
    ]
    refused.append(await ask(viewer, PROJECTS, after=history))
    refused.append(await ask(viewer, HISTORY, id=one, after=plain))
    refused.append(await ask(viewer, HISTORY, id=two, after=history))

    assert [answer["codes"] for answer in refused] == [["INVALID_CURSOR"]] * len(refused)
    assert (await ask(viewer, PROJECTS, after=plain, o=None, f={}))["errors"] == []


async def test_the_history_of_a_project_is_read_both_ways_and_holds_nobody_elses(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    key = await make(database, viewer, "shop")
    for wanted in (DesiredState.STOPPED, DesiredState.RUNNING):
        await make(database, viewer, "noise")
        async with database.begin(viewer) as session:
            await projects.want(session, viewer, key, wanted)
    [whole] = await pages_of(ask, viewer, key, first=100)
    lines = [node["id"] for node in whole["nodes"]]

    forward = await pages_of(ask, viewer, key, first=2)
    backward = await pages_of(ask, viewer, key, last=2)

    assert [node["action"] for node in whole["nodes"]] == [
        "project.start",
        "sandbox.start",
        "project.stop",
        "sandbox.stop",
        "sandbox.create",
        "project.create",
    ]
    assert [node["id"] for page in forward for node in page["nodes"]] == lines
    assert [node["id"] for page in reversed(backward) for node in page["nodes"]] == lines
    assert [page["pageInfo"]["hasPreviousPage"] for page in forward] == [False, True, True]
    assert [page["pageInfo"]["hasNextPage"] for page in backward] == [False, True, True]


async def pages_of(ask: Ask, viewer: Viewer, key: UUID, **size: int) -> list[Any]:
    backward = "last" in size
    found: list[Any] = []
    given: dict[str, Any] = {}
    while True:
        answer = await ask(viewer, HISTORY, id=project_id(key), **size, **given)
        page = answer["data"]["project"]["history"]
        found.append(page)
        info = page["pageInfo"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return found
        given = {"before": info["startCursor"]} if backward else {"after": info["endCursor"]}


async def test_a_line_of_history_names_what_is_gone_and_shows_what_is_not(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    key = project_id(await make(database, viewer, "shop"))
    sandboxes = "query ($id: ID!) { project(id: $id) { sandboxes { id } } }"
    [sandbox] = (await ask(viewer, sandboxes, id=key))["data"]["project"]["sandboxes"]
    delete = "mutation ($id: ID!) { deleteSandbox(id: $id) { sandbox { id } } }"
    await ask(viewer, delete, id=sandbox["id"])
    await passed(database, gone)

    [line, *_] = (await ask(viewer, HISTORY, id=key))["data"]["project"]["history"]["nodes"]
    lines = (await ask(viewer, HISTORY, id=key))["data"]["project"]["history"]["nodes"]
    again = await ask(viewer, "query ($id: ID!) { node(id: $id) { id } }", id=line["id"])

    subjects = {line["action"]: line["subject"] for line in lines}
    assert subjects["sandbox.gone"] is None
    assert subjects["project.create"] == {"id": key}
    assert again["data"]["node"] == {"id": line["id"]}


async def test_a_project_says_why_in_the_words_of_what_decides_its_status(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    key = project_id(await make(database, viewer, "shop"))
    await make(database, viewer, "other")

    at_first = (await ask(viewer, WHY, id=key))["data"]["project"]
    await passed(database, failed(Reason.IMAGE_PULL_FAILED))
    broken = (await ask(viewer, WHY, id=key))["data"]["project"]
    await ask(viewer, "mutation ($id: ID!) { retryProject(id: $id) { project { id } } }", id=key)
    await passed(database, running)
    healed = (await ask(viewer, WHY, id=key))["data"]["project"]

    [sandbox] = broken["sandboxes"]
    assert (at_first["status"], at_first["why"]) == ("CREATING", None)
    assert (broken["status"], broken["why"]) == (
        "ERROR",
        {
            "resourceId": sandbox["id"],
            "resourceName": "app",
            "reason": "ImagePullFailed",
            "message": "app says so",
            "object": "Pod/app-0",
            "turn": "USER",
            "remedy": Reason.IMAGE_PULL_FAILED.remedy,
            "attempts": 1,
            **sandbox["why"],
        },
    )
    assert (healed["status"], healed["why"]) == ("RUNNING", None)
