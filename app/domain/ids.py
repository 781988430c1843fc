"""Identifiers: UUIDv7 for rows, opaque global ids for the API.

Rows get their key in Python, so that an intent knows its ids before it is written; version 7 keeps
them in order of creation, which makes the key the index of "newest first" too. One process makes
them strictly in order, within a millisecond as well: what one mutation makes is listed as it was
asked for. A global id is a
version byte, a type byte and the key, base64url without padding: clients must not read it, and the
version lets its form change while old ids still work.
"""

import secrets
import time
from enum import IntEnum
from uuid import UUID

from app.domain import opaque

_VERSION = 1
# Steps of a millisecond that fit into the 12 bits behind it.
_STEPS = 1 << 12


class NodeType(IntEnum):
    """The types behind global ids; the numbers are part of every id ever given out."""

    USER = 1
    PROJECT = 2
    SANDBOX = 3
    DATABASE = 4
    CHANGE = 5
    IDENTITY = 6
    SESSION = 7
    API_TOKEN = 8
    SETTING = 9
    VARIABLE = 10
    AUDIT_ENTRY = 11

    @property
    def type_name(self) -> str:
        """Its type in the schema."""
        return "".join(part.capitalize() for part in self.name.split("_"))


class _Clock:
    """Steps of 1/4096 ms, of which none comes twice in this process."""

    def __init__(self) -> None:
        self._last = 0

    def step(self) -> int:
        """Now, or the next after the last one where the clock stands still or goes back."""
        self._last = max(time.time_ns() * _STEPS // 1_000_000, self._last + 1)
        return self._last


_CLOCK = _Clock()


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 section 5.7), greater than each one before it of this process.

    48 bits of Unix milliseconds, 12 of what the clock has below them (section 6.2, method 3, as
    PostgreSQL's uuidv7() does it), 62 random.
    """
    milliseconds, rest = divmod(_CLOCK.step(), _STEPS)
    value = milliseconds << 80 | 0x7 << 76 | rest << 64 | 0x2 << 62
    return UUID(int=value | secrets.randbits(62))


def encode(node_type: NodeType, key: UUID, suffix: int | None = None) -> str:
    """The global id of a row; `suffix` tells rows apart that share a key (a change's number)."""
    raw = bytes((_VERSION, node_type)) + key.bytes
    if suffix is not None:
        raw += suffix.to_bytes(8, "big", signed=True)
    return opaque.encode(raw)


def of_type(name: str | None, key: UUID | None) -> str | None:
    """The global id of a row whose type in the schema is `name`; None for one without ids."""
    kind = next((kind for kind in NodeType if kind.type_name == name), None)
    return None if kind is None or key is None else encode(kind, key)


def decode(global_id: str) -> tuple[NodeType, UUID, int | None] | None:
    """What a global id stands for; None when it is none of ours, whatever it is."""
    raw = opaque.decode(global_id, 40)
    if raw is None or raw[:1] != bytes((_VERSION,)) or len(raw) not in (18, 26):
        return None
    if raw[1] not in set(NodeType):
        return None
    suffix = int.from_bytes(raw[18:], "big", signed=True) if len(raw) == 26 else None
    return NodeType(raw[1]), UUID(bytes=raw[2:18]), suffix
