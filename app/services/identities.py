"""Verbs on the ways to sign in: who comes by one, and which ones a user has.

To change them one has to have signed in lately, and no API token may: whoever finds a token or an
open browser would else let himself in for good.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from app.db import accounts, identities
from app.db import sessions as db_sessions
from app.db.accounts import PASSWORD, UserRow
from app.db.audit import Entry, Outcome
from app.db.identities import IdentityRow, PasswordRow, Sealed
from app.db.session import Session
from app.domain import limits
from app.domain.errors import (
    BadCredentials,
    Forbidden,
    FreshSignInRequired,
    InputErrorCode,
    InputProblem,
    InvalidInput,
    NotFound,
    Unauthenticated,
)
from app.domain.identities import Proof, logins
from app.domain.ids import new_id
from app.domain.names import namespace_name
from app.domain.viewer import Actor, ActorKind, Viewer
from app.secrets.keyring import KeyRing
from app.services import sessions
from app.services.users import noted

_TABLE = "user_identity"


async def arrive(
    session: Session,
    keys: KeyRing,
    proof: Proof,
    address: str | None,
    *,
    new_users: bool,
    prefix: str,
) -> UserRow | None:
    """Who signs in with what a provider said: a user who has this way or, with `new_users`, a new
    one; None for somebody unknown. Never somebody else who merely has the same e-mail. `prefix`
    begins the name of a new account's namespace."""
    await identities.alone(session, proof.provider, proof.subject)
    found = await identities.as_proved(session, proof.provider, proof.subject)
    if found is None and not new_users:
        return None
    if found is None:
        user = await _new_user(session, proof, address, prefix)
        key = new_id()
        await _add(session, key, user.id, proof)
    else:
        [user], key = await accounts.users(session, [found.user_id]), found.id
    if not await _keep(session, keys, key, proof):
        return None
    await identities.used(session, key)
    noted(session, "sign-in.done", user, proof.provider, address)
    return user


def refuse_arrival(session: Session, provider: str, reason: str, address: str | None) -> None:
    """Note that somebody did not come in by a provider."""
    session.entries.append(
        Entry(
            action="sign-in.refused",
            outcome=Outcome.REFUSED,
            detail={"provider": provider, "reason": reason},
            actor=Actor(ActorKind.SYSTEM, "api", address=address),
        )
    )


def in_person(viewer: Viewer) -> Viewer:
    """The viewer, who is no API token; Forbidden."""
    if viewer.grant.token_id is not None:
        raise Forbidden(rule="No API token may change how its owner signs in.")
    return viewer


def may_change(viewer: Viewer | None, within: float) -> Viewer:
    """The viewer, who signed in less than `within` seconds ago; Unauthenticated, Forbidden for an
    API token, FreshSignInRequired."""
    if viewer is None:
        raise Unauthenticated(reason="MISSING")
    in_person(viewer)
    fresh(viewer, within)
    return viewer


def fresh(viewer: Viewer, within: float) -> None:
    """FreshSignInRequired for one who signed in longer than `within` seconds ago."""
    proved = viewer.grant.authenticated_at
    if proved is None or (datetime.now(UTC) - proved).total_seconds() > within:
        raise FreshSignInRequired(within=int(within))


async def link(
    session: Session, keys: KeyRing, actor: Actor, proof: Proof, *, at: tuple[str, ...] = ()
) -> IdentityRow:
    """Another way for the actor to sign in; InvalidInput TAKEN if it is somebody else's."""
    assert actor.user_id is not None
    await identities.alone(session, proof.provider, proof.subject)
    await identities.lock_user(session, actor.user_id)
    found = await identities.as_proved(session, proof.provider, proof.subject)
    if found is not None and found.user_id != actor.user_id:
        raise _refused(InputErrorCode.TAKEN, at, "This is another user's way to sign in.")
    key = found.id if found else await _linked(session, actor, proof, at)
    await _keep(session, keys, key, proof)
    made = await identities.as_proved(session, proof.provider, proof.subject)
    assert made is not None
    return made


async def set_password(session: Session, viewer: Viewer, secret: str) -> IdentityRow:
    """A password, which hashes to `secret`, for a user who has none; InvalidInput NOT_ALLOWED."""
    await identities.lock_user(session, viewer.user_id)
    own = await identities.of_user(session, viewer.user_id)
    if any(one.provider == PASSWORD for one in own):
        rule = "You have a password; change it with changePassword."
        raise _refused(InputErrorCode.NOT_ALLOWED, (), rule)
    proof = Proof(PASSWORD, viewer.login)
    key = await _linked(session, viewer.actor, proof, (), secret)
    return next(one for one in await identities.of_user(session, viewer.user_id) if one.id == key)


