"""Users and projects as the tests need them, made by the real verbs."""

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.auth.tokens import AccessClaims, Tokens
from app.db import accounts, sessions
from app.db.accounts import PASSWORD, UserRow
from app.db.apitokens import ApiTokenRow
from app.db.session import Database
from app.db.sessions import SignIn, Terms
from app.domain.names import namespace_name
from app.domain.viewer import API, TokenScope, Viewer
from app.secrets.keyring import KeyRing
from app.services import apitokens, projects
from app.services.apitokens import NewApiToken
from app.services.projects import Makers, NewProject
from app.settings import Settings

KEYS = KeyRing("test:" + "A" * 43 + "=")
SHARED = "mooring"
MAKERS = Makers(Settings(sandbox_namespace=SHARED), KEYS)
# `make mutants` has less: what it waits for is a failure.
PATIENCE = float(os.environ.get("MOORING_TEST_PATIENCE", "60"))
TERMS = Terms(timedelta(hours=1), timedelta(days=7), timedelta(days=30), timedelta(seconds=10))
TOKEN_KEYS = "test:" + "k" * 32


async def viewer_of(
    database: Database, login: str = "ada", lifetime: timedelta = timedelta(hours=1)
) -> Viewer:
    """A new user who is signed in; the session can be renewed."""
    async with database.begin(API) as session:
        made = await accounts.create(session, login, "no hash", namespace_name("mooring", login))
        assert made is not None
    return await again(database, made, lifetime)


async def again(
    database: Database,
    user: UserRow,
    lifetime: timedelta = timedelta(hours=1),
    provider: str = PASSWORD,
) -> Viewer:
    """The user signed in once more."""
    async with database.begin(API) as session:
        terms = replace(TERMS, access=lifetime)
        row = await sessions.open_session(session, user.id, SignIn(provider), terms)
        return await accounts.viewer(session, user.id, row.id)


def access_token(viewer: Viewer, lifetime: float = 3600) -> str:
    """A token of the viewer's session, good for `lifetime` seconds from now."""
    key = viewer.grant.session_id
    assert key is not None
    ends = datetime.now(UTC) + timedelta(seconds=lifetime)
    return Tokens(TOKEN_KEYS).access(AccessClaims(viewer.user_id, key, ends))


async def project_of(database: Database, viewer: Viewer, name: str = "shop") -> UUID:
    """A new project with one sandbox."""
    async with database.begin(viewer) as session:
        row = await projects.create(session, viewer, MAKERS, NewProject(name, databases=()))
    return row.id


async def token_of(
    database: Database,
    viewer: Viewer,
    name: str = "ci",
    *,
    scopes: Iterable[TokenScope] = TokenScope,
    only: Sequence[UUID] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiTokenRow, str]:
    """A new API token: its row, and itself."""
    new = NewApiToken(name, list(scopes), only, expires_at)
    async with database.begin(viewer) as session:
        return await apitokens.create(session, viewer, Settings(), new)


async def becomes(
    holds: Callable[[], Awaitable[bool]], patience: float = PATIENCE, every: float = 0.02
) -> None:
    """Wait for a state of the world that nothing announces, for so many seconds; the TimeoutError
    says what `holds` has in hand: what is wanted, and mostly what there was instead."""
    try:
        async with asyncio.timeout(patience):
            while not await holds():
                await asyncio.sleep(every)
    except TimeoutError as error:
        raise TimeoutError(f"not within {patience:g} s: {_told(holds)}") from error


def _told(holds: Callable[[], object]) -> str:
    """Its name, and what the names stand for that it shares with those around it."""
    name = getattr(holds, "__qualname__", repr(holds))
    shared = inspect.getclosurevars(holds).nonlocals if inspect.isfunction(holds) else {}
    return "; ".join([name, *(f"{key} = {str(value)[:500]}" for key, value in shared.items())])
