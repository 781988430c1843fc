"""Objects whose secrets are not shown when they are printed, as in a log or a debugger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def hiding(*names: str) -> Callable[[type[T]], type[T]]:
    """Of a Strawberry type or input: print it without the values of these fields.

    Strawberry's own `field` has no such option.
    """

    def decorate(cls: type[T]) -> type[T]:
        for one in fields(cls):  # type: ignore[arg-type]
            if one.name in names:
                one.repr = False
        cls.__repr__ = _printed  # type: ignore[method-assign]
        return cls

    return decorate


def _printed(self: Any) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"
