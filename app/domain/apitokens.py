"""What an API token looks like: `mooring_`, 36 random characters, and 6 that check the rest.

The form is GitHub's (https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/):
a prefix that names whose it is, `_` so that a double click takes it whole and that it is no base64,
and a CRC-32 in base62 by which a scanner, and we, tell a token from what merely resembles one
without asking a database.

What is kept is SHA-256 and not argon2: 36 characters of 62 are 214 bits that nobody chose, so there
is no list to try, and a slow hash would cost each request tens of milliseconds for nothing.
"""

import hashlib
import re
import secrets
import string
import zlib
from typing import Final

PREFIX: Final = "mooring_"
# Characters of a token that lists show: the prefix, and 24 bits of 214.
_HINT: Final = len(PREFIX) + 4
_RANDOM: Final = 36
_CHECK: Final = 6
_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
# What scanners look for; docs/guide/api-tokens.md has it too.
PATTERN: Final = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM + _CHECK}}}", re.ASCII)


def new() -> str:
    """A token that nobody has."""
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return body + _check(body)


def resembles(text: str) -> bool:
    """Whether it is meant to be one, and no other kind of token."""
    return text.startswith(PREFIX)


def is_one(text: str) -> bool:
    """Whether it could be a token of ours, to its last character."""
    return bool(PATTERN.fullmatch(text)) and _check(text[:-_CHECK]) == text[-_CHECK:]


def digest(text: str) -> bytes:
    """What is kept of it, by which it is found: SHA-256, 32 bytes."""
    return hashlib.sha256(text.encode("ascii")).digest()


def hint(text: str) -> str:
    """The beginning, by which its owner knows it again."""
    return text[:_HINT]


def _check(body: str) -> str:
    rest, digits = zlib.crc32(body.encode("ascii")), ""
    for _ in range(_CHECK):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
