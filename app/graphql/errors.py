"""From what went wrong to what a caller reads: every error gets a code, and nothing internal leaks.

Nor does anything that was sent: graphql-core says of a value of the wrong shape what it was, and
that may be the password beside the field that is missing. Clients log what they are answered.

Ours keep theirs, the request's own faults are BAD_REQUEST, what Postgres was away or too busy for
is UNAVAILABLE, and whatever else is unexpected is masked to the caller and logged with a trace id.
"""

import re
from typing import Any, Final

import structlog
from graphql import GraphQLError, ValueNode
from strawberry.types.execution import PreExecutionError

from app.db.session import RETRY_AFTER, is_lost
from app.domain import trace
from app.domain.errors import MEANING, ErrorCode, MooringError, Unavailable

log = structlog.get_logger(__name__)

# How graphql-core 3.3 leads over to a value (validate_input_value.py, scalars.py, parser.py), and
# Strawberry's scalars with it; names of fields and types stand before.
_SENT: Final = (
    (re.compile(r"[,;.] [Ff]ound: .*|, but encountered error .*", re.DOTALL), "."),
    (re.compile(r"( cannot represent[^:]*): .*", re.DOTALL), r"\1."),
    (re.compile(r", found (Block)?String .*", re.DOTALL), ", found a string."),
    (re.compile(r"Unexpected (Block)?String .*", re.DOTALL), "Unexpected string."),
    (re.compile(r"Value '.*' does not exist", re.DOTALL), "There is no such value"),
)


def classify(error: GraphQLError) -> None:
    """Give an error its code, in place."""
    cause = error.original_error
    if isinstance(cause, MooringError) or "code" in (error.extensions or {}):
        return
    if cause is None or isinstance(cause, GraphQLError) or _of_a_literal(error):
        error.message = _without_values(error.message)
        error.extensions = {"code": ErrorCode.BAD_REQUEST.value}
        return
    error.message, error.extensions = _masked(cause)


def _of_a_literal(error: GraphQLError) -> bool:
    """Whether a value in the document is what a scalar could not read."""
    return any(isinstance(node, ValueNode) for node in error.nodes or ())


def _without_values(message: str) -> str:
    for value, instead in _SENT:
        message = value.sub(instead, message)
    return message


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
    if is_lost(cause):
        log.warning("an operation lost Postgres", trace_id=trace.named(), error=repr(cause))
        later = Unavailable(RETRY_AFTER)
        return str(later), later.extensions
    log.error("an operation failed", trace_id=trace.named(), exc_info=cause)
    message = MEANING[ErrorCode.INTERNAL][0]
    return message, {"code": ErrorCode.INTERNAL.value, "traceId": trace.named()}
