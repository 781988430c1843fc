"""Verbs on one's account as a whole."""

from app.db import accounts, closings, identities, projects, resources
from app.db.audit import Entry
from app.db.session import Session
from app.db.wakeups import grants_channel
from app.domain.states import DesiredState
from app.domain.viewer import Viewer
from app.services import intents


async def delete(session: Session, viewer: Viewer) -> int:
    """Have the viewer's account go with all that is in it; how many projects that is.

    Nobody comes in any more; the projects are deleted as ever, and when the last one is gone the
    reconciler takes the namespace and the rows away. Until then the login is taken.
    """
    await identities.lock_user(session, viewer.user_id)
    await accounts.lock(session, viewer.home)
    owned = await projects.lock_owned(session, viewer, viewer.home)
    # All of them in order: each project on its own would lock them in the projects' order.
    await resources.lock(session, *(project.id for project in owned))
    for project in owned:
        await intents.want_all(session, project, DesiredState.DELETED)
    await closings.mark(session, viewer.home, viewer.user_id)
    session.channels.add(grants_channel(viewer.user_id))
    session.entries.append(
        Entry(
            "account.delete",
            account_id=viewer.home,
            subject_type="User",
            subject_id=viewer.user_id,
            subject_name=viewer.login,
            detail={"projects": len(owned)},
        )
    )
    return len(owned)


async def forget(session: Session, login: str) -> int | None:
    """Have what an account that is to go has in its user's own cluster be forgotten, as lost; how
    many resources that is. None when no such account is to go."""
    found = await closings.forget(session, login)
    if found is None:
        return None
    account, number = found
    session.entries.append(
        Entry(
            "account.forget",
            account_id=account,
            subject_type="Account",
            subject_id=account,
            subject_name=login,
            detail={"resources": number},
        )
    )
    return number
