"""From what went wrong to what a caller reads: every error gets a code, and nothing internal leaks.

Ours keep theirs, the request's own faults are BAD_REQUEST, and whatever is unexpected is masked to
the caller and logged with a trace id.
"""

from typing import Any
from uuid import uuid4

import structlog
from graphql import GraphQLError
from strawberry.types.execution import PreExecutionError

from app.domain.errors import MEANING, ErrorCode, MooringError

log = structlog.get_logger(__name__)


def classify(error: GraphQLError) -> None:
    """Give an error its code, in place."""
    cause = error.original_error
    if isinstance(cause, MooringError) or "code" in (error.extensions or {}):
        return
    if cause is None or isinstance(cause, GraphQLError):
        error.extensions = {"code": ErrorCode.BAD_REQUEST.value}
        return
    error.message, error.extensions = _masked(cause)


def refused(error: Exception) -> PreExecutionError:
    """The answer to an operation that was not begun because of `error`."""
    return PreExecutionError(data=None, errors=[_top_level(error)])


def _top_level(error: Exception) -> GraphQLError:
    if isinstance(error, GraphQLError):
        # Not the error itself: a GraphQLSyntaxError makes Strawberry close the whole websocket.
        top = GraphQLError(error.message, error.nodes, error.source, error.positions)
        top.extensions = error.extensions or {}
        classify(top)
        return top
    if isinstance(error, MooringError):
        return GraphQLError(str(error), extensions=error.extensions)
    message, extensions = _masked(error)
    return GraphQLError(message, extensions=extensions)


def _masked(cause: Exception) -> tuple[str, dict[str, Any]]:
    trace_id = uuid4().hex
    log.error("an operation failed", trace_id=trace_id, exc_info=cause)
    message = MEANING[ErrorCode.INTERNAL][0]
    return message, {"code": ErrorCode.INTERNAL.value, "traceId": trace_id}
