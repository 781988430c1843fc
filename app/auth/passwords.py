"""Passwords as argon2id hashes (RFC 9106, the parameters of argon2-cffi's low-memory profile).

Hashing takes tens of milliseconds and 64 MiB, so it runs in a thread, two at a time.
"""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_slots = asyncio.Semaphore(2)
# The same work for an unknown user as for a wrong password.
_NOBODY = _hasher.hash("nobody has this password")


async def hashed(password: str) -> str:
    """The hash to keep."""
    async with _slots:
        return await asyncio.to_thread(_hasher.hash, _bytes(password))


async def matches(secret: str | None, password: str) -> bool:
    """Whether `password` is the one behind `secret`; None is nobody's."""
    async with _slots:
        right = await asyncio.to_thread(_verify, secret or _NOBODY, password)
    return right and secret is not None


def _verify(secret: str, password: str) -> bool:
    try:
        return _hasher.verify(secret, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def _bytes(password: str) -> bytes:
    # A JSON string may hold half a character; that is a wrong password, not our fault.
    return password.encode("utf-8", "surrogatepass")
