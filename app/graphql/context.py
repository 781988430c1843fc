"""What resolvers know: the state of the process, and who asks.

One `Connection` per HTTP request or websocket; one `Context` per operation, whose viewer is read
anew, so that a revoked user is refused and `changeCursor` stands where the operation began.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from starlette.requests import HTTPConnection
from strawberry.dataloader import DataLoader

from app.auth import browsers
from app.auth.apitokens import ApiTokens
from app.auth.by_password import ByPassword
from app.auth.entrance import Entrance
from app.auth.sessions import Sessions
from app.db.session import Database
from app.db.sessions import SignIn
from app.domain import apitokens, ids, limits
from app.domain.errors import Forbidden, ForeignSite, TooComplex, Unauthenticated
from app.domain.ids import NodeType
from app.domain.viewer import TokenScope, Viewer
from app.live.feeds import Feeds
from app.live.grants import Grants
from app.services.projects import Makers
from app.settings import Settings

if TYPE_CHECKING:
    from app.graphql.loaders import Loaders
    from app.graphql.nodes import Node, User
    from app.graphql.own import Own


# What is the viewer's own and in no project.
_OWN = frozenset(
    {
        NodeType.IDENTITY,
        NodeType.SESSION,
        NodeType.API_TOKEN,
        NodeType.SETTING,
        NodeType.AUDIT_ENTRY,
    }
)


@dataclass(frozen=True, slots=True)
class State:
    """What one API process holds for all its requests; `leaving` is set when it stops."""

    settings: Settings
    database: Database
    sessions: Sessions
    makers: Makers
    feeds: Feeds
    grants: Grants
    entrance: Entrance
    api_tokens: ApiTokens = field(default_factory=ApiTokens)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def by_password(self) -> ByPassword:
        """Signing in with a password."""
        return ByPassword(self.database, self.entrance, self.sessions)


@dataclass
class Connection:
    """One request or websocket; `connection_params` come with connection_init.

    `last_event_id` is what an SSE client that lost its connection has seen last, if anything;
    `address` and `device` (User-Agent) are for lists of sessions and for the audit.
    """

    state: State
    authorization: str | None = field(default=None, repr=False)
    last_event_id: str | None = None
    address: str | None = None
    device: str | None = None
    connection_params: dict[str, Any] | None = field(default=None, repr=False)
    # The access token in a browser's cookie; why it is no good if another site may have sent it.
    cookie: str | None = field(default=None, repr=False)
    foreign: ForeignSite | None = None
    # Whom connection_init proved: later operations of a websocket are the session's, as long as it
    # is renewed, whatever has become of the token that it began with.
    proven: Viewer | None = field(default=None, repr=False)

    @classmethod
    def of(cls, state: State, request: HTTPConnection) -> Connection:
        """What its headers say."""
        headers = request.headers
        cookie = request.cookies.get(browsers.ACCESS)
        return cls(
            state,
            headers.get("authorization"),
            headers.get("last-event-id"),
            request.client.host if request.client else None,
            (headers.get("user-agent") or "")[: limits.DEVICE] or None,
            cookie=cookie,
            foreign=_foreign(request, state.settings.public_url) if cookie else None,
        )

    async def operation(self) -> Context:
        """The context of one operation; Unauthenticated for a token that is not good."""
        return Context(self, await self.viewer())

    async def viewer(self) -> Viewer | None:
        """Who asks; None without a token. A token that is shown goes before the cookie, which
        is ForeignSite if another site may have sent it."""
        token = self._token()
        if token is None:
            return None
        found = await self._presented(token)
        return replace(found, grant=replace(found.grant, address=self.address))

    def _token(self) -> str | None:
        given = _authorization(self.connection_params or {}) or self.authorization
        if not given:
            if self.foreign is not None:
                raise self.foreign
            return _of_a_session(self.cookie)
        scheme, _, token = str(given).partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(reason="MALFORMED")
        return token.strip()

    async def prove(self) -> None:
        """Find out who asks on this websocket from now on, if anybody."""
        self.proven = await self.viewer()

    def sign_in(self, provider: str) -> SignIn:
        """A sign-in that was made from here."""
        return SignIn(provider, self.device, self.address)

    async def _presented(self, token: str) -> Viewer:
        if apitokens.resembles(token):
            return await self.state.api_tokens.viewer(self.state.database, token)
        session = self.proven.grant.session_id if self.proven else None
        if self.proven and session:
            return await self.state.sessions.viewer(
                self.state.database, self.proven.user_id, session
            )
        claims = self.state.sessions.tokens.read_access(token)
        return await self.state.sessions.viewer(
            self.state.database, claims.user_id, claims.session_id
        )


def _of_a_session(cookie: str | None) -> str | None:
    # An API token is for programs, which have no cookies: one here is somebody else's doing.
    if cookie and apitokens.resembles(cookie):
        raise Unauthenticated(reason="MALFORMED")
    return cookie


def _foreign(request: HTTPConnection, public_url: str | None) -> ForeignSite | None:
    socket = request.scope["type"] == "websocket"
    check = browsers.check_socket if socket else browsers.check_request
    try:
        check(request.headers, public_url)
    except ForeignSite as foreign:
        return foreign
    return None


def _authorization(params: dict[str, Any]) -> Any:
    """The header's stand-in in connection_init, which clients write in either case."""
    return params.get("authorization") or params.get("Authorization")


