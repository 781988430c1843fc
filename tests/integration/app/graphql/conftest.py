"""The schema on a real Postgres, as a signed-in user asks it."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
from pydantic import SecretStr

from app.auth.entrance import Entrance
from app.auth.sessions import Sessions
from app.db.session import Database
from app.domain.viewer import Viewer
from app.graphql.context import Connection, State
from app.graphql.schema import schema
from app.live.feeds import Feeds
from app.live.grants import Grants
from app.settings import Settings
from tests.integration.app.graphql.serving import api
from tests.integration.world import MAKERS, TOKEN_KEYS, access_token
from tests.sealos import NEW, OLD

__all__ = ["api"]

SETTINGS = Settings(token_keys=SecretStr(TOKEN_KEYS))
_OPEN = Settings(sign_up=["PASSWORD", "SEALOS"], sealos_jwt_secrets=SecretStr(f"{OLD},{NEW}"))
Ask = Callable[..., Awaitable[Any]]
Follow = Callable[..., Awaitable[Any]]


@pytest.fixture
def state(api_database: Database) -> State:
    """What one API process holds, without wake-ups; anybody may sign up, from Sealos too."""
    return state_of(api_database, _OPEN)


def state_of(database: Database, settings: Settings) -> State:
    """The same with these settings."""
    feeds = Feeds(database, None, poll=1, depth=1)  # type: ignore[arg-type]  # no stream here
    signing = settings.model_copy(update={"token_keys": SecretStr(TOKEN_KEYS)})
    grants = Grants(database, None, poll=1)  # type: ignore[arg-type]  # nor socket here
    entrance = Entrance(settings)
    return State(signing, database, Sessions(signing), MAKERS, feeds, grants, entrance)


@pytest.fixture
def ask(state: State) -> Ask:
    """await ask(viewer, token or None, document, **variables): the answer as a client gets it."""
    return asker(state)


def asker(state: State) -> Ask:
    """The same for this state."""

    async def asking(viewer: Viewer | str | None, document: str, **variables: object) -> Any:
        answer = await schema.execute(
            document, variable_values=variables, context_value=_connection(state, viewer)
        )
        return _answer(answer)

    return asking


@pytest.fixture
def follow(state: State) -> Follow:
    """await follow(viewer, token or None, document, **variables): the first answer of a stream."""

    async def following(viewer: Viewer | str | None, document: str, **variables: object) -> Any:
        stream = await schema.stream(
            document, variable_values=variables, context_value=_connection(state, viewer)
        )
        async with aclosing(stream):
            return _answer(await anext(stream))

    return following


def _connection(state: State, viewer: Viewer | str | None) -> Connection:
    token = access_token(viewer) if isinstance(viewer, Viewer) else viewer
    return Connection(state, f"Bearer {token}" if token else None)


def _answer(answer: Any) -> Any:
    errors = [error.formatted for error in answer.errors or []]
    return {"data": answer.data, "errors": errors, "codes": [_code(e) for e in errors]}


def _code(error: Any) -> str:
    return str(error["extensions"]["code"])
