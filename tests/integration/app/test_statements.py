"""The number of SQL statements of an operation does not grow with the number of projects in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import event
from sqlalchemy.engine import Engine

from app.auth.tokens import Tokens
from app.db import accounts
from app.db.session import Database
from app.graphql.context import Connection, State
from app.graphql.schema import schema
from app.live.feeds import Feeds
from app.secrets.keyring import KeyRing
from app.services.sandboxes import Maker
from app.settings import Settings

QUERY = """{ projects { totalCount nodes { name sandboxes { name project { name } } } } }"""
CREATE = 'mutation { createProject(input: {name: "shop"}) { project { id } } }'


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


async def test_a_list_of_projects_costs_the_same_whatever_its_length(database: Database) -> None:
    tokens = Tokens("k" * 32, 60)
    maker = Maker(Settings(), KeyRing("test:" + "A" * 43 + "="))
    feeds: Feeds = Feeds(database, None, poll=1, depth=1)  # type: ignore[arg-type]
    async with database.begin() as session:
        user = await accounts.create(session, "ada", "no hash")
        assert user is not None
        assert await accounts.viewer(session, user.id, datetime.now(UTC) + timedelta(hours=1))
    token, _ = tokens.issue(user.id)
    connection = Connection(
        State(Settings(), database, tokens, maker, feeds), authorization=f"Bearer {token}"
    )

    async def ask(document: str) -> int:
        with counted() as statements:
            answer = await schema.execute(document, context_value=connection)
        assert not answer.errors
        return len(statements)

    await ask(CREATE)
    one = await ask(QUERY)
    for _ in range(4):
        await ask(CREATE)
    five = await ask(QUERY)

    assert one == five == 5
