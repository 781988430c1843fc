"""Signing in with a password: the same answer and the same work whatever is wrong.

The hash is compared between two transactions, since no session is held across a wait; the second
opens the session only if the hash is still the one that was compared, so that nobody comes in with
a password that was changed meanwhile. Only the hash of a user whose password was made with other
parameters takes another time, until that user comes.
"""

from app.auth.entrance import Entrance
from app.auth.sessions import Credentials, Sessions
from app.db.identities import IdentityRow, PasswordRow
from app.db.session import Database, Session
from app.db.sessions import SignIn
from app.domain.errors import BadCredentials, InvalidInput
from app.domain.validation import Check
from app.domain.viewer import API, Viewer
from app.services import identities, users


class ByPassword:
    """The way in, and what its users do with their passwords."""

    def __init__(self, database: Database, entrance: Entrance, sessions: Sessions) -> None:
        self._database = database
        self._passwords = entrance.passwords
        self._throttle = entrance.throttle
        self._prefix = entrance.namespace_prefix
        self._sessions = sessions

    async def sign_up(self, login: str, password: str, sign_in: SignIn) -> Credentials:
        """Make a user; RateLimited, or InvalidInput with everything that is wrong but for whether
        it is allowed."""
        users.check_sign_up(login, password)
        await self._throttle.sign_up(self._database, sign_in.address)
        secret = await self._passwords.hashed(password)

        async def make(session: Session) -> Credentials:
            user = await users.sign_up(session, login, secret, sign_in.address, prefix=self._prefix)
            return await self._sessions.open(session, user, sign_in)

        return await self._database.transact(API, make)

    async def sign_in(
        self, login: str, password: str, sign_in: SignIn, *, registers: bool
    ) -> Credentials:
        """A session; BadCredentials, or RateLimited before anything is looked at.

        With `registers` a login that nobody has is signed up.
        """
        async with self._throttle.signing_in(self._database, sign_in.address, login):
            return await self._sign_in(login, password, sign_in, registers=registers)

    async def _sign_in(
        self, login: str, password: str, sign_in: SignIn, *, registers: bool
    ) -> Credentials:
        async with self._database.read(API) as connection:
            way = await users.password_of(connection, login)
            new = registers and way is None and await users.is_free(connection, login)
        if new:
            return await self._register(login, password, sign_in)
        secret = way.secret if way else None
        right = await self._passwords.matches(secret, password)
        opened = await self._enter(way, password, sign_in) if right and way else None
        if opened is None:
            await self._refuse(way, sign_in)
            raise BadCredentials
        return opened

    async def set_first(self, viewer: Viewer, password: str) -> IdentityRow:
        """A password for somebody who has none; InvalidInput."""
        secret = await self._new(viewer, password, "password")
        return await self._database.transact(
            viewer, lambda session: identities.set_password(session, viewer, secret)
        )

    async def change(self, viewer: Viewer, current: str, new: str) -> IdentityRow:
        """Another password; BadCredentials for a wrong current one, RateLimited, InvalidInput."""
        async with self._throttle.signing_in(self._database, viewer.grant.address, viewer.login):
            async with self._database.read(API) as connection:
                way = await users.password_of(connection, viewer.login)
            secret = way.secret if way else None
            if not await self._passwords.matches(secret, current) or way is None:
                raise BadCredentials
        secret = await self._new(viewer, new, "newPassword")
        return await self._database.transact(
            viewer, lambda session: identities.change_password(session, viewer, way, secret)
        )

    async def _enter(self, way: PasswordRow, password: str, sign_in: SignIn) -> Credentials | None:
        """A session; None when the password was changed since it was compared."""
        outdated = self._passwords.outdated(way.secret)
        kept = await self._passwords.hashed(password) if outdated else way.secret

        async def enter(session: Session) -> Credentials | None:
            if not await users.sign_in(session, way, kept, sign_in.address):
                return None
            return await self._sessions.open(session, way.user, sign_in)

        return await self._database.transact(API, enter)

    async def _new(self, viewer: Viewer, password: str, field: str) -> str:
        check = Check()
        check.password(password, viewer.login, (field,))
        check.done()
        return await self._passwords.hashed(password)

    async def _register(self, login: str, password: str, sign_in: SignIn) -> Credentials:
        try:
            return await self.sign_up(login, password, sign_in)
        except InvalidInput as wrong:
            if all(problem.field == ("password",) for problem in wrong.problems):
                raise
            # Somebody took the login between the look and the insert.
            await self._refuse(None, sign_in)
            raise BadCredentials from wrong

    async def _refuse(self, way: PasswordRow | None, sign_in: SignIn) -> None:
        async def note(session: Session) -> None:
            users.refuse_sign_in(session, way, sign_in.address)

        await self._database.transact(API, note)
