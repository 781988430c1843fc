"""Identifiers: UUIDv7 for rows, opaque global ids for the API.

Rows get their key in Python, so that an intent knows its ids before it is written; version 7 keeps
them in order of creation, which makes the key the index of "newest first" too. A global id is a
version byte, a type byte and the key, base64url without padding: clients must not read it, and the
version lets its form change while old ids still work.
"""

import secrets
import time
from enum import IntEnum
from uuid import UUID

from app.domain import opaque

_VERSION = 1


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


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, the rest random."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | secrets.randbits(80)
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return UUID(int=value | 0x7 << 76 | 0x2 << 62)


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
