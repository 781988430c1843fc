"""Verbs on sandboxes."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.db import projects, resources, sandboxes
from app.db.feed import NewChange
from app.db.projects import LockedProject
from app.db.resources import LockedResource
from app.db.sandboxes import SandboxRow, SandboxSpec
from app.db.session import Session
from app.domain import limits
from app.domain.errors import DeletionRequested, InputErrorCode, NotFound
from app.domain.ids import new_id
from app.domain.names import object_name
from app.domain.states import DesiredState, ResourceKind, ResourceStatus
from app.domain.validation import Check
from app.domain.viewer import Viewer
from app.secrets.keyring import KeyRing
from app.services import intents
from app.settings import Settings

_TTYD_USER = "mooring"


@dataclass(frozen=True, slots=True)
class NewSandbox:
    """A sandbox as it is asked for; None takes the default of this installation."""

    name: str
    image: str | None = None
    cpu: str | None = None
    memory: str | None = None
    storage: str | None = None


class Maker:
    """Turns what is asked for into rows: defaults from settings, a sealed terminal password."""

    def __init__(self, settings: Settings, keys: KeyRing) -> None:
        self._settings = settings
        self._keys = keys

    def checked(self, check: Check, new: NewSandbox, at: tuple[str, ...]) -> NewSandbox:
        """`new` with defaults; what is wrong is noted in `check`."""
        chosen = self._settings
        return NewSandbox(
            name=check.text(new.name, (*at, "name"), limits.RESOURCE_NAME),
            image=check.image(new.image or chosen.sandbox_image, (*at, "image")),
            cpu=check.quantity(new.cpu or chosen.sandbox_cpu, (*at, "cpu"), limits.CPU),
            memory=check.quantity(
                new.memory or chosen.sandbox_memory, (*at, "memory"), limits.MEMORY
            ),
            storage=check.quantity(
                new.storage or chosen.sandbox_storage, (*at, "storage"), limits.STORAGE
            ),
        )

    async def insert(self, session: Session, project: LockedProject, new: NewSandbox) -> UUID:
        """Write the rows of a checked sandbox and note its creation."""
        key = new_id()
        await resources.insert(
            session,
            key,
            account_id=project.account_id,
            project_id=project.id,
            kind=ResourceKind.SANDBOX,
            name=new.name,
            project_generation=project.generation,
        )
        await sandboxes.insert(session, self._spec(key, project, new))
        session.changes.append(_created(key, project, new.name))
        return key

    def _spec(self, key: UUID, project: LockedProject, new: NewSandbox) -> SandboxSpec:
        assert new.image and new.cpu and new.memory and new.storage
        password = secrets.token_urlsafe(24)
        return SandboxSpec(
            id=key,
            account_id=project.account_id,
            k8s_namespace=self._settings.sandbox_namespace,
            k8s_name=object_name(project.name),
            project_name=project.name,
            image=new.image,
            cpu=new.cpu,
            memory=new.memory,
            storage=new.storage,
            ttyd_user=_TTYD_USER,
            ttyd_password=self._keys.seal(password, "sandbox", key, "ttyd_password"),
        )


async def create(
    session: Session, viewer: Viewer, maker: Maker, project_id: UUID, new: NewSandbox
) -> SandboxRow:
    """Add a sandbox to a project and want it RUNNING."""
    check = Check()
    checked = maker.checked(check, new, ())
    check.done()
    project = await projects.lock(session, viewer, project_id)
    if project is None:
        raise NotFound(field=["projectId"])
    if project.desired_state == DesiredState.DELETED:
        raise DeletionRequested
    _check_room(check, await resources.lock(session, project.id), checked.name)
    check.done()
    generation = await projects.intend(session, project.id, None)
    key = await maker.insert(session, replace(project, generation=generation), checked)
    await projects.settle(session, [project])
    return await read(session, viewer, key)


async def want(
    session: Session, viewer: Viewer, sandbox_id: UUID, desired: DesiredState
) -> SandboxRow:
    """Start, stop or delete one sandbox."""
    project, sandbox = await _lock(session, viewer, sandbox_id)
    await intents.want_one(session, project, sandbox, desired)
    return await read(session, viewer, sandbox_id)


async def retry(session: Session, viewer: Viewer, sandbox_id: UUID) -> SandboxRow:
    """Look at it again now, if it failed, was given up or waits."""
    _, sandbox = await _lock(session, viewer, sandbox_id)
    await intents.retry(session, [sandbox])
    return await read(session, viewer, sandbox_id)


async def read(session: Session, viewer: Viewer, sandbox_id: UUID) -> SandboxRow:
    """The sandbox as it is in this transaction."""
    found = await sandboxes.by_ids(session, viewer, [sandbox_id])
    if not found:
        raise NotFound(field=["id"])
    return found[0]


async def _lock(
    session: Session, viewer: Viewer, sandbox_id: UUID
) -> tuple[LockedProject, LockedResource]:
    project_id = await sandboxes.project_of(session, viewer, sandbox_id)
    project = await projects.lock(session, viewer, project_id) if project_id else None
    members = await resources.lock(session, project.id) if project else []
    found = next((member for member in members if member.id == sandbox_id), None)
    if project is None or found is None:
        raise NotFound(field=["id"])
    return project, found


def _check_room(check: Check, members: Sequence[LockedResource], name: str) -> None:
    taken = [r.name for r in members if r.kind == ResourceKind.SANDBOX]
    if name in taken:
        check.refuse(InputErrorCode.TAKEN, ("name",), "The project has a sandbox of this name.")
    if len(taken) >= limits.SANDBOXES_PER_PROJECT:
        most = f"A project has at most {limits.SANDBOXES_PER_PROJECT} sandboxes."
        check.refuse(InputErrorCode.NOT_ALLOWED, (), most)


def _created(key: UUID, project: LockedProject, name: str) -> NewChange:
    return NewChange(
        account_id=project.account_id,
        project_id=project.id,
        action="sandbox.create",
        subject_id=key,
        subject_type="Sandbox",
        subject_name=name,
        from_status=None,
        to_status=ResourceStatus.CREATING,
    )
