"""Verbs on the ports that a sandbox opens beside the app's and the terminal's.

Opening or closing one is an intent, which restarts nothing: what runs may listen where it likes,
and only the way to it changes. Repeating one is a success without a trace.
"""

from uuid import UUID

from app.db import sandboxes
from app.db.projects import LockedProject
from app.db.resources import LockedResource
from app.db.sandboxes import SANDBOXES, SandboxRow
from app.db.session import Session
from app.domain import hosts, limits
from app.domain.errors import InputErrorCode
from app.domain.validation import Check
from app.domain.viewer import Viewer
from app.services import intents, resources

_FIELD = "sandboxId"


async def expose(
    session: Session,
    viewer: Viewer,
    sandbox_id: UUID,
    port: int,
    *,
    if_generation: int | None = None,
) -> SandboxRow:
    """Open one more port, at most five."""
    check = _checked(port)
    project, resource, now = await _locked(session, viewer, sandbox_id, if_generation)
    if port in now.ports:
        return now
    if len(now.ports) >= limits.PORTS_PER_SANDBOX:
        most = f"A sandbox opens at most {limits.PORTS_PER_SANDBOX} ports."
        check.refuse(InputErrorCode.NOT_ALLOWED, (), most)
    check.done()
    await sandboxes.open_port(session, sandbox_id, resource.account_id, port)
    await intents.edit_one(session, project, resource, f"port {port}", "expose")
    return await resources.read(session, viewer, SANDBOXES, sandbox_id)


async def unexpose(
    session: Session,
    viewer: Viewer,
    sandbox_id: UUID,
    port: int,
    *,
    if_generation: int | None = None,
) -> SandboxRow:
    """Close a port that was opened."""
    _checked(port)
    project, resource, now = await _locked(session, viewer, sandbox_id, if_generation)
    if port not in now.ports:
        return now
    await sandboxes.close_port(session, sandbox_id, port)
    await intents.edit_one(session, project, resource, f"port {port}", "unexpose")
    return await resources.read(session, viewer, SANDBOXES, sandbox_id)


async def _locked(
    session: Session, viewer: Viewer, sandbox_id: UUID, if_generation: int | None
) -> tuple[LockedProject, LockedResource, SandboxRow]:
    project, resource = await resources.lock(
        session, viewer, SANDBOXES, sandbox_id, _FIELD, if_generation=if_generation
    )
    intents.refuse_edit(project, resource)
    return project, resource, await resources.read(session, viewer, SANDBOXES, sandbox_id)


def _checked(port: int) -> Check:
    check = Check()
    check.number(port, ("port",), limits.PORT)
    if port in hosts.OWN.values():
        own = " and ".join(str(one) for one in hosts.OWN.values())
        rule = f"{own} are the sandbox's own: they are always open."
        check.refuse(InputErrorCode.NOT_ALLOWED, ("port",), rule)
    check.done()
    return check
