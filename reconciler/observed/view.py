"""What a pass saw of one resource, whatever its kind: the phase, and why it is not further."""

from dataclasses import dataclass

from app.domain.states import Phase


@dataclass(frozen=True, slots=True)
class View:
    """A phase, and the reason why it is not further; `message` is the cluster's own text."""

    phase: Phase
    reason: str | None = None
    message: str | None = None
    object: str | None = None
