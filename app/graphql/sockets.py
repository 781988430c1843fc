"""Operations over a websocket: Strawberry's graphql-transport-ws, with what it leaves open closed.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. Its handler trusts the shape of
messages (`5` ends it with a traceback), acknowledges whatever is in connection_init, and has errors
without a code; close reasons longer than a frame allows (RFC 6455 section 5.5: 123 bytes) would
fail. Pings are the server's, below the protocol (uvicorn: every 20 s).
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, cast

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message
from strawberry.types.unset import UNSET

from app.domain import trace
from app.domain.errors import ForeignSite, TooComplex, Unauthenticated
from app.domain.viewer import Viewer
from app.graphql.context import Connection, State
from app.graphql.requests import wrong_parameter
from app.graphql.schema import schema

log = structlog.get_logger(__name__)

_BAD_MESSAGE: Final = 4400
_FORBIDDEN: Final = 4403
# RFC 6455's registry: clients come again, which they do not after 1011 or 4500.
_TRY_AGAIN: Final = 1013
_REASON: Final = 123
# Operations at once on one socket.
_OPERATIONS: Final = 100
# A tuple: what a client sends as a type need not be hashable.
_TYPES: Final = ("connection_init", "ping", "pong", "subscribe", "complete")


def wrong_message(message: object) -> str | None:
    """What is wrong with the shape of a message from a client, if anything."""
    if not isinstance(message, dict) or message.get("type") not in _TYPES:
        return "The message has to be an object with a known type."
    kind, payload = message["type"], message.get("payload")
    named = isinstance(message.get("id"), str) and message["id"]
    if kind in ("subscribe", "complete") and not named:
        return "`id` has to be a string that is not empty."
    if kind == "subscribe":
        return wrong_parameter(payload) if isinstance(payload, dict) else "`payload` is missing."
    return None if isinstance(payload, dict | None) else "`payload` has to be an object."


class _Socket(ASGIWebSocketAdapter):
    async def send_json(self, message: Any) -> None:
        """A text frame; whoever is gone, or was sent away, is not told anything any more."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        try:
            await self.ws.send_text(orjson.dumps(message).decode())
        except WebSocketDisconnect as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Close once, with a reason that fits."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            return
        with suppress(WebSocketDisconnect):
            await self.ws.close(code, reason.encode()[:_REASON].decode(errors="ignore"))


class _Handler(BaseGraphQLTransportWSHandler[Connection, None]):
    _ending: asyncio.Task[None] | None = None

    async def handle_connection_init(self, message: Any) -> None:
        """Who is there; the socket lives as long as the session or token that was shown."""
        await super().handle_connection_init(message)
        viewer = self.context.proven
        if viewer is not None and self._ending is None:
            self._ending = asyncio.create_task(self._end_with(viewer))

    async def shutdown(self) -> None:
        """After the last message."""
        if self._ending is not None:
            self._ending.cancel()
        await super().shutdown()

    async def _end_with(self, viewer: Viewer) -> None:
        with self.context.state.grants.held(viewer) as ended:
            reason = await ended
        for key in list(self.operations):
            await self.cleanup_operation(key)
        await self._refuse(Unauthenticated(reason=reason))

    async def _refuse(self, refused: Unauthenticated | ForeignSite) -> None:
        # The code that client libraries take for "get a new token, then come again".
        reason = f"{refused.code.value}: {refused.facts.get('reason', refused.facts.get('rule'))}"
        await self.websocket.close(_FORBIDDEN, reason)

    async def handle_message(self, message: Message) -> None:
        """One message, its shape checked first."""
        wrong = wrong_message(message)
        if wrong:
            await self.websocket.close(_BAD_MESSAGE, wrong)
            return
        try:
            await super().handle_message(message)
        except (Unauthenticated, ForeignSite) as refused:
            await self._refuse(refused)
        except WebSocketDisconnected:
            raise
        except Exception as error:
            log.exception("a websocket failed", exc_info=error)
            await self.websocket.close(_TRY_AGAIN, "Try again later")

    async def handle_subscribe(self, message: Any) -> None:
        """One operation more."""
        known = message["id"] in self.operations
        if self.connection_acknowledged and not known and len(self.operations) >= _OPERATIONS:
            full = TooComplex("operations", _OPERATIONS)
            payload = [{"message": str(full), "extensions": full.extensions}]
            refused = {"id": message["id"], "type": "error", "payload": payload}
            await self.send_message(cast("Message", refused))
            return
        # What runs the operation begins in the context of now.
        trace.begin()
        await super().handle_subscribe(message)

    async def handle_task_exception(self, error: Exception) -> None:
        """What ended an operation: no more than a client that went away, or a fault of ours."""
        if not isinstance(error, WebSocketDisconnected):
            log.error("a websocket operation failed", exc_info=error)


class Sockets(GraphQL[Connection, None]):
    """The ASGI application of the websocket route."""

    websocket_adapter_class = _Socket
    graphql_transport_ws_handler_class = _Handler

    def __init__(self, init_timeout: float, public_url: str | None) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=init_timeout),
            max_subscriptions_per_connection=None,
            # Of no other origin is a browser's handshake accepted, nor of another host than ours.
            allowed_origins=[public_url] if public_url else [],
        )

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Connection:
        """The context of a whole websocket."""
        state: State = request.state.mooring
        made: Any = Connection.of(state, request)
        return cast("Connection", made)

    async def on_ws_connect(self, context: Connection) -> Any:
        """Unauthenticated for a token that is not good: better at once than with each operation."""
        await context.prove()
        return UNSET

    def decode_json(self, data: str | bytes) -> object:
        """Like the standard library's, without its limit on depth being a RecursionError."""
        return orjson.loads(data)
