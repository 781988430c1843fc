"""Verbs on projects: each takes an open session and a viewer, and commits nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.db import accounts, credentials, projects, resources
from app.db.audit import Entry
from app.db.projects import LockedProject, ProjectRow
from app.db.session import Session
from app.domain import limits
from app.domain.aggregate import ProjectStatus
from app.domain.errors import DeletionRequested, Forbidden, InputErrorCode, NotFound
from app.domain.ids import new_id
from app.domain.states import DesiredState, ResourceKind
from app.domain.validation import Check
from app.domain.viewer import Viewer
from app.secrets.keyring import KeyRing
from app.services import intents
from app.services.databases import DatabaseMaker, NewDatabase
from app.services.resources import MOST, PLURAL, Named, insert
from app.services.sandboxes import NewSandbox, SandboxMaker
from app.settings import Settings

_SANDBOXES = (NewSandbox("app"),)
_DATABASES = (NewDatabase("db"),)


class Makers:
    """What makes the resources of a project; `keys` seal what is secret in it."""

    def __init__(self, settings: Settings, keys: KeyRing) -> None:
        self.keys = keys
        self.sandboxes = SandboxMaker(settings, keys)
        self.databases = DatabaseMaker(settings)


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project as it is asked for; None: one sandbox or database with defaults."""

    name: str
    description: str | None = None
    github_repo: str | None = None
    sandboxes: tuple[NewSandbox, ...] | None = None
    databases: tuple[NewDatabase, ...] | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """What is known about a project."""

    name: str | None
    description: str | None
    github_repo: str | None


async def create(session: Session, viewer: Viewer, makers: Makers, new: NewProject) -> ProjectRow:
    """Make a project with its sandboxes and databases and want them RUNNING.

    Forbidden for a token that is limited to projects, which could not see it.
    """
    if viewer.projects is not None:
        raise Forbidden(rule="A token that is limited to projects creates none.")
    check = Check()
    about = _described(check, Described(new.name, new.description, new.github_repo))
    sandboxes = [
        makers.sandboxes.checked(check, asked, ("sandboxes", str(place)))
        for place, asked in enumerate(_SANDBOXES if new.sandboxes is None else new.sandboxes)
    ]
    databases = [
        makers.databases.checked(check, asked, ("databases", str(place)))
        for place, asked in enumerate(_DATABASES if new.databases is None else new.databases)
    ]
    _check_list(check, ResourceKind.SANDBOX, sandboxes)
    _check_list(check, ResourceKind.DATABASE, databases)
    check.done()
    # Settings that reach all sandboxes of the account are not to miss these.
    await accounts.share(session, viewer.home)
    status = ProjectStatus.CREATING if sandboxes or databases else ProjectStatus.STOPPED
    project = LockedProject(
        new_id(), viewer.home, about.name or "", status, DesiredState.RUNNING, generation=1
    )
    await projects.insert(
        session, project, description=about.description, github_repo=about.github_repo
    )
    made = replace(projects.change(project, "project.create", status), from_status=None)
    session.changes.append(made)
    place = await credentials.place(session, project.account_id, project.id)
    for database in databases:
        await insert(session, makers.databases, project, database, place)
    for sandbox in sandboxes:
        await insert(session, makers.sandboxes, project, sandbox, place)
    return await read(session, viewer, project.id)


async def update(
    session: Session,
    viewer: Viewer,
    project_id: UUID,
    given: dict[str, str | None],
    *,
    if_generation: int | None = None,
) -> ProjectRow:
    """Change what is known about a project; `given` holds only what is to change."""
    project = await _lock(session, viewer, project_id, if_generation)
    if project.desired_state == DesiredState.DELETED:
        raise DeletionRequested
    now = await read(session, viewer, project_id)
    before = Described(now.name, now.description, now.github_repo)
    check = Check()
    after = _described(check, replace(before, **given))
    check.done()
    if after != before:
        await projects.describe(
            session,
            project_id,
            name=after.name or "",
            description=after.description,
            github_repo=after.github_repo,
        )
        session.changes.append(
            projects.change(replace(project, name=after.name or ""), "project.update", now.status)
        )
    return await read(session, viewer, project_id)


async def want(
    session: Session,
    viewer: Viewer,
    project_id: UUID,
    desired: DesiredState,
    *,
    if_generation: int | None = None,
) -> ProjectRow:
    """Start, stop or delete a project with all that it owns.

    A project without resources goes in this transaction, which still answers it, as TERMINATED.
    """
    project = await _lock(session, viewer, project_id, if_generation)
    before = await read(session, viewer, project_id) if desired == DesiredState.DELETED else None
    await intents.want_all(session, project, desired)
    found = await projects.by_ids(session, viewer, [project_id])
    if found or before is None:
        return found[0]
    return replace(
        before,
        status=ProjectStatus.TERMINATED,
        desired_state=DesiredState.DELETED,
        generation=before.generation + 1,
        observed_generation=before.generation + 1,
        converged=True,
    )


async def retry(
    session: Session, viewer: Viewer, project_id: UUID, *, if_generation: int | None = None
) -> ProjectRow:
    """Look again now at everything in the project that failed, was given up or waits."""
    project = await _lock(session, viewer, project_id, if_generation)
    session.entries.append(
        Entry(
            "project.retry",
            account_id=project.account_id,
            subject_type="Project",
            subject_id=project.id,
            subject_name=project.name,
        )
    )
    await intents.retry(session, project, await resources.lock(session, project_id))
    return await read(session, viewer, project_id)


async def read(session: Session, viewer: Viewer, project_id: UUID) -> ProjectRow:
    """The project as it is in this transaction."""
    found = await projects.by_ids(session, viewer, [project_id])
    if not found:
        raise NotFound(field=["id"])
    return found[0]


async def _lock(
    session: Session, viewer: Viewer, project_id: UUID, if_generation: int | None
) -> LockedProject:
    project = await projects.lock(session, viewer, project_id)
    if project is None:
        raise NotFound(field=["id"])
    intents.refuse_late(project.generation, if_generation)
    return project


def _described(check: Check, about: Described) -> Described:
    text = about.description
    return Described(
        name=check.text(about.name, ("name",), limits.PROJECT_NAME),
        description=None
        if text is None
        else check.text(text, ("description",), limits.DESCRIPTION),
        github_repo=check.github_repo(about.github_repo, ("githubRepo",)),
    )


def _check_list(check: Check, kind: ResourceKind, asked: Sequence[Named]) -> None:
    what = PLURAL[kind]
    if len(asked) > MOST[kind]:
        most = f"A project has at most {MOST[kind]} {what}."
        check.refuse(InputErrorCode.TOO_LONG, (what,), most)
    names: set[str] = set()
    for place, one in enumerate(asked):
        if one.name in names:
            check.refuse(
                InputErrorCode.TAKEN, (what, str(place), "name"), f"Two {what} of this name."
            )
        names.add(one.name)
