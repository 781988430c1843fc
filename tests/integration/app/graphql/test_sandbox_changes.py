"""updateSandbox, exposePort and unexposePort: the row's at once, one intent, and a line each."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db.sandboxes import SANDBOXES
from app.db.session import Database
from app.domain import ids
from app.domain.ids import NodeType
from app.domain.reasons import Reason
from app.domain.viewer import API, Viewer
from tests.integration.app.graphql.conftest import Ask
from tests.integration.passes import failed, gone, passed
from tests.integration.world import project_of, viewer_of

UPDATE = """mutation ($id: ID!, $input: UpdateSandboxInput!) {
  updateSandbox(id: $id, input: $input) {
  sandbox { image cpu memory storage generation status } errors { code field message } } }"""
PORT = """mutation ($id: ID!, $port: Int!) { %s(sandboxId: $id, input: {port: $port}) {
  sandbox { generation ports { port url } } errors { code field } } }"""
EXPOSE, UNEXPOSE = PORT % "exposePort", PORT % "unexposePort"
DELETE = "mutation ($id: ID!) { deleteSandbox(id: $id) { sandbox { status } } }"
PORTS = "query ($id: ID!) { node(id: $id) { ... on Sandbox { k8sName ports { port url } } } }"


async def sandbox_of(database: Database, viewer: Viewer) -> tuple[UUID, str]:
    """The key and the id of the sandbox of a new project."""
    project = await project_of(database, viewer)
    async with database.read(viewer) as connection:
        [row] = await SANDBOXES.of_projects(connection, viewer, [project])
    return row.id, ids.encode(NodeType.SANDBOX, row.id)


async def lines(database: Database, action: str) -> list[Any]:
    async with database.read(API) as connection:
        found = await connection.execute(
            text("SELECT message FROM change WHERE action = :action ORDER BY seq"),
            {"action": action},
        )
        return [row.message for row in found]


async def test_image_and_sizes_change_as_one_intent(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    _, sandbox = await sandbox_of(database, viewer)
    given = {"image": "registry.test/app:2", "cpu": "1", "memory": "2Gi", "storage": "20Gi"}

    answer = await ask(viewer, UPDATE, id=sandbox, input=given)
    again = await ask(viewer, UPDATE, id=sandbox, input=given)

    wanted = {**given, "generation": 2, "status": "CREATING"}
    assert answer["data"]["updateSandbox"] == {"sandbox": wanted, "errors": []}
    assert again["data"]["updateSandbox"] == {"sandbox": wanted, "errors": []}
    said = "image registry.test/app:2, cpu 1, memory 2Gi, storage 20Gi"
    assert await lines(database, "sandbox.update") == [said]


async def test_what_is_left_out_stays_and_all_that_is_wrong_is_told_at_once(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    _, sandbox = await sandbox_of(database, viewer)
    wrong = {"image": None, "cpu": "abc", "memory": "1Ti", "storage": "9Gi"}

    refused = await ask(viewer, UPDATE, id=sandbox, input=wrong)
    answer = await ask(viewer, UPDATE, id=sandbox, input={"memory": "2Gi"})

    problems = refused["data"]["updateSandbox"]["errors"]
    assert [(p["code"], p["field"]) for p in problems] == [
        ("REQUIRED", ["image"]),
        ("INVALID", ["cpu"]),
        ("OUT_OF_RANGE", ["memory"]),
        ("NOT_ALLOWED", ["storage"]),
    ]
    now = answer["data"]["updateSandbox"]["sandbox"]
    assert (now["cpu"], now["memory"], now["storage"]) == ("2", "2Gi", "10Gi")
    assert now["generation"] == 2


async def test_a_disk_that_the_cluster_refused_may_be_asked_for_as_it_was(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    _, sandbox = await sandbox_of(database, viewer)
    await ask(viewer, UPDATE, id=sandbox, input={"storage": "20Gi"})
    kept = await ask(viewer, UPDATE, id=sandbox, input={"storage": "10Gi"})
    await passed(database, failed(Reason.VOLUME_NOT_GROWING))

    answer = await ask(viewer, UPDATE, id=sandbox, input={"storage": "10Gi"})

    assert [e["code"] for e in kept["data"]["updateSandbox"]["errors"]] == ["NOT_ALLOWED"]
    assert answer["data"]["updateSandbox"]["sandbox"]["storage"] == "10Gi"


async def test_a_port_is_shown_with_its_address_and_is_one_intent(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    key, sandbox = await sandbox_of(database, viewer)

    first = await ask(viewer, EXPOSE, id=sandbox, port=8080)
    again = await ask(viewer, EXPOSE, id=sandbox, port=8080)
    await ask(viewer, EXPOSE, id=sandbox, port=5173)
    async with database.begin(API) as session:
        address = "https://' || k8s_name || '-app.example.test"
        await session.execute(text(f"UPDATE sandbox SET public_url = '{address}'"))
    shown = (await ask(viewer, PORTS, id=sandbox))["data"]["node"]
    closed = await ask(viewer, UNEXPOSE, id=sandbox, port=8080)
    nothing = await ask(viewer, UNEXPOSE, id=sandbox, port=9999)

    one = {"generation": 2, "ports": [{"port": 8080, "url": None}]}
    assert first["data"]["exposePort"] == {"sandbox": one, "errors": []}
    assert again["data"]["exposePort"] == {"sandbox": one, "errors": []}
    name = shown["k8sName"]
    urls = [(port, f"https://{name}-p{port}.example.test") for port in (5173, 8080)]
    assert [(p["port"], p["url"]) for p in shown["ports"]] == urls
    left = closed["data"]["unexposePort"]["sandbox"]
    assert ([p["port"] for p in left["ports"]], left["generation"]) == ([5173], 4)
    assert nothing["data"]["unexposePort"]["sandbox"]["generation"] == 4
    assert await lines(database, "sandbox.expose") == ["port 8080", "port 5173"]
    assert await lines(database, "sandbox.unexpose") == ["port 8080"]
    async with database.read(API) as connection:
        asked = await connection.execute(
            text("SELECT asked FROM resource WHERE id = :id"), {"id": key}
        )
        assert asked.scalar_one() == 4  # once for its creation


async def test_five_ports_are_the_most_however_many_are_asked_for_at_once(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    _, sandbox = await sandbox_of(database, viewer)

    asked = [ask(viewer, EXPOSE, id=sandbox, port=8000 + n) for n in range(7)]
    answers = [answer["data"]["exposePort"] for answer in await asyncio.gather(*asked)]

    refused = [answer["errors"] for answer in answers if answer["errors"]]
    assert refused == [[{"code": "NOT_ALLOWED", "field": []}]] * 2
    [node] = [(await ask(viewer, PORTS, id=sandbox))["data"]["node"]]
    assert len(node["ports"]) == 5


@pytest.mark.parametrize(
    ("document", "given"),
    [
        (UPDATE, {"input": {"cpu": "1"}}),
        (EXPOSE, {"port": 8080}),
        (UNEXPOSE, {"port": 8080}),
    ],
)
async def test_one_that_is_to_go_is_changed_no_more(
    ask: Ask, database: Database, document: str, given: dict[str, Any]
) -> None:
    viewer = await viewer_of(database)
    _, sandbox = await sandbox_of(database, viewer)
    await ask(viewer, DELETE, id=sandbox)

    answer = await ask(viewer, document, id=sandbox, **given)

    assert answer["codes"] == ["DELETION_REQUESTED"]


async def test_ports_go_with_their_sandbox(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    _, sandbox = await sandbox_of(database, viewer)
    await ask(viewer, EXPOSE, id=sandbox, port=8080)
    await ask(viewer, DELETE, id=sandbox)

    await passed(database, gone)

    async with database.read(API) as connection:
        left = await connection.execute(text("SELECT count(*) FROM sandbox_port"))
        assert left.scalar_one() == 0
    assert (await ask(viewer, PORTS, id=sandbox))["data"]["node"] is None
