"""Whose id a request has, over HTTP and over a socket, and where it is kept."""

from uuid import UUID

from sqlalchemy import text

from app.db.session import Database
from app.domain.viewer import API
from tests.integration.app.graphql.serving import Api
from tests.integration.world import viewer_of

GIVEN = UUID("4bf92f35-77b3-4da6-a3ce-929d0e0e4736")
PARENT = f"00-{GIVEN.hex}-00f067aa0ba902b7-01"


def create(name: str) -> str:
    given = f'{{name: "{name}", databases: []}}'
    return f"mutation {{ createProject(input: {given}) {{ project {{ id }} }} }}"


async def kept(database: Database) -> dict[str, UUID]:
    """The ids of the sandboxes' rows, by project."""
    statement = "SELECT p.name, r.trace_id FROM resource r JOIN project p ON p.id = r.project_id"
    async with database.read(API) as connection:
        found = await connection.execute(text(statement))
        return {row.name: row.trace_id for row in found}


async def test_a_clients_id_is_taken_and_anything_else_is_not(api: Api, database: Database) -> None:
    token = api.token(await viewer_of(database))

    theirs = await api.post({"query": create("theirs")}, token, traceparent=PARENT)
    ours = await api.post({"query": create("ours")}, token, traceparent="00-nonsense\t-01")
    refused = await api.post({"query": 5}, token, traceparent=PARENT)

    rows = await kept(database)
    assert rows["theirs"] == GIVEN
    assert theirs.headers["X-Trace-Id"] == refused.headers["X-Trace-Id"] == GIVEN.hex
    assert UUID(hex=ours.headers["X-Trace-Id"]) == rows["ours"] != GIVEN


async def test_each_operation_of_a_socket_has_one_of_its_own(api: Api, database: Database) -> None:
    token = api.token(await viewer_of(database))

    async with api.socket() as socket:
        await socket.init({"authorization": f"Bearer {token}"})
        for name in ("first", "second"):
            await socket.subscribe(create(name), name)
            answers = [await socket.next(), await socket.next()]
            assert [answer["type"] for answer in answers] == ["next", "complete"]

    rows = await kept(database)
    assert None not in rows.values()
    assert rows["first"] != rows["second"]
