"""Bytes as text that clients keep and do not read: base64url without padding (RFC 4648 section 5).

What ids and cursors are made of. Several texts can stand for the same bytes; only the one that
`encode` gives is taken, so that a thing has one name.
"""

import base64
import binascii


def encode(raw: bytes) -> str:
    """The text of `raw`."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str, longest: int) -> bytes | None:
    """The bytes behind `text` of at most `longest` characters; None when it has none."""
    if len(text) > longest or not text.isascii():
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if encode(raw) == text else None
