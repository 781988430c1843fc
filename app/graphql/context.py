"""What resolvers know: the state of the process, and who asks.

One `Connection` per HTTP request or websocket; one `Context` per operation, whose viewer is read
anew, so that a revoked user is refused and `changeCursor` stands where the operation began.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.auth.tokens import Tokens
from app.db import accounts
from app.db.session import Database
from app.domain.errors import Unauthenticated
from app.domain.viewer import Viewer
from app.live.feeds import Feeds
from app.services.projects import Makers
from app.settings import Settings

if TYPE_CHECKING:
    from app.graphql.loaders import Loaders


@dataclass(frozen=True, slots=True)
class State:
    """What one API process holds for all its requests."""

    settings: Settings
    database: Database
    tokens: Tokens
    makers: Makers
    feeds: Feeds


@dataclass
class Connection:
    """One request or websocket; `connection_params` come with connection_init."""

    state: State
    authorization: str | None = None
    connection_params: dict[str, Any] | None = field(default=None)

    async def operation(self) -> Context:
        """The context of one operation; Unauthenticated for a token that is not good."""
        return Context(self.state, await self.viewer())

    async def viewer(self) -> Viewer | None:
        """Who asks; None without a token."""
        given = (self.connection_params or {}).get("authorization") or self.authorization
        if not given:
            return None
        scheme, _, token = str(given).partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(reason="MALFORMED")
        claims = self.state.tokens.read(token.strip())
        async with self.state.database.read() as connection:
            found = await accounts.viewer(connection, claims.user_id, claims.expires_at)
        if found is None:
            raise Unauthenticated(reason="REVOKED")
        return found


class Context:
    """One operation; whatever needs a viewer is UNAUTHENTICATED without one."""

    def __init__(self, state: State, viewer: Viewer | None) -> None:
        self.state = state
        self._viewer = viewer

    @property
    def viewer(self) -> Viewer:
        """Who asks."""
        if self._viewer is None:
            raise Unauthenticated(reason="MISSING")
        return self._viewer

    @cached_property
    def loaders(self) -> Loaders:
        """Batched reads through the viewer."""
        from app.graphql.loaders import Loaders  # noqa: PLC0415 - it needs the node types

        return Loaders(self.state, self.viewer)
