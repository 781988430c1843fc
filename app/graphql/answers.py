"""Results as bodies: the JSON of one result, and the HTTP status that goes with it."""

from typing import Any

import orjson
from strawberry.types.execution import PreExecutionError

from app.domain.errors import ErrorCode
from app.graphql.media import Media

# What an operation that was not begun answers, where the media type lets a status say so.
_STATUS = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.INTERNAL: 500,
}


def encoded(result: Any) -> bytes:
    """One result. Without `data` when execution was not begun (GraphQL, section 7.1)."""
    body: dict[str, Any] = {} if _not_begun(result) else {"data": result.data}
    if result.errors:
        body["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        body["extensions"] = result.extensions
    return orjson.dumps(body)


def status(result: Any, media: Media) -> int:
    """200 in plain JSON, whatever the result (GraphQL over HTTP, section "application/json")."""
    if media is Media.JSON or not _not_begun(result):
        return 200
    return _STATUS.get(result.errors[0].extensions["code"], 400)


def headers(result: Any) -> dict[str, str]:
    """Retry-After (RFC 9110 section 10.2.3) where something of it is to be repeated."""
    facts = [error.extensions or {} for error in result.errors or ()]
    waits = [it["retryAfter"] for it in facts if "retryAfter" in it]
    return {"Retry-After": str(max(waits))} if waits else {}


def refusal(message: str, extensions: dict[str, Any]) -> bytes:
    """The body for a request that is no GraphQL request."""
    return orjson.dumps({"errors": [{"message": message, "extensions": extensions}]})


def _not_begun(result: Any) -> bool:
    """Whether it is a request error (GraphQL, section 7.1). The variables are judged by the
    executor, which gives no sign of it but that such an error has no path."""
    if isinstance(result, PreExecutionError):
        return True
    return result.data is None and all(error.path is None for error in result.errors or ())
