"""One id for all that comes of one request, from the mutation to the call of the API server.

It is the trace-id of W3C Trace Context, the client's if it sends a good `traceparent`
(https://www.w3.org/TR/trace-context-1), else one of ours. It lives in the context of a task: of the
request, where an intent is written with it, and of the pass that acts on that intent. Each line of
the log has it (`app.logs`).
"""

import re
from contextvars import ContextVar
from typing import Final
from uuid import UUID, uuid4

# version "-" trace-id "-" parent-id "-" flags, lower case; a later version may have more behind.
_TRACEPARENT: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?",
    re.DOTALL,
)
_LONGEST: Final = 512
_TRACE: ContextVar[UUID | None] = ContextVar("trace", default=None)


def given(traceparent: str) -> UUID | None:
    """The trace-id of this header; None when it is none."""
    found = _TRACEPARENT.fullmatch(traceparent[:_LONGEST].strip())
    if found is None or (found[1] == "00" and found[3] is not None):
        return None
    return UUID(hex=found[2])


def begin(traceparent: str = "") -> UUID:
    """The id of a request that begins in this task."""
    trace = given(traceparent) or uuid4()
    _TRACE.set(trace)
    return trace


def follow(trace: UUID | None) -> None:
    """What this task does from now on comes of that request; None: of none that is known."""
    _TRACE.set(trace)


def current() -> UUID | None:
    """The id of what this task works for."""
    return _TRACE.get()


def named() -> str:
    """It as it is shown and logged; where nothing has begun one, a new one."""
    return (current() or begin()).hex
