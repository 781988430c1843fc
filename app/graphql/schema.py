"""The schema: assembly, and the one seam through which every operation passes.

`execute` and `stream` make the context of the operation from the connection's, and `process_errors`
gives every error its code: ours keep theirs, the request's faults are BAD_REQUEST, and whatever is
unexpected is masked to the caller and logged with a trace id.
"""

from datetime import datetime
from typing import Any
from uuid import uuid4

import strawberry
import structlog
from graphql import GraphQLError
from strawberry.extensions import MaxTokensLimiter, ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext
from strawberry.types.execution import PreExecutionError

from app.domain.errors import MEANING, ErrorCode, MooringError
from app.graphql import enums  # noqa: F401 - gives the domain's enums their descriptions
from app.graphql.context import Connection
from app.graphql.mutations import Mutation
from app.graphql.nodes import Database, Sandbox
from app.graphql.queries import Query
from app.graphql.subscriptions import Subscription

log = structlog.get_logger(__name__)
_TOKENS = 5000

_DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="A moment in UTC, RFC 3339, such as 2026-01-31T09:30:00.123456+00:00.",
    specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
    serialize=lambda value: value.isoformat(timespec="microseconds"),
    parse_value=datetime.fromisoformat,
)


class Schema(strawberry.Schema):
    """Strawberry's schema with our seam."""

    async def execute(self, query: str | None, *, context_value: Any = None, **options: Any) -> Any:  # type: ignore[override]
        """One query or mutation."""
        try:
            context = await _operation(context_value)
        except MooringError as refused:
            return PreExecutionError(data=None, errors=[_refusal(refused)])
        return await super().execute(query, context_value=context, **options)

    async def stream(self, query: str | None, *, context_value: Any = None, **options: Any) -> Any:  # type: ignore[override]
        """One operation over a websocket."""
        try:
            context = await _operation(context_value)
        except MooringError as refused:
            return _one(PreExecutionError(data=None, errors=[_refusal(refused)]))
        return await super().stream(query, context_value=context, **options)

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Give every error its code, in place."""
        for error in errors:
            _classify(error)


async def _operation(connection: Any) -> Any:
    return await connection.operation() if isinstance(connection, Connection) else connection


async def _one(result: PreExecutionError) -> Any:
    yield result


def _refusal(refused: MooringError) -> GraphQLError:
    return GraphQLError(str(refused), extensions=refused.extensions)


def _classify(error: GraphQLError) -> None:
    cause = error.original_error
    if isinstance(cause, MooringError) or "code" in (error.extensions or {}):
        return
    if cause is None or isinstance(cause, GraphQLError):
        error.extensions = _extensions(ErrorCode.BAD_REQUEST)
        return
    trace_id = uuid4().hex
    log.error("an operation failed", trace_id=trace_id, exc_info=cause)
    error.message = MEANING[ErrorCode.INTERNAL][0]
    error.extensions = _extensions(ErrorCode.INTERNAL) | {"traceId": trace_id}


def _extensions(code: ErrorCode) -> dict[str, Any]:
    return {"code": code.value}


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Sandbox, Database],
    config=StrawberryConfig(scalar_map={datetime: _DATE_TIME}),
    extensions=[
        lambda: MaxTokensLimiter(_TOKENS),
        lambda: ParserCache(maxsize=500),
        lambda: ValidationCache(maxsize=500),
    ],
)
