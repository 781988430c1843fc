"""Verbs that show what is secret: each is in the audit before anybody has seen it.

Nothing else of the API opens a secret value for a caller. The line is written in the transaction
that reads the value, and the edge gives the value away after its commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.db import databases, environment, user_config
from app.db.audit import Entry
from app.db.databases import DATABASES
from app.db.environment import VariableRow
from app.db.sandboxes import SANDBOXES
from app.db.session import Session
from app.db.user_config import SettingRow
from app.domain.dotenv import written
from app.domain.dsn import postgres_url
from app.domain.errors import NotFound
from app.domain.viewer import Viewer
from app.secrets.keyring import KeyRing
from app.services import projects, settings
from app.services.environment import opened


@dataclass(frozen=True, slots=True)
class DatabaseAccess:
    """How to reach a database from inside the cluster."""

    host: str
    port: int
    database: str
    username: str
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """All of it in one line."""
        return postgres_url(
            user=self.username,
            password=self.password,
            host=self.host,
            port=self.port,
            database=self.database,
        )


@dataclass(frozen=True, slots=True)
class TerminalAccess:
    """What the terminal of a sandbox asks for, and where it is."""

    username: str
    password: str = field(repr=False)
    url: str | None


async def variable(
    session: Session, viewer: Viewer, keys: KeyRing, variable_id: UUID
) -> tuple[VariableRow, str]:
    """A variable and its value."""
    found = await environment.by_ids(session, viewer, [variable_id])
    if not found:
        raise NotFound(field=["id"])
    [row] = found
    account = (await projects.read(session, viewer, row.project_id)).account_id
    session.entries.append(
        Entry(
            action="variable.reveal",
            account_id=account,
            subject_type="Variable",
            subject_id=row.id,
            subject_name=row.key,
        )
    )
    return row, opened(keys, row)


async def variables(
    session: Session, viewer: Viewer, keys: KeyRing, project_id: UUID, category: str | None
) -> str:
    """The variables of a project, or of one category of it, as a .env file."""
    project = await projects.read(session, viewer, project_id)
    rows = [
        row
        for row in await environment.of_projects(session, viewer, [project_id])
        if category in (None, row.category)
    ]
    session.entries.append(
        Entry(
            action="variable.export",
            account_id=project.account_id,
            subject_type="Project",
            subject_id=project.id,
            subject_name=project.name,
            detail={"secrets": _secrets(rows)},
        )
    )
    return written({row.key: opened(keys, row) for row in rows})


async def setting(
    session: Session, viewer: Viewer, keys: KeyRing, setting_id: UUID
) -> tuple[SettingRow, str]:
    """A setting and its value; a token for single projects sees none."""
    rows = await user_config.of_user(session, viewer.user_id)
    row = next((one for one in rows if one.id == setting_id), None)
    if row is None or viewer.projects is not None:
        raise NotFound(field=["id"])
    session.entries.append(
        Entry(
            action="setting.reveal",
            account_id=viewer.home,
            subject_type="Setting",
            subject_id=row.id,
            subject_name=row.key,
        )
    )
    return row, settings.opened(keys, row)


async def database(
    session: Session, viewer: Viewer, keys: KeyRing, database_id: UUID
) -> DatabaseAccess | None:
    """How to reach a database; None until it has been up once."""
    found = await DATABASES.by_ids(session, viewer, [database_id])
    access = await databases.access(session, database_id) if found else None
    if access is None:
        raise NotFound(field=["databaseId"])
    if None in (access.host, access.port, access.database, access.username, access.password):
        return None
    spec = await DATABASES.spec(session, database_id)
    assert spec is not None
    assert access.password is not None
    session.entries.append(
        Entry(
            action="database.reveal",
            account_id=spec.account_id,
            subject_type="Database",
            subject_id=database_id,
            subject_name=access.name,
        )
    )
    return DatabaseAccess(
        host=str(access.host),
        port=int(access.port or 0),
        database=str(access.database),
        username=str(access.username),
        password=keys.open(access.password, "database", database_id, "password"),
    )


async def terminal(
    session: Session, viewer: Viewer, keys: KeyRing, sandbox_id: UUID
) -> TerminalAccess:
    """What the terminal of a sandbox asks for."""
    found = await SANDBOXES.by_ids(session, viewer, [sandbox_id])
    spec = await SANDBOXES.spec(session, sandbox_id) if found else None
    if spec is None:
        raise NotFound(field=["sandboxId"])
    session.entries.append(
        Entry(
            action="sandbox.reveal",
            account_id=spec.account_id,
            subject_type="Sandbox",
            subject_id=sandbox_id,
            subject_name=found[0].name,
        )
    )
    password = keys.open(spec.ttyd_password, "sandbox", sandbox_id, "ttyd_password")
    return TerminalAccess(spec.ttyd_user, password, found[0].ttyd_url)


def _secrets(rows: Sequence[VariableRow]) -> list[str]:
    return [row.key for row in rows if row.is_secret]
