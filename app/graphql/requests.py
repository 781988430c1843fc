"""What an HTTP request asks, or why it is none: the parameters of GraphQL over HTTP, checked.

Pure: bytes and headers in, `Asked` or `Refusal` out. Only JSON by POST: a GET or a form could be
sent by any page in a visitor's browser, and a document in a URL ends in logs. No batches: one
operation can ask for all that belongs together, and several requests share a connection anyway.
"""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.domain.errors import ErrorCode

# The type of each parameter besides `query` (GraphQL over HTTP, section "Request Parameters").
_PARAMETERS: Final = (
    ("operationName", str, "a string"),
    ("variables", dict, "an object"),
    ("extensions", dict, "an object"),
)


class Refusal(Exception):  # noqa: N818 - not our error but the client's
    """The request is no GraphQL request: the HTTP status, and what to mend."""

    def __init__(
        self, status: int, message: str, code: ErrorCode = ErrorCode.BAD_REQUEST, **facts: object
    ) -> None:
        super().__init__(message)
        self.status = status
        self.extensions = {"code": code.value, **facts}


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation, as it was sent."""

    query: str
    operation_name: str | None
    variables: dict[str, Any] | None


def check_content_type(header: str) -> None:
    """Refusal 415 unless it is JSON in UTF-8."""
    name, *parameters = (part.strip().lower() for part in header.split(";"))
    charsets = [part[8:].strip('"') for part in parameters if part.startswith("charset=")]
    if name != "application/json" or any(charset != "utf-8" for charset in charsets):
        raise Refusal(415, "Send the operation as JSON, with Content-Type: application/json.")


def read(body: bytes) -> Asked:
    """The operation in a body; Refusal 400 when there is none."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal(400, "The body is no JSON in UTF-8.") from None
    if isinstance(given, list):
        raise Refusal(400, "Batches are not accepted: send each operation on its own.")
    if not isinstance(given, dict):
        raise Refusal(400, "The body has to be a JSON object with `query`.")
    wrong = wrong_parameter(given)
    if wrong:
        raise Refusal(400, wrong)
    return Asked(given["query"], given.get("operationName"), given.get("variables"))


def wrong_parameter(given: dict[str, Any]) -> str | None:
    """What is wrong with the parameters of an operation, over HTTP or in a subscribe message."""
    if not isinstance(given.get("query"), str):
        return "`query` has to be a string: the document."
    for name, kind, what in _PARAMETERS:
        if not isinstance(given.get(name), kind | None):
            return f"`{name}` has to be {what}, or null, or left out."
    return None
