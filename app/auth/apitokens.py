"""Who asks with an API token, and the note that it was used.

The checksum is looked at first: what merely resembles a token never reaches Postgres. That a token
was used is noted by a task of its own, once a minute at most: the request does not wait for it.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from app.db import apitokens
from app.db.session import AWAY, Database
from app.domain import apitokens as form
from app.domain.errors import Unauthenticated
from app.domain.viewer import API, Viewer

log = structlog.get_logger(__name__)
# How exact lastUsedAt is, and how long a burst of first uses is gathered.
_EXACT = timedelta(minutes=1)
_GATHER = 1.0


class ApiTokens:
    """The API tokens that come to one process."""

    def __init__(self) -> None:
        self._used: set[UUID] = set()
        self._some = asyncio.Event()

    async def viewer(self, database: Database, token: str) -> Viewer:
        """Who asks with `token`; Unauthenticated with reason MALFORMED, REVOKED or EXPIRED."""
        if not form.is_one(token):
            raise Unauthenticated(reason="MALFORMED")
        async with database.read(API) as connection:
            found = await apitokens.presented(connection, form.digest(token))
        if found is None:
            raise Unauthenticated(reason="REVOKED")
        now = datetime.now(UTC)
        if found.viewer.expires_at <= now:
            raise Unauthenticated(reason="EXPIRED")
        if found.last_used_at is None or found.last_used_at < now - _EXACT:
            self._note(found.viewer.grant.token_id)
        return found.viewer

    async def run(self, database: Database) -> None:
        """Write down for ever which were used."""
        while True:
            await self._some.wait()
            self._some.clear()
            used, self._used = self._used, set()
            try:
                async with database.begin(API) as session:
                    await apitokens.touch(session, used)
            except AWAY as error:
                log.warning("the use of API tokens cannot be noted", error=repr(error))
            await asyncio.sleep(_GATHER)

    def _note(self, token_id: UUID | None) -> None:
        if token_id is not None:
            self._used.add(token_id)
            self._some.set()
