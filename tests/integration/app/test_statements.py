"""The number of SQL statements of an operation does not grow with the number of things in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import event
from sqlalchemy.engine import Engine

from app.auth.entrance import Entrance
from app.auth.sessions import Sessions
from app.db.session import Database
from app.domain import ids
from app.domain.ids import NodeType
from app.graphql.context import Connection, State
from app.graphql.schema import schema
from app.live.feeds import Feeds
from app.live.grants import Grants
from app.settings import Settings
from tests.integration.world import MAKERS, TOKEN_KEYS, access_token, project_of, viewer_of

LIST = "{ projects { totalCount nodes { name sandboxes { name project { name } } } } }"
TOLD = """{ projects { nodes { why { reason } history(first: 3) { nodes { action subject { id }
  actor { user { id } } } pageInfo { hasNextPage } } } } }"""
PAGED = "{ projects(first: 1) { nodes { name } pageInfo { endCursor hasNextPage } } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Project { sandboxes { name } } } }"


@contextmanager
def counted() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: object, _u: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_a_list_and_many_nodes_cost_the_same_whatever_their_number(
    database: Database, api_database: Database
) -> None:
    viewer = await viewer_of(database)
    settings = Settings(token_keys=SecretStr(TOKEN_KEYS))
    feeds = Feeds(api_database, None, poll=1, depth=1)  # type: ignore[arg-type]  # no stream here
    sessions, entrance = Sessions(settings), Entrance(settings)
    grants = Grants(api_database, None, poll=1)  # type: ignore[arg-type]  # nor socket
    state = State(settings, api_database, sessions, MAKERS, feeds, grants, entrance)
    connection = Connection(state, authorization=f"Bearer {access_token(viewer)}")

    async def cost(document: str, **variables: object) -> int:
        with counted() as statements:
            answer = await schema.execute(
                document, variable_values=variables, context_value=connection
            )
        assert not answer.errors
        return len(statements)

    projects = [await project_of(database, viewer)]
    one = [await cost(LIST), await cost(NODES, ids=_ids(projects)), await cost(TOLD)]
    projects += [await project_of(database, viewer) for _ in range(5)]
    six = [await cost(LIST), await cost(NODES, ids=_ids(projects)), await cost(TOLD)]

    assert one == six == [5, 3, 7]
    assert await cost(PAGED) == 2


def _ids(keys: list[UUID]) -> list[str]:
    return [ids.encode(NodeType.PROJECT, key) for key in keys]
