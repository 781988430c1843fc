"""Where every sign-in ends, and what it is worth afterwards: sessions and their two tokens.

Whoever vouches for a user calls `open` in the transaction that found or made the user. An access
token is read here and then looked up with its session, in one statement, so that what was revoked
is refused at once. That a session was used is written down by a task of its own, of all at once and
no more than once a minute: the request does not wait for it.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from app.auth.tokens import AccessClaims, Tokens
from app.db import accounts
from app.db import sessions as rows
from app.db.accounts import UserRow
from app.db.session import AWAY, Database, Session
from app.db.sessions import SessionRow, SignIn, Terms
from app.domain.errors import Unauthenticated
from app.domain.sessions import Presented
from app.domain.viewer import API, Viewer
from app.services import sessions
from app.services.sessions import Refused
from app.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody who signed in holds, and until when each is good."""

    user: UserRow
    session_id: UUID
    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str = field(repr=False)
    refresh_expires_at: datetime


class Sessions:
    """Opens, renews and reads the sessions of this installation."""

    def __init__(self, settings: Settings) -> None:
        self.tokens = Tokens(settings.token_keys.get_secret_value())
        self.terms = Terms(
            access=timedelta(seconds=settings.token_lifetime),
            idle=timedelta(seconds=settings.session_idle),
            longest=timedelta(seconds=settings.session_lifetime),
            grace=timedelta(seconds=settings.refresh_grace),
        )
        self._used: set[UUID] = set()

    async def open(self, session: Session, user: UserRow, sign_in: SignIn) -> Credentials:
        """A session of a user whom a provider has vouched for."""
        row = await sessions.open_session(session, self.terms, user, sign_in)
        return self._credentials(user, row)

    async def renew(
        self, database: Database, refresh_token: str, address: str | None
    ) -> Credentials:
        """New tokens for a refresh token; Unauthenticated with reason MALFORMED, EXPIRED or
        REVOKED. One that was used before ends its session."""
        presented = self.tokens.read_refresh(refresh_token)
        renewed = await database.transact(
            API, lambda session: sessions.renew(session, self.terms, presented, address)
        )
        if isinstance(renewed, Refused):
            raise Unauthenticated(reason=renewed.reason)
        return self._credentials(*renewed)

    async def leave(self, database: Database, refresh_token: str, address: str | None) -> None:
        """End the session of a refresh token, old ones included; of one that is none, nothing."""
        try:
            presented = self.tokens.read_refresh(refresh_token)
        except Unauthenticated:
            return
        await database.transact(API, lambda session: sessions.leave(session, presented, address))

    async def viewer(self, database: Database, user_id: UUID, session_id: UUID) -> Viewer:
        """Who asks in a session; Unauthenticated with reason EXPIRED or REVOKED."""
        async with database.read(API) as connection:
            found = await accounts.viewer(connection, user_id, session_id)
        self._used.add(session_id)
        return found

    async def run(self, database: Database, every: float = 60) -> None:
        """Write down for ever which were used."""
        while True:
            await asyncio.sleep(every)
            used, self._used = self._used, set()
            if not used:
                continue
            try:
                async with database.begin(API) as session:
                    await rows.used(session, used)
            except AWAY as error:
                log.warning("the use of sessions cannot be noted", error=repr(error))

    def _credentials(self, user: UserRow, row: SessionRow) -> Credentials:
        # A JWT counts in whole seconds (RFC 7519 section 2).
        access_until = row.access_until.replace(microsecond=0)
        expires_at = row.expires_at.replace(microsecond=0)
        return Credentials(
            user,
            row.id,
            self.tokens.access(AccessClaims(user.id, row.id, access_until)),
            access_until,
            self.tokens.refresh(Presented(user.id, row.id, row.rotation), expires_at),
            expires_at,
        )