async def change_password(
    session: Session, viewer: Viewer, way: PasswordRow, secret: str
) -> IdentityRow:
    """Another hash in place of the one that was compared, and no other session goes on;
    BadCredentials if it changed meanwhile."""
    if not await identities.rehash(session, way.id, way.secret, secret):
        raise BadCredentials
    await sessions.end_all(session, viewer, keep_this=True)
    if viewer.grant.session_id is not None:
        await db_sessions.proved(session, viewer.user_id, viewer.grant.session_id)
    _note(session, "password.change", viewer.actor, way.id, PASSWORD)
    own = await identities.of_user(session, viewer.user_id)
    return next(one for one in own if one.id == way.id)


async def unlink(
    session: Session, viewer: Viewer, key: UUID, *, usable: Collection[str]
) -> list[IdentityRow]:
    """Take a way away with the other sessions that began so, and what is left; `usable` are the
    providers that are on. InvalidInput NOT_ALLOWED if none would be left, or none that works."""
    own, gone = await _own(session, viewer, key)
    left = [one for one in own if one.id != key]
    works = any(one.provider in usable for one in left)
    # A way that is off may be on again tomorrow: the last of all stays whatever it is.
    if not left or (gone.provider in usable and not works):
        rule = "This is your last way to sign in; link another one first."
        raise _refused(InputErrorCode.NOT_ALLOWED, ("id",), rule)
    await identities.remove(session, viewer.user_id, key)
    if gone.is_primary and left:
        best = next((one for one in left if one.provider in usable), left[0])
        await identities.make_primary(session, viewer.user_id, best.id)
    _note(session, "identity.unlink", viewer.actor, key, gone.provider)
    for row in await db_sessions.of_user(session, viewer.user_id):
        if row.provider == gone.provider and row.id != viewer.grant.session_id:
            await sessions.end(session, viewer, row.id)
    return await identities.of_user(session, viewer.user_id)


async def set_primary(session: Session, viewer: Viewer, key: UUID) -> list[IdentityRow]:
    """Make one way the one that stands for the user; all of them."""
    _, chosen = await _own(session, viewer, key)
    if not chosen.is_primary:
        await identities.make_primary(session, viewer.user_id, key)
        _note(session, "identity.set-primary", viewer.actor, key, chosen.provider)
    return await identities.of_user(session, viewer.user_id)


async def _own(
    session: Session, viewer: Viewer, key: UUID
) -> tuple[list[IdentityRow], IdentityRow]:
    """All of the viewer's, locked, and the one that is meant; NotFound."""
    await identities.lock_user(session, viewer.user_id)
    own = await identities.of_user(session, viewer.user_id)
    chosen = next((one for one in own if one.id == key), None)
    if chosen is None:
        raise NotFound(field=["id"])
    return own, chosen


async def _linked(
    session: Session, actor: Actor, proof: Proof, at: tuple[str, ...], secret: str | None = None
) -> UUID:
    assert actor.user_id is not None
    if len(await identities.of_user(session, actor.user_id)) >= limits.IDENTITIES_PER_USER:
        rule = f"You have {limits.IDENTITIES_PER_USER} ways to sign in; unlink one first."
        raise _refused(InputErrorCode.NOT_ALLOWED, at, rule)
    key = new_id()
    await _add(session, key, actor.user_id, proof, secret)
    _note(session, "identity.link", actor, key, proof.provider)
    return key


def _note(session: Session, action: str, actor: Actor, key: UUID, provider: str) -> None:
    session.entries.append(
        Entry(
            action=action,
            subject_type="Identity",
            subject_id=key,
            subject_name=provider,
            actor=actor,
        )
    )


def _refused(code: InputErrorCode, at: tuple[str, ...], rule: str) -> InvalidInput:
    return InvalidInput([InputProblem(code, at, rule)])


async def _new_user(session: Session, proof: Proof, address: str | None, prefix: str) -> UserRow:
    for login in logins(proof.name):
        made = await accounts.create(session, login, None, namespace_name(prefix, login))
        if made is not None:
            noted(session, "user.sign-up", made, proof.provider, address)
            return made
    raise _refused(InputErrorCode.TAKEN, (), "No login could be made.")


async def _add(
    session: Session, key: UUID, user_id: UUID, proof: Proof, secret: str | None = None
) -> None:
    await identities.add(
        session,
        key,
        user_id=user_id,
        provider=proof.provider,
        subject=proof.subject,
        secret=secret,
    )


async def _keep(session: Session, keys: KeyRing, key: UUID, proof: Proof) -> bool:
    about = {"name": proof.name, "email": proof.email}
    return await identities.keep(session, key, about, _sealed(keys, key, proof))


def _sealed(keys: KeyRing, key: UUID, proof: Proof) -> Sealed:
    grants = proof.grants
    if grants is None:
        return Sealed()
    refresh = grants.refresh_token
    return Sealed(
        keys.seal(grants.access_token, _TABLE, key, "access_token"),
        keys.seal(refresh, _TABLE, key, "refresh_token") if refresh else None,
        grants.expires_at,
    )
