"""Verbs of sign-up and sign-in."""

from app.db import accounts
from app.db.accounts import UserRow
from app.db.rows import Executor
from app.db.session import Session
from app.domain.errors import InputErrorCode
from app.domain.validation import Check


def check_sign_up(login: str, password: str) -> None:
    """InvalidInput with everything that is wrong."""
    check = Check()
    check.login(login, ("login",))
    check.password(password, ("password",))
    check.done()


async def sign_up(session: Session, login: str, secret: str) -> UserRow:
    """Make a user whose password hashes to `secret`; InvalidInput TAKEN for a known login."""
    made = await accounts.create(session, login, secret)
    check = Check()
    if made is None:
        check.refuse(InputErrorCode.TAKEN, ("login",), "Someone has this login; choose another.")
    check.done()
    assert made is not None
    return made


async def sign_in(executor: Executor, login: str) -> tuple[UserRow | None, str | None]:
    """Who signs in as `login`, and the hash to compare; the caller verifies outside any session."""
    # No login has other characters, and Postgres takes neither NUL nor half a character.
    found = await accounts.password_of(executor, login) if Check.is_login(login) else None
    return found or (None, None)
