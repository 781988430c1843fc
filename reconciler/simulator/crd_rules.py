"""How kube-apiserver says that an object breaks the schema of its CRD, or a CEL rule of it."""

import re
from collections.abc import Iterator
from typing import Any

from reconciler.simulator.names import invalid_value, unsupported
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Cause

# With these the object is no longer what CEL rules are written for.
TYPED = frozenset(
    {
        "FieldValueRequired",
        "FieldValueNotSupported",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
UNCHECKED = Cause(
    "FieldValueInvalid",
    "Invalid value: null: some validation rules were not checked because the object was invalid;"
    " correct the existing errors to complete validation",
    "<nil>",
)


def whole(causes: Iterator[Cause]) -> list[Cause]:
    """All of them, and that rules were left out."""
    found = list(causes)
    untyped = any(cause.reason in TYPED for cause in found)
    return [*found, UNCHECKED] if untyped else found


def text(owner: Json, field: str, at: str, longest: int, pattern: str = "") -> Iterator[Cause]:
    """A field of `owner`, which is at `at`, if it is there."""
    value, where = owner.get(field), f"{at}.{field}"
    if value is None:
        return
    if len(value) > longest:
        said = f"Too long: may not be more than {longest} bytes"
        yield Cause("FieldValueTooLong", said, where)
    yield from matching(value, where, pattern)


def matching(value: str, where: str, pattern: str) -> list[Cause]:
    """`where` is the path of the value."""
    if not pattern or re.match(pattern, value):
        return []
    return [invalid_value(f'"{value}"', f"{where} in body should match '{pattern}'", where)]


def within(value: int, where: str, least: int, most: int) -> list[Cause]:
    if value < least:
        bound = f"greater than or equal to {least}"
    elif value > most:
        bound = f"less than or equal to {most}"
    else:
        return []
    return [invalid_value(str(value), f"{where} in body should be {bound}", where)]


def broken(rule: str, where: str) -> Cause:
    """A CEL rule on a list or an object: its value is not shown."""
    return Cause("FieldValueInvalid", f"Invalid value: {rule}", where)


def one_of(given: Any, allowed: tuple[str, ...], where: str) -> list[Cause]:
    return [] if given in allowed else [unsupported(str(given), allowed, where)]


def mistyped(got: str, wanted: str, where: str) -> list[Cause]:
    """`got` and `wanted` are types of JSON's schema."""
    why = f'{where} in body must be of type {wanted}: "{got}"'
    cause = Cause("FieldValueTypeInvalid", f'Invalid value: "{got}": {why}', where)
    return [cause, UNCHECKED]
