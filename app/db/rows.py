"""From a result's rows to frozen dataclasses, whose fields are the columns by name and order.

Hot statements are `text()`; this is all the mapping they need. `columns` spells a SELECT list, so
that the statement and the dataclass cannot drift apart; `read` turns strings into their enums.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_type_hints

from sqlalchemy import CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

# Whatever can execute a statement: a connection for reads, a session inside a transaction.
Executor = AsyncConnection | AsyncSession

T = TypeVar("T")


def columns(cls: type[Any], table: str, **computed: str) -> str:
    """The SELECT list for `cls`: `table.field`, or the expression given for that field."""
    return ", ".join(
        f"{computed[f.name]} AS {f.name}" if f.name in computed else f"{table}.{f.name}"
        for f in fields(cls)
    )


def read(cls: type[T], result: Iterable[Sequence[Any]]) -> list[T]:
    """All rows as `cls`."""
    make = _maker(cast("Any", cls))
    # One by one each would be fetched by calls of its own.
    rows = result.all() if isinstance(result, CursorResult) else result
    return [make(row) for row in rows]


def filled(values: list[Any]) -> list[Any] | None:
    """One array of several for `unnest`, or None if nothing is in it: Postgres fills up the short
    ones with NULL, and neither side looks at each. At least one of them must be whole."""
    return values if any(value is not None for value in values) else None


@cache
def _maker(cls: type[Any]) -> Callable[[Sequence[Any]], Any]:
    hints = get_type_hints(cls).values()
    enums = [
        (place, {member.value: member for member in enum})
        for place, hint in enumerate(hints)
        if (enum := _enum_in(hint))
    ]
    width = len(hints)

    def make(row: Sequence[Any]) -> Any:
        values = list(row)
        if len(values) != width:
            raise ValueError(f"{len(values)} columns for the {width} fields of {cls.__name__}")
        for place, members in enums:
            if values[place] is not None:
                values[place] = members[values[place]]
        return cls(*values)

    return make


def _enum_in(hint: Any) -> type[Enum] | None:
    options = get_args(hint) or (hint,)
    return next((o for o in options if isinstance(o, type) and issubclass(o, Enum)), None)
