"""The variables of a project's sandboxes: what may be one, and what an edit makes of them. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain import limits
from app.domain.errors import InputErrorCode
from app.domain.validation import Check

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_CATEGORY = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
GENERAL = "general"
# What Mooring itself sets in every sandbox (reconciler.manifests.workload) and its terminal and
# routes hang on. How a sandbox reaches its database, DATABASE_URL and PG*, may be overridden.
RESERVED = frozenset({"PROJECT_NAME", "PORT"})
RESERVED_PREFIX = "TTYD_"

At = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable as it is; its value is not shown when it is printed."""

    key: str
    value: str = field(repr=False)
    category: str
    is_secret: bool

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key) + len(self.value.encode())


@dataclass(frozen=True, slots=True)
class Given:
    """One variable as it is asked for; None keeps what there is, or takes the default."""

    key: str
    value: str = field(repr=False)
    category: str | None = None
    is_secret: bool | None = None


Variables = Mapping[str, Variable]


def is_reserved(key: str) -> bool:
    """Whether Mooring sets it itself."""
    return key in RESERVED or key.startswith(RESERVED_PREFIX)


def check_key(check: Check, key: str, at: At) -> None:
    """A name that every shell can use and that is not reserved."""
    most = limits.VARIABLE_KEY[1]
    if not key:
        check.refuse(InputErrorCode.REQUIRED, at, f"Give 1 to {most} characters.")
    elif len(key) > most:
        check.refuse(InputErrorCode.TOO_LONG, at, f"At most {most} characters.")
    elif not _KEY.fullmatch(key):
        rule = "Use A-Z, a-z, 0-9 and _, and no digit at the beginning."
        check.refuse(InputErrorCode.INVALID, at, rule)
    elif is_reserved(key):
        check.refuse(InputErrorCode.NOT_ALLOWED, at, f"{key} is set by Mooring itself.")


def check_value(check: Check, value: str, at: At) -> None:
    """Anything that a variable can hold, empty too."""
    if "\0" in value or _SURROGATE.search(value):
        check.refuse(InputErrorCode.INVALID, at, "A value holds no NUL and no half character.")
    elif len(value.encode()) > limits.VALUE_BYTES:
        check.refuse(InputErrorCode.TOO_LONG, at, f"At most {limits.VALUE_BYTES} bytes of UTF-8.")


def check_category(check: Check, category: str | None, at: At) -> None:
    """A word that groups variables; None is no word yet."""
    most = limits.CATEGORY[1]
    if category is None:
        return
    if not category:
        check.refuse(InputErrorCode.REQUIRED, at, f"Give 1 to {most} characters.")
    elif len(category) > most:
        check.refuse(InputErrorCode.TOO_LONG, at, f"At most {most} characters.")
    elif not _CATEGORY.fullmatch(category):
        check.refuse(InputErrorCode.INVALID, at, "Use a-z, 0-9 and -, and no - at the beginning.")


def check_each(check: Check, given: Sequence[Given], at: At) -> None:
    """A list of variables, each named once."""
    if len(given) > limits.VARIABLES_PER_PROJECT:
        most = f"A project has at most {limits.VARIABLES_PER_PROJECT} variables."
        check.refuse(InputErrorCode.TOO_LONG, at, most)
        return
    seen: set[str] = set()
    for place, one in enumerate(given):
        here = (*at, str(place))
        check_key(check, one.key, (*here, "key"))
        check_value(check, one.value, (*here, "value"))
        if one.key in seen:
            check.refuse(InputErrorCode.TAKEN, (*here, "key"), "Two variables of this name.")
        seen.add(one.key)


def edited(present: Variables, given: Iterable[Given], *, without: Iterable[str] = ()) -> Variables:
    """The variables after an edit: `given` over those that are there, `without` these."""
    gone = set(without)
    after = {key: one for key, one in present.items() if key not in gone}
    for one in given:
        before = present.get(one.key)
        category = one.category or (before.category if before else GENERAL)
        is_secret = one.is_secret
        if is_secret is None:
            is_secret = before.is_secret if before else True
        after[one.key] = Variable(one.key, one.value, category, is_secret)
    return after


def check_room(check: Check, after: Variables) -> None:
    """All variables of a project together are within its limits."""
    if len(after) > limits.VARIABLES_PER_PROJECT:
        most = f"A project has at most {limits.VARIABLES_PER_PROJECT} variables."
        check.refuse(InputErrorCode.NOT_ALLOWED, (), most)
    if sum(one.size for one in after.values()) > limits.ENVIRONMENT_BYTES:
        most = f"Keys and values of a project have at most {limits.ENVIRONMENT_BYTES} bytes."
        check.refuse(InputErrorCode.NOT_ALLOWED, (), most)


def runs_with(variables: Variables) -> dict[str, str]:
    """What a sandbox sees of them: a change of the rest restarts nothing."""
    return {key: one.value for key, one in variables.items()}


def told(before: Variables, after: Variables) -> str:
    """An edit in words for the history: names, never values."""
    put = sorted(key for key, one in after.items() if before.get(key) != one)
    gone = sorted(before.keys() - after.keys())
    parts = (("Set", put), ("Deleted", gone))
    return " ".join(f"{word} {_listed(keys)}." for word, keys in parts if keys)


def _listed(keys: Sequence[str]) -> str:
    shown, rest = keys[:_SHOWN], len(keys) - _SHOWN
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


_SHOWN = 10
