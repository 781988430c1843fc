"""Verbs of sign-up and sign-in, whatever way somebody comes."""

from app.db import accounts, identities
from app.db.accounts import PASSWORD, UserRow
from app.db.audit import Entry, Outcome
from app.db.identities import PasswordRow
from app.db.rows import Executor
from app.db.session import Session
from app.domain.errors import InputErrorCode
from app.domain.names import namespace_name
from app.domain.validation import Check
from app.domain.viewer import Actor, ActorKind


def check_sign_up(login: str, password: str) -> None:
    """InvalidInput with everything that is wrong."""
    check = Check()
    check.login(login, ("login",))
    check.password(password, login, ("password",))
    check.done()


async def sign_up(
    session: Session, login: str, secret: str, address: str | None, *, prefix: str
) -> UserRow:
    """Make a user whose password hashes to `secret`; InvalidInput TAKEN for a known login.

    `prefix` begins the name of the account's namespace.
    """
    made = await accounts.create(session, login, secret, namespace_name(prefix, login))
    check = Check()
    if made is None:
        check.refuse(InputErrorCode.TAKEN, ("login",), "Someone has this login; choose another.")
    check.done()
    assert made is not None
    noted(session, "user.sign-up", made, PASSWORD, address)
    return made


async def password_of(executor: Executor, login: str) -> PasswordRow | None:
    """How `login` signs in with a password; the hash is compared outside any session."""
    # No login has other characters, and Postgres takes neither NUL nor half a character.
    return await identities.password_of(executor, login) if Check.is_login(login) else None


async def is_free(executor: Executor, login: str) -> bool:
    """Whether somebody new could have this login."""
    check = Check()
    check.login(login, ("login",))
    return not check.problems and not await accounts.is_taken(executor, login)


async def sign_in(session: Session, way: PasswordRow, secret: str, address: str | None) -> bool:
    """Note a sign-in with the right password, and keep `secret` as its hash; False if it is no more
    the one that was compared."""
    if not await identities.rehash(session, way.id, way.secret, secret):
        return False
    await identities.used(session, way.id)
    noted(session, "sign-in.done", way.user, PASSWORD, address)
    return True


def refuse_sign_in(session: Session, way: PasswordRow | None, address: str | None) -> None:
    """Note a sign-in with a wrong login or password.

    Of an unknown login nothing is kept: people type their password into that field. The line is not
    the user's doing, but the user may see it.
    """
    session.entries.append(
        Entry(
            action="sign-in.refused",
            outcome=Outcome.REFUSED,
            account_id=way.home if way else None,
            subject_type="User" if way else None,
            subject_id=way.user.id if way else None,
            subject_name=way.user.login if way else None,
            detail={"provider": PASSWORD},
            actor=Actor(ActorKind.SYSTEM, "api", address=address),
        )
    )


def noted(session: Session, action: str, user: UserRow, provider: str, address: str | None) -> None:
    """Note what somebody did who was nobody when the request came."""
    session.entries.append(
        Entry(
            action=action,
            subject_type="User",
            subject_id=user.id,
            subject_name=user.login,
            detail={"provider": provider},
            actor=Actor(ActorKind.USER, user.login, user.id, address=address),
        )
    )
