"""Signing in with a password: the same answer and the same work whatever is wrong.

The hash is compared between two transactions, since no session is held across a wait. Only the hash
of a user whose password was made with other parameters takes another time, until that user comes.
"""

from app.auth.entrance import Entrance
from app.db.accounts import UserRow
from app.db.identities import PasswordRow, rehash
from app.db.session import Database, Session
from app.domain.errors import BadCredentials, InvalidInput
from app.domain.viewer import API
from app.services import users


async def sign_up(
    database: Database, entrance: Entrance, login: str, password: str, address: str | None
) -> UserRow:
    """Make a user; RateLimited, or InvalidInput with everything that is wrong but for whether it
    is allowed."""
    users.check_sign_up(login, password)
    await entrance.throttle.sign_up(database, address)
    secret = await entrance.passwords.hashed(password)
    return await database.transact(
        API, lambda session: users.sign_up(session, login, secret, address)
    )


async def sign_in(
    database: Database,
    entrance: Entrance,
    login: str,
    password: str,
    address: str | None,
    *,
    registers: bool,
) -> UserRow:
    """Who signs in; BadCredentials, or RateLimited before anything is looked at.

    With `registers` a login that nobody has is signed up.
    """
    async with entrance.throttle.signing_in(database, address, login):
        return await _sign_in(database, entrance, login, password, address, registers=registers)


async def _sign_in(
    database: Database,
    entrance: Entrance,
    login: str,
    password: str,
    address: str | None,
    *,
    registers: bool,
) -> UserRow:
    passwords = entrance.passwords
    async with database.read(API) as connection:
        way = await users.password_of(connection, login)
        new = registers and way is None and await users.is_free(connection, login)
    if new:
        return await _register(database, entrance, login, password, address)
    if not await passwords.matches(way.secret if way else None, password) or way is None:
        await _refuse(database, way, address)
        raise BadCredentials
    again = await passwords.hashed(password) if passwords.outdated(way.secret) else None

    async def enter(session: Session) -> None:
        if again:
            await rehash(session, way.id, way.secret, again)
        await users.sign_in(session, way, address)

    await database.transact(API, enter)
    return way.user


async def _register(
    database: Database, entrance: Entrance, login: str, password: str, address: str | None
) -> UserRow:
    try:
        return await sign_up(database, entrance, login, password, address)
    except InvalidInput as wrong:
        if all(problem.field == ("password",) for problem in wrong.problems):
            raise
        # Somebody took the login between the look and the insert.
        await _refuse(database, None, address)
        raise BadCredentials from wrong


async def _refuse(database: Database, way: PasswordRow | None, address: str | None) -> None:
    async def note(session: Session) -> None:
        users.refuse_sign_in(session, way, address)

    await database.transact(API, note)
