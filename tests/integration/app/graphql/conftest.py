"""The schema on a real Postgres, as a signed-in user asks it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.auth.tokens import Tokens
from app.db.session import Database
from app.domain.viewer import Viewer
from app.graphql.context import Connection, State
from app.graphql.schema import schema
from app.live.feeds import Feeds
from app.settings import Settings
from tests.integration.world import MAKERS

TOKENS = Tokens("k" * 32, 60)
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def ask(database: Database) -> Ask:
    """await ask(viewer or None, document, **variables): the answer as a client gets it."""
    feeds = Feeds(database, None, poll=1, depth=1)  # type: ignore[arg-type]  # no stream here
    state = State(Settings(), database, TOKENS, MAKERS, feeds)

    async def asking(viewer: Viewer | None, document: str, **variables: object) -> Any:
        token = f"Bearer {TOKENS.issue(viewer.user_id)[0]}" if viewer else None
        answer = await schema.execute(
            document, variable_values=variables, context_value=Connection(state, token)
        )
        errors = [error.formatted for error in answer.errors or []]
        return {"data": answer.data, "errors": errors, "codes": [_code(e) for e in errors]}

    return asking


def _code(error: Any) -> str:
    return str(error["extensions"]["code"])
