"""What a user wants of resources: the one way in which intent is written, for both kinds.

Intent is accepted in any state; repeating one is a success that changes nothing. Once DELETED is
wanted, only delete and retry are accepted (design section 3.1).
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from app.db import anthropic, projects, resources
from app.db.feed import NewChange
from app.db.projects import LockedProject
from app.db.resources import LockedResource
from app.db.session import Session
from app.domain.errors import DeletionRequested, GenerationMismatch
from app.domain.reasons import Reason
from app.domain.states import DesiredState, ResourceKind, ResourceStatus

VERBS = {
    DesiredState.RUNNING: "start",
    DesiredState.STOPPED: "stop",
    DesiredState.DELETED: "delete",
}


async def want_all(session: Session, project: LockedProject, desired: DesiredState) -> None:
    """Want `desired` of the project and of each of its resources that is to stay."""
    _refuse_after_deletion(project.desired_state, desired)
    members = [r for r in await resources.lock(session, project.id) if _moves(r, desired)]
    if not members and project.desired_state == desired:
        return
    generation = await projects.intend(session, project.id, desired)
    moved = await resources.want(session, [r.id for r in members], desired, generation)
    await _equip(session, members, desired)
    verb = VERBS[desired]
    session.changes += [change(r, f"{r.kind.lower()}.{verb}", moved[r.id]) for r in members]
    await projects.settle(session, [replace(project, desired_state=desired)], verb)


async def want_one(
    session: Session,
    project: LockedProject,
    resource: LockedResource,
    desired: DesiredState,
) -> None:
    """Want `desired` of one resource."""
    _refuse_after_deletion(resource.desired_state, desired)
    _refuse_after_deletion(project.desired_state, desired)
    if not _moves(resource, desired):
        return
    generation = await projects.intend(session, project.id, None)
    moved = await resources.want(session, [resource.id], desired, generation)
    await _equip(session, [resource], desired)
    action = f"{resource.kind.lower()}.{VERBS[desired]}"
    session.changes.append(change(resource, action, moved[resource.id]))
    await projects.settle(session, [project])


async def edit(
    session: Session,
    among: Sequence[LockedProject],
    verb: str,
    message: str | None = None,
    only: Collection[UUID] | None = None,
) -> None:
    """What the sandboxes of these projects run with has changed (of `only` these): they are to
    have it. One that is down stays down, and has it when it starts.
    """
    keys = [project.id for project in among]
    locked = await resources.lock(session, *keys)
    members = [
        member
        for member in locked
        if member.kind == ResourceKind.SANDBOX
        and member.desired_state != DesiredState.DELETED
        and (only is None or member.id in only)
    ]
    await projects.intend_all(session, keys)
    moved = await resources.edit(session, [member.id for member in members])
    session.changes += [change(m, f"sandbox.{verb}", moved[m.id]) for m in members]
    await projects.settle(session, among, verb, message)


async def edit_one(
    session: Session,
    project: LockedProject,
    resource: LockedResource,
    message: str,
    verb: str = "update",
) -> None:
    """What one resource is made from has changed, as `message` says: it is to be so. One that is
    down stays down."""
    refuse_edit(project, resource)
    await projects.intend(session, project.id, None)
    moved = await resources.edit(session, [resource.id])
    line = change(resource, f"{resource.kind.lower()}.{verb}", moved[resource.id])
    session.changes.append(replace(line, message=message))
    await projects.settle(session, [project])


def refuse_late(generation: int, if_generation: int | None) -> None:
    """GenerationMismatch where a wish was made of another generation than that of the row, which is
    locked: one that comes late, or of somebody who has not seen the newest."""
    if if_generation is not None and if_generation != generation:
        raise GenerationMismatch(generation)


def refuse_edit(project: LockedProject, resource: LockedResource) -> None:
    """DeletionRequested where one is to go, or all of its project."""
    if DesiredState.DELETED in (project.desired_state, resource.desired_state):
        raise DeletionRequested


async def retry(
    session: Session, project: LockedProject, members: Sequence[LockedResource]
) -> None:
    """Look again now at those that failed, were given up or wait; no intent: generation stays. But
    what somebody stopped in the cluster no look starts again: it is wanted RUNNING anew."""
    waiting = [r for r in members if r.reason is not None or r.attempts]
    if not waiting:
        return
    stopped = [r.id for r in waiting if _is_stopped_elsewhere(r)]
    moved: dict[UUID, ResourceStatus] = {}
    if stopped:
        generation = await projects.intend(session, project.id, None)
        moved = await resources.want(session, stopped, DesiredState.RUNNING, generation)
    await resources.retry(session, [r.id for r in waiting if r.id not in moved])
    session.changes += [
        change(r, f"{r.kind.lower()}.retry", moved.get(r.id, r.status)) for r in waiting
    ]
    if stopped:
        await projects.settle(session, [project])


def change(resource: LockedResource, action: str, to_status: ResourceStatus) -> NewChange:
    """A change of one resource."""
    return NewChange(
        account_id=resource.account_id,
        project_id=resource.project_id,
        action=action,
        subject_id=resource.id,
        subject_type=resource.kind.capitalize(),
        subject_name=resource.name,
        from_status=resource.status,
        to_status=to_status,
    )


async def _equip(
    session: Session, members: Sequence[LockedResource], desired: DesiredState
) -> None:
    """A sandbox that starts runs with its account's newest Anthropic settings."""
    sandboxes = [member.id for member in members if member.kind == ResourceKind.SANDBOX]
    if sandboxes and desired == DesiredState.RUNNING:
        await anthropic.give(session, sandboxes)


def _moves(resource: LockedResource, desired: DesiredState) -> bool:
    """Whether it is another wish; to start what somebody stopped in the cluster is one."""
    if desired == DesiredState.RUNNING and _is_stopped_elsewhere(resource):
        return True
    return resource.desired_state not in (desired, DesiredState.DELETED)


def _is_stopped_elsewhere(resource: LockedResource) -> bool:
    stopped = resource.reason == Reason.STOPPED_ELSEWHERE
    return stopped and resource.desired_state == DesiredState.RUNNING


def _refuse_after_deletion(now: DesiredState, desired: DesiredState) -> None:
    if DesiredState.DELETED == now != desired:
        raise DeletionRequested
