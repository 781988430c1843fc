"""Verbs on API tokens.

Only a session makes one: a token that could make others would outlive its own end and deletion, and
its limits would have to be inherited. A token that is limited to projects has no ACCOUNT scope, for
what that opens (settings, the audit, other tokens) is not in any project. The sign-in has to be a
fresh one: whoever has a session for some minutes would else make himself a token that outlives it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.db import apitokens, projects
from app.db.apitokens import ApiTokenRow
from app.db.audit import Entry
from app.db.session import Session
from app.db.wakeups import grants_channel
from app.domain import apitokens as form
from app.domain import limits
from app.domain.errors import Forbidden, InputErrorCode, NotFound
from app.domain.ids import new_id
from app.domain.validation import Check
from app.domain.viewer import NEVER, TokenScope, Viewer
from app.services import identities
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class NewApiToken:
    """A token as it is asked for.

    `projects` None: all; an id in it that is None is no project's. `expires_at` None: never.
    """

    name: str
    scopes: Sequence[TokenScope]
    projects: Sequence[UUID | None] | None = None
    expires_at: datetime | None = None


async def create(
    session: Session, viewer: Viewer, settings: Settings, new: NewApiToken
) -> tuple[ApiTokenRow, str]:
    """Make a token: what is kept of it, and itself, which nobody can be told again.

    Forbidden for a token, FreshSignInRequired; InvalidInput for what breaks a rule.
    """
    if viewer.grant.token_id is not None:
        raise Forbidden(rule="API tokens are made by who is signed in, not by API tokens.")
    identities.fresh(viewer, settings.fresh_sign_in)
    check = Check()
    name = check.text(new.name, ("name",), limits.TOKEN_NAME)
    scopes = _scopes(check, new)
    _check_end(check, new.expires_at, settings.api_token_longest)
    project_ids = await _projects(check, session, viewer, new.projects)
    if await apitokens.count(session, viewer.user_id) >= limits.TOKENS_PER_USER:
        most = f"A user has at most {limits.TOKENS_PER_USER} API tokens; delete one."
        check.refuse(InputErrorCode.NOT_ALLOWED, (), most)
    check.done()
    secret, row = _made(name, scopes, project_ids, new.expires_at)
    kept = await apitokens.insert(session, viewer.user_id, row, form.digest(secret))
    if kept is None:
        check.refuse(InputErrorCode.TAKEN, ("name",), "You have a token of this name.")
    check.done()
    assert kept is not None
    session.entries.append(_entry("token.create", kept, {"scopes": scopes}))
    return kept, secret


async def delete(session: Session, viewer: Viewer, token_id: UUID) -> ApiTokenRow:
    """Take a token away: from now on it is REVOKED, and what streams with it ends."""
    row = await apitokens.delete(session, viewer.user_id, token_id)
    if row is None:
        raise NotFound(field=["id"])
    session.channels.add(grants_channel(viewer.user_id))
    session.entries.append(_entry("token.delete", row, {}))
    return row


def _scopes(check: Check, new: NewApiToken) -> list[str]:
    if not new.scopes:
        check.refuse(InputErrorCode.REQUIRED, ("scopes",), "Give at least one scope.")
    if new.projects is not None and TokenScope.ACCOUNT in new.scopes:
        rule = "A token that is limited to projects cannot have ACCOUNT."
        check.refuse(InputErrorCode.NOT_ALLOWED, ("scopes",), rule)
    return [scope.value for scope in TokenScope if scope in new.scopes]


def _check_end(check: Check, end: datetime | None, longest: float | None) -> None:
    at, now = ("expiresAt",), datetime.now(UTC)
    latest = None if longest is None else now + timedelta(seconds=longest)
    if end is None:
        if latest is not None:
            rule = f"API tokens end here; give a moment before {latest.isoformat('T', 'seconds')}."
            check.refuse(InputErrorCode.REQUIRED, at, rule)
    elif end.tzinfo is None:
        check.refuse(InputErrorCode.INVALID, at, "Give the offset from UTC too: 2026-01-31T09:30Z.")
    elif not now < end <= NEVER:
        check.refuse(InputErrorCode.OUT_OF_RANGE, at, "That has passed, or is never.")
    elif latest is not None and end > latest:
        rule = f"At the latest {latest.isoformat('T', 'seconds')}."
        check.refuse(InputErrorCode.OUT_OF_RANGE, at, rule)


async def _projects(
    check: Check, session: Session, viewer: Viewer, given: Sequence[UUID | None] | None
) -> list[UUID] | None:
    if given is None:
        return None
    at, most = ("projectIds",), limits.PROJECTS_PER_TOKEN
    if not given:
        check.refuse(InputErrorCode.REQUIRED, at, "Name at least one, or leave it out for all.")
    if len(given) > most:
        check.refuse(InputErrorCode.TOO_LONG, at, f"At most {most} projects.")
        return []
    asked = [key for key in given if key is not None]
    seen = {row.id for row in await projects.by_ids(session, viewer, asked)}
    for place, key in enumerate(given):
        if key not in seen:
            rule = "There is no project by this id that you may see."
            check.refuse(InputErrorCode.NOT_FOUND, (*at, str(place)), rule)
    return sorted(seen)


def _made(
    name: str, scopes: list[str], project_ids: list[UUID] | None, expires_at: datetime | None
) -> tuple[str, ApiTokenRow]:
    secret = form.new()
    row = ApiTokenRow(
        id=new_id(),
        name=name,
        hint=form.hint(secret),
        scopes=scopes,
        project_ids=project_ids,
        expires_at=expires_at,
        last_used_at=None,
        created_at=datetime.now(UTC),
    )
    return secret, row


def _entry(action: str, row: ApiTokenRow, detail: dict[str, object]) -> Entry:
    return Entry(
        action=action,
        subject_type="ApiToken",
        subject_id=row.id,
        subject_name=row.name,
        detail=detail,
    )
