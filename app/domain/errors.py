"""Errors that a caller is told about: one base, a code, a message from the class, facts as fields.

Anything that is not a `MooringError` is unexpected: it is masked to the caller as INTERNAL and
logged with a trace id. `ErrorCode` is the only enum of the API that may grow; clients read it from
`extensions.code`, where it is a string.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class ErrorCode(StrEnum):
    """What a top-level error carries in extensions.code."""

    BAD_REQUEST = "BAD_REQUEST"
    INVALID_INPUT = "INVALID_INPUT"
    INVALID_CURSOR = "INVALID_CURSOR"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    BAD_CREDENTIALS = "BAD_CREDENTIALS"
    FORBIDDEN = "FORBIDDEN"
    FRESH_SIGN_IN_REQUIRED = "FRESH_SIGN_IN_REQUIRED"
    NOT_FOUND = "NOT_FOUND"
    DELETION_REQUESTED = "DELETION_REQUESTED"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    GENERATION_MISMATCH = "GENERATION_MISMATCH"
    TOO_COMPLEX = "TOO_COMPLEX"
    RATE_LIMITED = "RATE_LIMITED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


# What each code means and what to do, and whether the same request may succeed later.
MEANING: dict[ErrorCode, tuple[str, bool]] = {
    ErrorCode.BAD_REQUEST: (
        "The request, the document, a variable or an argument is wrong. Mend the program.",
        False,
    ),
    ErrorCode.INVALID_INPUT: (
        "The input breaks rules, and `errors` was not selected; see extensions.errors.",
        False,
    ),
    ErrorCode.INVALID_CURSOR: (
        "`after` or `before` is no cursor of this list or stream. Begin again without it.",
        False,
    ),
    ErrorCode.UNAUTHENTICATED: (
        "No token, or one that is expired or revoked; extensions.reason says which. Sign in.",
        False,
    ),
    ErrorCode.BAD_CREDENTIALS: ("Wrong name or password.", False),
    ErrorCode.FORBIDDEN: (
        "This API token may not do that; extensions.scope says what it lacks, or extensions.rule"
        " why none may. Use another token, or sign in. Of a request with cookies extensions.rule"
        " says how it has to show that our own page made it.",
        False,
    ),
    ErrorCode.FRESH_SIGN_IN_REQUIRED: (
        "This needs a sign-in of the last minutes; extensions.within says how many seconds."
        " Sign in again, then repeat it.",
        False,
    ),
    ErrorCode.NOT_FOUND: ("Nothing by this id that the viewer may see.", False),
    ErrorCode.DELETION_REQUESTED: (
        "It is being deleted; only delete and retry are accepted.",
        False,
    ),
    ErrorCode.IDEMPOTENCY_CONFLICT: (
        "The idempotency key was used with another input.",
        False,
    ),
    ErrorCode.GENERATION_MISMATCH: (
        "Something else has been wanted of it since `ifGeneration`: extensions.generation is its"
        " generation now. Nothing was changed. Read it again, then decide anew.",
        False,
    ),
    ErrorCode.TOO_COMPLEX: (
        "The operation is too long, too deep or costs too much; extensions say the limit."
        " Ask for less.",
        False,
    ),
    ErrorCode.RATE_LIMITED: (
        "Too many requests. Wait for extensions.retryAfter seconds.",
        True,
    ),
    ErrorCode.UNAVAILABLE: (
        "Mooring's database is away or has too much to do. Wait for extensions.retryAfter seconds,"
        " then repeat it; a mutation may have been done all the same.",
        True,
    ),
    ErrorCode.INTERNAL: (
        "Our fault. Try again; report extensions.traceId if it stays.",
        True,
    ),
}


class InputErrorCode(StrEnum):
    """Which rule an input breaks."""

    REQUIRED = "REQUIRED"
    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"
    INVALID = "INVALID"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    TAKEN = "TAKEN"
    NOT_FOUND = "NOT_FOUND"
    NOT_ALLOWED = "NOT_ALLOWED"


@dataclass(frozen=True, slots=True)
class InputProblem:
    """One rule that an input breaks; `field` is the way from the input down, () for all of it."""

    code: InputErrorCode
    field: tuple[str, ...]
    message: str


class MooringError(Exception):
    """The base: `code` and `message` from the class, `facts` for extensions, cause kept."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL
    message: ClassVar[str] = MEANING[ErrorCode.INTERNAL][0]

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.message)

    @property
    def extensions(self) -> dict[str, object]:
        """What a GraphQL error of this carries (graphql-core reads it by this name)."""
        return {"code": self.code.value, **self.facts}


