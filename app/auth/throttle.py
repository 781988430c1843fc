"""How often one may: sign-ins by login and address, sign-ups by address, mutations by user.

All processes count in one table, each with a statement beside the transaction of the work. Keys are
hashed with the keys of this installation, since people type their password into the field of the
login. Who is slowed down, and why nobody can be locked out: docs/decisions/0019.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil
from typing import Final
from uuid import UUID

from app.db import throttle
from app.db.session import Database
from app.domain.errors import MooringError, RateLimited
from app.domain.throttle import Bucket, Tries, network
from app.domain.viewer import API
from app.settings import Settings

_HOUR: Final = 3600.0
_MINUTE: Final = 60.0
# How long a network is known to be the user's after a sign-in from it.
_KNOWN: Final = 30 * 86400.0


class Throttle:
    """The limits of one installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Other keys, after a rotation, count from nothing: nobody can bring that about.
        keys = settings.token_keys.get_secret_value().encode()
        self._key = hashlib.sha256(b"throttle " + keys).digest()

    @asynccontextmanager
    async def signing_in(
        self, database: Database, address: str | None, login: str | None = None
    ) -> AsyncIterator[None]:
        """One attempt to sign in, by whatever way; RateLimited when it comes too soon.

        What the caller is told to be wrong is a failure and stays counted, and so is a request that
        is cut off. What ends well makes the login's count nothing and this network a known one; any
        other error counts for nothing.
        """
        of_login, of_address = self._tries(address, login)
        tries = [*of_login, *of_address]
        if not tries:
            yield
            return
        async with database.autocommit(API) as connection:
            wait = await throttle.attempt(connection, tries, self._settings.sign_in_longest_wait)
        if wait is not None:
            raise RateLimited(ceil(wait))
        try:
            yield
        except MooringError:
            raise
        except Exception:
            async with database.autocommit(API) as connection:
                await throttle.forgive(connection, taken_back=[one.key for one in tries])
            raise
        async with database.autocommit(API) as connection:
            await throttle.forgive(
                connection,
                taken_back=[one.key for one in of_address],
                forgotten=[one.key for one in of_login],
                remembered=[one.unless for one in of_login if one.unless],
                seconds=_KNOWN,
            )

    async def sign_up(self, database: Database, address: str | None) -> None:
        """Count a sign-up; RateLimited when there were too many from this network."""
        most = self._settings.sign_ups_hourly
        if most and address is not None:
            key = self._sealed("sign-up", network(address))
            await self._take(database, key, Bucket(most, _HOUR), 1)

    async def mutate(self, database: Database, user_id: UUID, number: int) -> None:
        """Count mutations, by whatever credential of the user; RateLimited when too many."""
        most = self._settings.mutations_per_minute
        if most:
            await self._take(database, f"mutation {user_id}", Bucket(most, _MINUTE), number)

    async def _take(self, database: Database, key: str, bucket: Bucket, number: int) -> None:
        async with database.autocommit(API) as connection:
            wait = await throttle.take(connection, key, bucket, number)
        if wait is not None:
            raise RateLimited(max(ceil(wait), 1))

    def _tries(self, address: str | None, login: str | None) -> tuple[list[Tries], list[Tries]]:
        """What an attempt counts as: of its login, and of its network."""
        settings, net = self._settings, network(address or "")
        of_login: list[Tries] = []
        if login is not None and settings.sign_in_tries:
            of_login.append(Tries(self._sealed("pair", net, login), settings.sign_in_tries))
        if login is not None and settings.sign_in_tries_login:
            known = self._sealed("known", net, login)
            key = self._sealed("login", login)
            of_login.append(Tries(key, settings.sign_in_tries_login, known))
        # Without an address everybody would be the same one.
        if address is None or not settings.sign_in_tries_address:
            return of_login, []
        return of_login, [Tries(self._sealed("address", net), settings.sign_in_tries_address)]

    def _sealed(self, kind: str, *parts: str) -> str:
        text = "\0".join(parts).encode("utf-8", "surrogatepass")
        return f"{kind} {hashlib.blake2b(text, key=self._key, digest_size=16).hexdigest()}"
