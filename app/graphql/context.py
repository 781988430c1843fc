"""What resolvers know: the state of the process, and who asks.

One `Connection` per HTTP request or websocket; one `Context` per operation, whose viewer is read
anew, so that a revoked user is refused and `changeCursor` stands where the operation began.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.auth.tokens import Tokens
from app.db import accounts
from app.db.session import Database
from app.domain.errors import Unauthenticated
from app.domain.viewer import Viewer
from app.live.feeds import Feeds
from app.services.sandboxes import Maker
from app.settings import Settings

if TYPE_CHECKING:
    from app.graphql.loaders import Loaders


@dataclass(frozen=True, slots=True)
class State:
    """What one API process holds for all its requests."""

    settings: Settings
    database: Database
    tokens: Tokens
    maker: Maker
    feeds: Feeds


@dataclass
class Connection:
    """One request or websocket; `connection_params` come with connection_init."""

    state: State
    authorization: str | None = None
    connection_params: dict[str, Any] | None = field(default=None)

    async def operation(self) -> Context:
        """The context of one operation; Unauthenticated for a token that is not good."""
        from app.graphql.loaders import Loaders  # noqa: PLC0415 - it needs the node types

        viewer = await self.viewer()
        return Context(self.state, viewer, Loaders(self.state, viewer))

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


@dataclass(frozen=True, slots=True)
class Context:
    """One operation."""

    state: State
    known: Viewer | None
    loaders: Loaders

    @property
    def viewer(self) -> Viewer:
        """Who asks; Unauthenticated when nobody does."""
        if self.known is None:
            raise Unauthenticated(reason="MISSING")
        return self.known
