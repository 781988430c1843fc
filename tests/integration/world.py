"""Users and projects as the tests need them, made by the real verbs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.db import accounts
from app.db.apitokens import ApiTokenRow
from app.db.session import Database
from app.domain.viewer import API, TokenScope, Viewer
from app.secrets.keyring import KeyRing
from app.services import apitokens, projects
from app.services.apitokens import NewApiToken
from app.services.projects import Makers, NewProject
from app.settings import Settings

KEYS = KeyRing("test:" + "A" * 43 + "=")
MAKERS = Makers(Settings(), KEYS)
PATIENCE = 60.0


async def viewer_of(database: Database, login: str = "ada") -> Viewer:
    """A new user who is signed in for an hour."""
    until = datetime.now(UTC) + timedelta(hours=1)
    async with database.begin(API) as session:
        made = await accounts.create(session, login, "no hash")
        assert made is not None
        found = await accounts.viewer(session, made.id, until)
    assert found is not None
    return found


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


async def becomes(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a state of the world that nothing announces."""
    async with asyncio.timeout(PATIENCE):
        while not await holds():
            await asyncio.sleep(0.02)
