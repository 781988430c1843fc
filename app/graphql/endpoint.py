"""POST /graphql: one operation, answered as JSON or as an event stream.

Our own and not Strawberry's view: that answers `5` and `"x"` with 500, takes bodies of any size,
streams to whoever lists text/event-stream among what it knows, and has texts for errors where we
promise codes. What it does for us is execution, behind the schema's seam; the websocket is its own.
"""

from collections.abc import AsyncGenerator
from typing import Any

import structlog
from graphql import GraphQLError, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.types.execution import PreExecutionError

from app.domain import trace
from app.domain.errors import MEANING, ErrorCode, MooringError
from app.graphql import answers, media, requests, sse
from app.graphql.context import Connection, State
from app.graphql.media import Media
from app.graphql.requests import Asked, Refusal
from app.graphql.schema import schema

log = structlog.get_logger(__name__)
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

# Of the answer, for whoever reports what became of it.
_TRACE = "X-Trace-Id"


class Endpoint:
    """The ASGI application of the route."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, whatever its method."""
        request = Request(scope, receive)
        trace_id = trace.begin(request.headers.get("traceparent", "")).hex
        try:
            response = await _answer(request)
        except Refusal as refusal:
            response = _refused(refusal.status, str(refusal), refusal.extensions)
        except ClientDisconnect:
            return
        except Exception as error:
            log.exception("a request failed", exc_info=error)
            code = ErrorCode.INTERNAL
            response = _refused(500, MEANING[code][0], {"code": code.value, "traceId": trace_id})
        response.headers[_TRACE] = trace_id
        await response(scope, receive, send)


async def _answer(request: Request) -> Response:
    state: State = request.state.mooring
    if request.method != "POST":
        raise Refusal(405, "Send operations by POST.")
    requests.check_content_type(request.headers.get("content-type", ""))
    asked = requests.read(await _body(request, state.settings.body_limit))
    answer = media.chosen(request.headers.get("accept", ""), _kind(asked))
    connection = Connection.of(state, request)
    if connection.foreign is not None and not connection.authorization:
        foreign = connection.foreign
        raise Refusal(403, str(foreign), foreign.code, **foreign.facts)
    if answer is Media.EVENTS:
        return await _stream(asked, connection)
    result = await schema.execute(
        asked.query,
        context_value=connection,
        operation_name=asked.operation_name,
        variable_values=asked.variables,
    )
    body, status = answers.encoded(result), answers.status(result, answer)
    return Response(body, status, _HEADERS | answers.headers(result), media_type=answer.value)


async def _stream(asked: Asked, connection: Connection) -> Response:
    context = await schema.admit(connection, asked.query, asked.operation_name)
    results: AsyncGenerator[Any, None] = await schema.stream(
        asked.query,
        context_value=context,
        operation_name=asked.operation_name,
        variable_values=asked.variables,
    )
    own = None if isinstance(context, PreExecutionError) else context
    return sse.response(results, own, connection.state)


def _kind(asked: Asked) -> OperationType | None:
    """What is asked for; None for a document that will be refused, which any answer can say."""
    try:
        return schema.documents.read(asked.query).kind(asked.operation_name)
    except (GraphQLError, MooringError):
        return None


async def _body(request: Request, limit: int) -> bytes:
    """The body; Refusal 413 as soon as there is more of it than `limit` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refusal(
                413,
                "The body is too large; extensions.limit says how many bytes.",
                ErrorCode.BAD_REQUEST,
                limit=limit,
            )
    return bytes(body)


def _refused(status: int, message: str, extensions: dict[str, Any]) -> Response:
    headers = _HEADERS | ({"Allow": "GET, HEAD, POST"} if status == 405 else {})
    body = answers.refusal(message, extensions)
    return Response(body, status, headers, media_type=Media.JSON.value)
