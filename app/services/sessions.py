"""Verbs of sessions: what every sign-in ends in, whoever vouched for the user."""

from dataclasses import dataclass, replace
from uuid import UUID

from app.db import accounts, sessions
from app.db.accounts import UserRow
from app.db.audit import Entry, Outcome
from app.db.session import Session
from app.db.sessions import SessionRow, SignIn, Terms
from app.db.wakeups import grants_channel
from app.domain import limits
from app.domain.errors import NotFound
from app.domain.sessions import Presented, Verdict, judge
from app.domain.viewer import Actor, ActorKind, Viewer


@dataclass(frozen=True, slots=True)
class Refused:
    """A refresh token that is good for nothing (any more): the `reason` of UNAUTHENTICATED."""

    reason: str


async def open_session(
    session: Session, terms: Terms, user: UserRow, sign_in: SignIn
) -> SessionRow:
    """A session of a user whom a provider has vouched for; beyond the limit the oldest ends."""
    row = await sessions.open_session(session, user.id, sign_in, terms)
    await sessions.trim(session, user.id, limits.SESSIONS_MOST)
    session.channels.add(grants_channel(user.id))
    opened = Entry("session.open", detail={"provider": sign_in.provider, "device": sign_in.device})
    _note(session, opened, row.id, _actor(user, row.id, sign_in.address))
    return row


async def renew(
    session: Session, terms: Terms, presented: Presented, address: str | None
) -> tuple[UserRow, SessionRow] | Refused:
    """The session after a refresh token was presented, or why not. The caller commits either way:
    a token that was used before ends its session."""
    user_id, session_id = presented.user_id, presented.session_id
    standing = await sessions.standing(session, user_id, session_id, terms.grace)
    if standing is None:
        return Refused("REVOKED")
    [user] = await accounts.users(session, [user_id])
    verdict = judge(standing, presented.rotation)
    if verdict is Verdict.EXPIRED:
        return Refused("EXPIRED")
    if verdict is Verdict.REUSED:
        await sessions.end(session, user_id, session_id)
        session.channels.add(grants_channel(user_id))
        reuse = Entry("session.reuse", Outcome.REFUSED, detail={"rotation": presented.rotation})
        _note(session, reuse, session_id, _actor(user, session_id, address))
        return Refused("REVOKED")
    newest = standing.rotation + (verdict is Verdict.ROTATE)
    return user, await sessions.renew(session, session_id, newest, terms)


async def leave(session: Session, presented: Presented, address: str | None) -> None:
    """End the session that a refresh token names, if there is one still."""
    user_id, session_id = presented.user_id, presented.session_id
    if await sessions.end(session, user_id, session_id):
        [user] = await accounts.users(session, [user_id])
        session.channels.add(grants_channel(user_id))
        _note(session, Entry("session.end"), session_id, _actor(user, session_id, address))


async def end(session: Session, viewer: Viewer, session_id: UUID) -> None:
    """End one session of the viewer's; NotFound for any other."""
    if not await sessions.end(session, viewer.user_id, session_id):
        raise NotFound(field=["id"])
    session.channels.add(grants_channel(viewer.user_id))
    _note(session, Entry("session.end"), session_id, viewer.actor)


async def end_all(session: Session, viewer: Viewer, *, keep_this: bool) -> int:
    """End all sessions of the viewer's, or all others; how many."""
    kept = viewer.grant.session_id if keep_this else None
    ended = await sessions.end_all(session, viewer.user_id, kept)
    session.channels.add(grants_channel(viewer.user_id))
    session.entries.append(Entry("session.end-all", detail={"count": ended}))
    return ended


def _actor(user: UserRow, session_id: UUID, address: str | None) -> Actor:
    return Actor(ActorKind.USER, user.login, user.id, session_id, address=address)


def _note(session: Session, entry: Entry, session_id: UUID, actor: Actor) -> None:
    subject = replace(entry, subject_type="Session", subject_id=session_id, actor=actor)
    session.entries.append(subject)
