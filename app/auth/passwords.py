"""Passwords as argon2id hashes (RFC 9106) with the parameters of the settings.

Hashing takes tens of milliseconds and 64 MiB, so it runs in a thread, two at a time.
"""

import asyncio
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.settings import Settings

_AT_ONCE = 2


class Passwords:
    """Makes and compares hashes."""

    def __init__(self, settings: Settings) -> None:
        self._hasher = PasswordHasher(
            memory_cost=settings.password_memory,
            time_cost=settings.password_time,
            parallelism=settings.password_parallelism,
        )
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def hashed(self, password: str) -> str:
        """The hash to keep."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def matches(self, secret: str | None, password: str) -> bool:
        """Whether `password` is the one behind `secret`; None is nobody's, at the same cost."""
        async with self._slots:
            return await asyncio.to_thread(self._verify, secret, password)

    def outdated(self, secret: str) -> bool:
        """Whether `secret` was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(secret)

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash("nobody has this password")

    def _verify(self, secret: str | None, password: str) -> bool:
        try:
            right = self._hasher.verify(secret or self._nobody, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False
        return right and secret is not None


def _bytes(password: str) -> bytes:
    # A JSON string may hold half a character; that is a wrong password, not our fault.
    return password.encode("utf-8", "surrogatepass")
