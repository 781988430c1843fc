"""Verbs on one resource, whatever its kind, and how a new one is made.

A `Maker` holds what differs: what may be asked for, defaults and bounds, and the details' row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar
from uuid import UUID

from app.db import anthropic, credentials, projects, resources
from app.db.credentials import Place
from app.db.details import Details
from app.db.feed import NewChange
from app.db.projects import LockedProject
from app.db.resources import LockedResource, ResourceRow
from app.db.session import Session
from app.domain import limits
from app.domain.errors import DeletionRequested, InputErrorCode, NotFound
from app.domain.ids import new_id
from app.domain.states import DesiredState, ResourceKind, ResourceStatus
from app.domain.validation import Check
from app.domain.viewer import Viewer
from app.services import intents

PLURAL = {ResourceKind.SANDBOX: "sandboxes", ResourceKind.DATABASE: "databases"}
MOST = {
    ResourceKind.SANDBOX: limits.SANDBOXES_PER_PROJECT,
    ResourceKind.DATABASE: limits.DATABASES_PER_PROJECT,
}


class Named(Protocol):
    """What is asked for, of either kind."""

    @property
    def name(self) -> str:
        """Unique among its kind in the project."""


Row = TypeVar("Row", bound=ResourceRow)
Spec = TypeVar("Spec")
New = TypeVar("New", bound=Named)
# What is to change of a resource, by column; what was left out stays.
Given = Mapping[str, str | int | None]


class Maker(Protocol[New, Row, Spec]):
    """Turns what is asked for into rows."""

    @property
    def details(self) -> Details[Row, Spec]:
        """The statements of its kind."""

    def checked(self, check: Check, new: New, at: tuple[str, ...]) -> New:
        """`new` with defaults; what is wrong is noted in `check`."""

    def spec(self, key: UUID, project: LockedProject, new: New, place: Place) -> Spec:
        """The row of a checked one that goes to `place`."""


class Reviser(Protocol[Row, Spec]):
    """Judges changes of what one is made from."""

    @property
    def details(self) -> Details[Row, Spec]:
        """The statements of its kind."""

    def revised(self, check: Check, now: Row, given: Given) -> Given:
        """What of `given` is another than `now`; what is wrong is noted in `check`."""


async def create(
    session: Session, viewer: Viewer, maker: Maker[New, Row, Spec], project_id: UUID, new: New
) -> Row:
    """Add one to a project and want it RUNNING."""
    check = Check()
    checked = maker.checked(check, new, ())
    check.done()
    project = await projects.lock(session, viewer, project_id)
    if project is None:
        raise NotFound(field=["projectId"])
    if project.desired_state == DesiredState.DELETED:
        raise DeletionRequested
    members = await resources.lock(session, project.id)
    _check_room(check, maker.details.kind, members, checked.name)
    check.done()
    generation = await projects.intend(session, project.id, None)
    place = await credentials.place(session, project.account_id, project.id)
    key = await insert(session, maker, replace(project, generation=generation), checked, place)
    await projects.settle(session, [project])
    return await read(session, viewer, maker.details, key)


async def insert(
    session: Session,
    maker: Maker[New, Row, Spec],
    project: LockedProject,
    new: New,
    place: Place,
) -> UUID:
    """Write the rows of a checked one and note its creation."""
    key, kind = new_id(), maker.details.kind
    await resources.insert(
        session,
        key,
        account_id=project.account_id,
        project_id=project.id,
        kind=kind,
        name=new.name,
        project_generation=project.generation,
    )
    await maker.details.insert(session, maker.spec(key, project, new, place))
    if kind == ResourceKind.SANDBOX:
        await anthropic.give(session, [key])
    session.changes.append(_created(key, kind, project, new.name))
    return key


async def want(
    session: Session,
    viewer: Viewer,
    details: Details[Row, Spec],
    resource_id: UUID,
    desired: DesiredState,
    *,
    if_generation: int | None = None,
) -> Row:
    """Start, stop or delete one."""
    project, resource = await lock(
        session, viewer, details, resource_id, if_generation=if_generation
    )
    await intents.want_one(session, project, resource, desired)
    return await read(session, viewer, details, resource_id)


async def update(
    session: Session,
    viewer: Viewer,
    reviser: Reviser[Row, Spec],
    resource_id: UUID,
    given: Given,
    *,
    if_generation: int | None = None,
) -> Row:
    """Change what one is made from."""
    details, check = reviser.details, Check()
    project, resource = await lock(
        session, viewer, details, resource_id, if_generation=if_generation
    )
    intents.refuse_edit(project, resource)
    changed = reviser.revised(check, await read(session, viewer, details, resource_id), given)
    check.done()
    if changed:
        await details.update(session, resource_id, changed)
        said = ", ".join(f"{name} {value}" for name, value in changed.items())
        await intents.edit_one(session, project, resource, said)
    return await read(session, viewer, details, resource_id)


async def retry(
    session: Session,
    viewer: Viewer,
    details: Details[Row, Spec],
    resource_id: UUID,
    *,
    if_generation: int | None = None,
) -> Row:
    """Look at it again now, if it failed, was given up or waits."""
    project, resource = await lock(
        session, viewer, details, resource_id, if_generation=if_generation
    )
    await intents.retry(session, project, [resource])
    return await read(session, viewer, details, resource_id)


async def read(
    session: Session, viewer: Viewer, details: Details[Row, Spec], resource_id: UUID
) -> Row:
    """It as it is in this transaction."""
    found = await details.by_ids(session, viewer, [resource_id])
    if not found:
        raise NotFound(field=["id"])
    return found[0]


async def lock(
    session: Session,
    viewer: Viewer,
    details: Details[Row, Spec],
    resource_id: UUID,
    field: str = "id",
    *,
    if_generation: int | None = None,
) -> tuple[LockedProject, LockedResource]:
    """One with its project, both under our lock; NotFound names the argument `field`.
    GenerationMismatch unless it is at `if_generation`, where that is given."""
    project_id = await details.project_of(session, viewer, resource_id)
    project = await projects.lock(session, viewer, project_id) if project_id else None
    members = await resources.lock(session, project.id) if project else []
    found = next((member for member in members if member.id == resource_id), None)
    if project is None or found is None:
        raise NotFound(field=[field])
    intents.refuse_late(found.generation, if_generation)
    return project, found


def _check_room(
    check: Check, kind: ResourceKind, members: Sequence[LockedResource], name: str
) -> None:
    taken = [member.name for member in members if member.kind == kind]
    if name in taken:
        check.refuse(
            InputErrorCode.TAKEN, ("name",), f"The project has a {kind.lower()} of this name."
        )
    if len(taken) >= MOST[kind]:
        most = f"A project has at most {MOST[kind]} {PLURAL[kind]}."
        check.refuse(InputErrorCode.NOT_ALLOWED, (), most)


def _created(key: UUID, kind: ResourceKind, project: LockedProject, name: str) -> NewChange:
    return NewChange(
        account_id=project.account_id,
        project_id=project.id,
        action=f"{kind.lower()}.create",
        subject_id=key,
        subject_type=kind.capitalize(),
        subject_name=name,
        from_status=None,
        to_status=ResourceStatus.CREATING,
    )
