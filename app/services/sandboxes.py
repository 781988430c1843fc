"""What may be asked for of a sandbox, and its row."""

import secrets
from dataclasses import dataclass, replace
from uuid import UUID

from app.db.credentials import Place
from app.db.details import Details
from app.db.projects import LockedProject
from app.db.sandboxes import SANDBOXES, SandboxRow, SandboxSpec
from app.domain import limits
from app.domain.errors import InputErrorCode
from app.domain.names import object_name
from app.domain.reasons import Reason
from app.domain.validation import Check
from app.secrets.keyring import KeyRing
from app.services.resources import Given
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


class SandboxMaker:
    """Defaults from settings, and a sealed terminal password."""

    details: Details[SandboxRow, SandboxSpec] = SANDBOXES

    def __init__(self, settings: Settings, keys: KeyRing) -> None:
        self._settings = settings
        self._keys = keys

    def checked(self, check: Check, new: NewSandbox, at: tuple[str, ...]) -> NewSandbox:
        """`new` with defaults; what is wrong is noted in `check`."""
        chosen = self._settings
        return NewSandbox(
            name=check.text(new.name, (*at, "name"), limits.RESOURCE_NAME),
            image=check.image(
                chosen.sandbox_image if new.image is None else new.image, (*at, "image")
            ),
            cpu=check.quantity(
                chosen.sandbox_cpu if new.cpu is None else new.cpu, (*at, "cpu"), limits.CPU
            ),
            memory=check.quantity(
                chosen.sandbox_memory if new.memory is None else new.memory,
                (*at, "memory"),
                limits.MEMORY,
            ),
            storage=check.quantity(
                chosen.sandbox_storage if new.storage is None else new.storage,
                (*at, "storage"),
                limits.STORAGE,
            ),
        )

    def revised(self, check: Check, now: SandboxRow, given: Given) -> Given:
        """What of `given` is another than `now`: within the bounds of a new one, and no smaller
        disk."""
        current = NewSandbox(now.name, now.image, now.cpu, now.memory, now.storage)
        for name in given:
            if given[name] is None:
                check.refuse(InputErrorCode.REQUIRED, (name,), "May not be null.")
        wanted = {name: value for name, value in given.items() if value is not None}
        checked = self.checked(check, replace(current, **wanted), ())  # type: ignore[arg-type]
        refused = {problem.field for problem in check.problems}
        # A cluster that refused to enlarge it left it as it was: there is a way back.
        grew = now.reason != Reason.VOLUME_NOT_GROWING
        if grew and "storage" in wanted and ("storage",) not in refused:
            check.growth(checked.storage or "", now.storage, ("storage",))
        return {
            name: getattr(checked, name)
            for name in wanted
            if getattr(checked, name) != getattr(current, name)
        }

    def spec(self, key: UUID, project: LockedProject, new: NewSandbox, place: Place) -> SandboxSpec:
        """The row of a checked sandbox."""
        assert new.image and new.cpu and new.memory and new.storage
        password = secrets.token_urlsafe(24)
        return SandboxSpec(
            id=key,
            account_id=project.account_id,
            k8s_server=place.server,
            k8s_namespace=place.within(self._settings.sandbox_namespace),
            k8s_name=object_name(project.name),
            project_name=project.name,
            image=new.image,
            cpu=new.cpu,
            memory=new.memory,
            storage=new.storage,
            ttyd_user=_TTYD_USER,
            ttyd_password=self._keys.seal(password, "sandbox", key, "ttyd_password"),
        )
