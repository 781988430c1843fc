"""Which of our media types answers a request: Accept against the kind of operation.

A subscription is answered as an event stream and nothing else. A query or mutation is answered as
what the client prefers: by q, then by the order in which it lists them (clients such as urql list
all they know without q). Whoever takes anything gets plain JSON.
"""

from enum import StrEnum
from typing import Final

from graphql import OperationType

from app.graphql.requests import Refusal


class Media(StrEnum):
    """What we answer with."""

    GRAPHQL = "application/graphql-response+json"
    JSON = "application/json"
    EVENTS = "text/event-stream"


_SINGLE: Final = (Media.JSON, Media.GRAPHQL, Media.EVENTS)
_STREAM: Final = (Media.EVENTS,)


def chosen(accept: str, kind: OperationType | None) -> Media:
    """The media type of the answer; `kind` None when the document has no such operation.

    Refusal 406 when the client takes none that fits.
    """
    ours = _STREAM if kind is OperationType.SUBSCRIPTION else _SINGLE
    for pattern in _preferred(accept or "*/*"):
        for media in ours:
            if pattern in (media, media.split("/")[0] + "/*", "*/*"):
                return media
    raise Refusal(406, f"Accept has to name {' or '.join(ours)} for this operation.")


def _preferred(accept: str) -> list[str]:
    """The media ranges that are accepted, the most wanted first (RFC 9110 section 12.5.1)."""
    ranges = [_range(part) for part in accept.split(",")]
    accepted = [(name, q) for name, q in ranges if q > 0]
    return [name for name, _ in sorted(accepted, key=lambda it: -it[1])]


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (it.strip().lower() for it in part.split(";"))
    weights = [it[2:] for it in parameters if it.startswith("q=")]
    try:
        return name, float(weights[0]) if weights else 1.0
    except ValueError:
        return name, 0.0