class BadRequest(MooringError):
    """An argument is wrong; facts: `field`, `rule`."""

    code = ErrorCode.BAD_REQUEST
    message = "An argument is wrong; extensions.rule says how."

    def __init__(self, rule: str, field: Sequence[str] = ()) -> None:
        super().__init__(field=list(field), rule=rule)


class InvalidInput(MooringError):
    """The input breaks rules, all of which are listed."""

    code = ErrorCode.INVALID_INPUT
    message = "The input breaks rules; see extensions.errors."

    def __init__(self, problems: Sequence[InputProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            errors=[
                {"code": p.code.value, "field": list(p.field), "message": p.message}
                for p in self.problems
            ]
        )


class InvalidCursor(MooringError):
    """A cursor that is none of this list or stream; fact: `field`, or `header`."""

    code = ErrorCode.INVALID_CURSOR
    message = "This is no cursor of this list or stream. Begin again without it."


class Unauthenticated(MooringError):
    """No viewer; fact: `reason`, one of MISSING, MALFORMED, EXPIRED, REVOKED."""

    code = ErrorCode.UNAUTHENTICATED
    message = "Sign in: send a valid token as `Authorization: Bearer …`, or in connection_init."


class TooComplex(MooringError):
    """The document asks for too much; facts: `measure` (what was counted) and its `limit`."""

    code = ErrorCode.TOO_COMPLEX
    message = "The operation is too large: extensions say the measure and its limit. Ask for less."

    def __init__(self, measure: str, limit: int) -> None:
        super().__init__(measure=measure, limit=limit)


class BadCredentials(MooringError):
    """Wrong name or password, whichever of the two."""

    code = ErrorCode.BAD_CREDENTIALS
    message = "Wrong name or password."


class BadVoucher(BadCredentials):
    """A provider's token that is not good, or of somebody who is unknown here."""

    message = "The provider's token is not good, or nobody here signs in with it."


class Forbidden(MooringError):
    """An API token that may not; facts: `scope` that it lacks, or `rule`."""

    code = ErrorCode.FORBIDDEN
    message = "This API token may not do that. Use one with the scope that is named, or sign in."


class ForeignSite(MooringError):
    """A request with our cookies that another site may have made; fact: `rule`."""

    code = ErrorCode.FORBIDDEN
    message = "Cookies are good from our own pages alone; extensions.rule says what is missing."


class FreshSignInRequired(MooringError):
    """The sign-in is too long ago for this; fact: `within`, seconds."""

    code = ErrorCode.FRESH_SIGN_IN_REQUIRED
    message = "Sign in again, then repeat this within extensions.within seconds."


class RateLimited(MooringError):
    """Too many requests; fact: `retryAfter`, whole seconds."""

    code = ErrorCode.RATE_LIMITED
    message = "Too many requests. Wait for extensions.retryAfter seconds."

    def __init__(self, retry_after: int) -> None:
        super().__init__(retryAfter=retry_after)


class Unavailable(MooringError):
    """Postgres is away, or all connections to it are in use; fact: `retryAfter`, whole seconds."""

    code = ErrorCode.UNAVAILABLE
    message = MEANING[ErrorCode.UNAVAILABLE][0]

    def __init__(self, retry_after: int) -> None:
        super().__init__(retryAfter=retry_after)


class NotFound(MooringError):
    """Absent and forbidden look alike; fact: `field`."""

    code = ErrorCode.NOT_FOUND
    message = "There is nothing by this id that you may see."


class DeletionRequested(MooringError):
    """DELETED is desired, which is never taken back."""

    code = ErrorCode.DELETION_REQUESTED
    message = "It is being deleted; only delete and retry are accepted."


class GenerationMismatch(MooringError):
    """It is at another generation than the one that was given; facts: `field`, `generation`."""

    code = ErrorCode.GENERATION_MISMATCH
    message = "Something else has been wanted of it since. Nothing was changed; read it again."

    def __init__(self, generation: int) -> None:
        super().__init__(field=["ifGeneration"], generation=generation)


class IdempotencyConflict(MooringError):
    """The key was used with another input within 24 hours."""

    code = ErrorCode.IDEMPOTENCY_CONFLICT
    message = "This idempotency key was used with another input. Use a new key."
