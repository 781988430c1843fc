"""Pages of ordered lists: what is asked for, where an item stands, what a page says of the rest.

Relay's rules (GraphQL Cursor Connections Specification, section 4, Pagination algorithm), pure. A
list is walked from one end, or from the cursor on that side, for one item more than asked: that one
says whether there is more. A cursor is the item's place in its order, not its number, so what comes
and goes elsewhere moves nothing.

A list cursor is opaque: version | which list, order and filter (8 bytes of SHA-256) | tie breaker
(16 bytes) | key. One of another list is refused, for its place means nothing in this one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Generic, TypeVar
from uuid import UUID

from app.domain import limits, opaque
from app.domain.errors import BadRequest, InvalidCursor

_VERSION = b"\x01"
# The longest key is a folded name: 100 characters of at most 3 after folding, 4 bytes each.
_LONGEST = 2048
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)

Key = datetime | int | str
T = TypeVar("T")


class Direction(StrEnum):
    """Which way a list is ordered."""

    ASC = "ASC"
    DESC = "DESC"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands: what its list is ordered by, and what tells equal ones apart."""

    key: Key
    id: UUID


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, in its order."""

    items: tuple[T, ...]
    has_next: bool
    has_previous: bool


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked for: the first `most` between two places, or the last (`backward`)."""

    most: int = limits.PAGE_DEFAULT
    backward: bool = False
    after: Place | None = None
    before: Place | None = None

    @property
    def origin(self) -> Place | None:
        """The place from which the list is walked; None: from its end on that side."""
        return self.before if self.backward else self.after

    @property
    def limit(self) -> Place | None:
        """The place before which the walk ends; None: at the list's other end."""
        return self.after if self.backward else self.before

    def page(self, walked: Sequence[T], *, behind: bool) -> Page[T]:
        """The page from up to `most` + 1 items in the order of the walk.

        `behind`: something stands at `origin` or on its other side.
        """
        more = len(walked) > self.most
        items = tuple(walked[: self.most])
        if self.backward:
            return Page(items[::-1], has_next=behind, has_previous=more)
        return Page(items, has_next=more, has_previous=behind)


@dataclass(frozen=True, slots=True)
class Asked:
    """The four arguments of a connection, None where one is left out."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    def window(self, scope: str, key: type[Key]) -> Window:
        """What is asked for of the list `scope`, ordered by a `key`.

        BadRequest and InvalidCursor name the argument.
        """
        if self.first is not None and self.last is not None:
            raise BadRequest("Give first or last, not both.", ("last",))
        backward = self.last is not None
        most = self.last if backward else self.first
        if most is not None and not 1 <= most <= limits.PAGE_MOST:
            name = "last" if backward else "first"
            raise BadRequest(f"From 1 to {limits.PAGE_MOST}.", (name,))
        return Window(
            limits.PAGE_DEFAULT if most is None else most,
            backward,
            _place("after", self.after, scope, key),
            _place("before", self.before, scope, key),
        )


def encode(scope: str, place: Place) -> str:
    """The cursor of the item at `place` in the list `scope`."""
    return opaque.encode(_VERSION + _digest(scope) + place.id.bytes + _key_bytes(place.key))


def decode(text: str, scope: str, key: type[Key]) -> Place | None:
    """The place in `text`; None when it is no cursor of this list, whatever it is."""
    raw = opaque.decode(text, _LONGEST)
    head = _VERSION + _digest(scope)
    if raw is None or not raw.startswith(head) or len(raw) < len(head) + 16:
        return None
    rest = raw[len(head) :]
    found = _key(rest[16:], key)
    return None if found is None else Place(found, UUID(bytes=rest[:16]))


def _place(name: str, text: str | None, scope: str, key: type[Key]) -> Place | None:
    if text is None:
        return None
    found = decode(text, scope, key)
    if found is None:
        raise InvalidCursor(field=[name])
    return found


def _digest(scope: str) -> bytes:
    return sha256(scope.encode()).digest()[:8]


def _key_bytes(key: Key) -> bytes:
    if isinstance(key, str):
        return key.encode()
    number = (key - _EPOCH) // _TICK if isinstance(key, datetime) else key
    return number.to_bytes(8, "big", signed=True)


def _key(raw: bytes, key: type[Key]) -> Key | None:
    try:
        if key is str:
            text = raw.decode()
            return None if "\0" in text else text
        if len(raw) != 8:
            return None
        number = int.from_bytes(raw, "big", signed=True)
        return _EPOCH + number * _TICK if key is datetime else number
    except (UnicodeDecodeError, OverflowError):
        return None
