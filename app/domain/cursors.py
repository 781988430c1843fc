"""The cursor of the change streams: opaque, versioned, one number per account.

base64url of version | epoch | n × (feed number, seq), each an unsigned varint (LEB128): about ten
bytes for each account. `epoch` changes with a restore of the database, after which the numbers of
a feed may be given out again (data-layer.md section 2).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.domain import opaque

_VERSION = 1
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class StreamCursor:
    """How far a subscriber has read: per feed number the last `seq`."""

    epoch: int
    seqs: Mapping[int, int]


def encode(cursor: StreamCursor) -> str:
    """The opaque text of a cursor."""
    numbers = [cursor.epoch, *(n for pair in sorted(cursor.seqs.items()) for n in pair)]
    raw = bytes((_VERSION,)) + b"".join(_varint(number) for number in numbers)
    return opaque.encode(raw)


def decode(text: str) -> StreamCursor | None:
    """The cursor in `text`; None when it is none of ours, whatever it is."""
    raw = opaque.decode(text, _LONGEST)
    if raw is None or raw[:1] != bytes((_VERSION,)):
        return None
    try:
        numbers = list(_numbers(raw[1:]))
    except ValueError:
        return None
    if len(numbers) % 2 == 0:
        return None
    epoch, *pairs = numbers
    cursor = StreamCursor(epoch, dict(zip(pairs[::2], pairs[1::2], strict=True)))
    return cursor if encode(cursor) == text else None


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _numbers(raw: bytes) -> Iterator[int]:
    number, shift = 0, 0
    for byte in raw:
        number |= (byte & 0x7F) << shift
        shift += 7
        if shift > 63:
            raise ValueError("a varint of more than 63 bits")
        if byte < 0x80:
            yield number
            number, shift = 0, 0
    if shift:
        raise ValueError("a varint without an end")