class Context:
    """One operation; whatever needs a viewer is UNAUTHENTICATED without one.

    `cursor` is where the operation's own stream stands, once it has begun; `shown` counts the
    characters of values in one answer, or in one event of a stream.
    """

    def __init__(self, connection: Connection, viewer: Viewer | None) -> None:
        self.connection = connection
        self.state = connection.state
        self.last_event_id = connection.last_event_id
        self.cursor: str | None = None
        self.shown = 0
        self._viewer = viewer

    @property
    def signed_in(self) -> Viewer | None:
        """Who asks, if anybody."""
        return self._viewer

    @property
    def anybody(self) -> Viewer:
        """Who asks, for what needs no scope."""
        if self._viewer is None:
            raise Unauthenticated(reason="MISSING")
        return self._viewer

    def viewer(self, scope: TokenScope) -> Viewer:
        """Who asks, for what needs `scope`; Forbidden for an API token without it."""
        if scope not in self.anybody.grant.scopes:
            raise Forbidden(scope=scope.value)
        return self.anybody

    async def count(self, mutations: int) -> None:
        """Count mutations of whoever is signed in; RateLimited, and none is to be begun."""
        if self._viewer is not None and mutations:
            throttle, database = self.state.entrance.throttle, self.state.database
            await throttle.mutate(database, self._viewer.user_id, mutations)

    def show(self, value: str | None) -> str | None:
        """A value of which there may be megabytes; TooComplex for an answer with too many."""
        self.shown += len(value or "")
        if self.shown > limits.SHOWN_BYTES:
            raise TooComplex("values", limits.SHOWN_BYTES)
        return value

    @cached_property
    def loaders(self) -> Loaders:
        """Batched reads through the viewer."""
        from app.graphql.loaders import Loaders  # noqa: PLC0415 - it needs the node types

        return Loaders(self.state, self.viewer(TokenScope.PROJECTS_READ))

    @cached_property
    def own(self) -> Own:
        """Batched reads of what is the viewer's alone."""
        from app.graphql.own import Own  # noqa: PLC0415 - it needs the node types

        return Own(self.state, self.viewer(TokenScope.ACCOUNT))

    @cached_property
    def users(self) -> DataLoader[UUID, User | None]:
        """Batched reads of users."""
        from app.graphql import people  # noqa: PLC0415 - it needs the node types

        return people.loader(self.state, self.anybody)

    async def node(self, global_id: str) -> Node | None:
        """Anything by its global id; None when there is no such thing for the viewer."""
        found = ids.decode(global_id)
        if found is not None and found[0] in _OWN:
            return await self.own.node(*found[:2])
        return await self.loaders.node(global_id)
