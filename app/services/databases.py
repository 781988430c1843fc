"""What may be asked for of a database, and its row."""

from dataclasses import dataclass, replace
from uuid import UUID

from app.db import resources as db_resources
from app.db.credentials import Place
from app.db.databases import DATABASES, DatabaseRow, DatabaseSpec
from app.db.details import Details
from app.db.projects import LockedProject
from app.db.session import Session
from app.domain import limits
from app.domain.errors import BadRequest, InputErrorCode
from app.domain.names import object_name
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.validation import Check
from app.domain.viewer import Viewer
from app.services import intents, resources
from app.services.resources import Given
from app.settings import Settings

# What somebody has to finish who may not be there any more.
_HELD = frozenset({Reason.DELETE_BLOCKED, Reason.KIND_NOT_SERVED})


@dataclass(frozen=True, slots=True)
class NewDatabase:
    """A database as it is asked for; None takes the default of this installation."""

    name: str
    version: str | None = None
    replicas: int | None = None
    cpu: str | None = None
    memory: str | None = None
    storage: str | None = None


class DatabaseMaker:
    """Defaults from settings."""

    details: Details[DatabaseRow, DatabaseSpec] = DATABASES

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def checked(self, check: Check, new: NewDatabase, at: tuple[str, ...]) -> NewDatabase:
        """`new` with defaults; what is wrong is noted in `check`."""
        chosen = self._settings
        version = chosen.database_version if new.version is None else new.version
        replicas = chosen.database_replicas if new.replicas is None else new.replicas
        return NewDatabase(
            name=check.text(new.name, (*at, "name"), limits.RESOURCE_NAME),
            version=None if version is None else check.version(version, (*at, "version")),
            replicas=check.number(replicas, (*at, "replicas"), limits.REPLICAS),
            cpu=check.quantity(
                chosen.database_cpu if new.cpu is None else new.cpu, (*at, "cpu"), limits.CPU
            ),
            memory=check.quantity(
                chosen.database_memory if new.memory is None else new.memory,
                (*at, "memory"),
                limits.MEMORY,
            ),
            storage=check.quantity(
                chosen.database_storage if new.storage is None else new.storage,
                (*at, "storage"),
                limits.STORAGE,
            ),
        )

    def revised(self, check: Check, now: DatabaseRow, given: Given) -> Given:
        """What of `given` is another than `now`: within the bounds of a new one, and such that the
        data stays: no smaller disk, no other major version and none from before the present one.

        A version that was never seen has no data yet. Part of the one that runs is what it is.
        """
        current = NewDatabase(now.name, now.version, now.replicas, now.cpu, now.memory, now.storage)
        for name in given:
            if given[name] is None:
                check.refuse(InputErrorCode.REQUIRED, (name,), "May not be null.")
        wanted = {name: value for name, value in given.items() if value is not None}
        checked = self.checked(check, replace(current, **wanted), ())  # type: ignore[arg-type]
        refused = {problem.field for problem in check.problems}
        if "storage" in wanted and ("storage",) not in refused:
            check.growth(checked.storage or "", now.storage, ("storage",))
        if "version" in wanted and ("version",) not in refused:
            asked, present = checked.version or "", now.observed_version or ""
            check.upgrade(asked, present, ("version",))
            if present.startswith(f"{asked}."):
                del wanted["version"]
        return {
            name: getattr(checked, name)
            for name in wanted
            if getattr(checked, name) != getattr(current, name)
        }

    def spec(
        self, key: UUID, project: LockedProject, new: NewDatabase, place: Place
    ) -> DatabaseSpec:
        """The row of a checked database."""
        assert new.replicas and new.cpu and new.memory and new.storage
        return DatabaseSpec(
            id=key,
            account_id=project.account_id,
            k8s_server=place.server,
            k8s_namespace=place.within(self._settings.sandbox_namespace),
            k8s_name=object_name(project.name),
            version=new.version,
            replicas=new.replicas,
            cpu=new.cpu,
            memory=new.memory,
            storage=new.storage,
        )


async def release(
    session: Session,
    viewer: Viewer,
    details: Details[DatabaseRow, DatabaseSpec],
    key: UUID,
    *,
    if_generation: int | None = None,
) -> DatabaseRow:
    """Have what holds it taken off, once its deletion is blocked; BadRequest before.

    The audit has what held it, in the words of the time.
    """
    _, resource = await resources.lock(session, viewer, details, key, if_generation=if_generation)
    row = await resources.read(session, viewer, details, key)
    going = resource.desired_state == DesiredState.DELETED
    if not going or resource.reason not in _HELD:
        raise BadRequest("Its deletion has to be wanted, and blocked: why says so.", ("id",))
    await details.update(session, key, {"released": True})
    line = intents.change(resource, "database.release", resource.status)
    session.changes.append(replace(line, message=row.message))
    await db_resources.retry(session, [key])
    return row
