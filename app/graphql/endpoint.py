"""The GraphQL endpoint over HTTP POST and graphql-transport-ws."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from app.graphql.context import Connection, State
from app.graphql.schema import schema


class Endpoint(GraphQL[Connection, None]):
    """Strawberry's view with our context."""

    def __init__(self) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
        )

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Connection:
        """The context of a request or of a whole websocket."""
        state: State = request.state.mooring
        made: Any = Connection(state, request.headers.get("authorization"))
        return made  # type: ignore[no-any-return]
