"""How long pods and databases take, settable while the simulator runs."""

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

NAMES = {
    "ready_after": "readyAfter",
    "gone_after": "goneAfter",
    "database_ready_after": "databaseReadyAfter",
}


@dataclass
class Delays:
    """Seconds: from a pod's being on its node to Ready, from its deletion to its end, and from
    the readiness of a database's pods to the operator's saying so."""

    ready_after: float = 1.0
    gone_after: float = 1.0
    database_ready_after: float = 1.0

    def body(self) -> dict[str, float]:
        return {NAMES[field]: value for field, value in asdict(self).items()}

    def set(self, given: dict[str, Any]) -> None:
        """Raises ValueError or TypeError, and then changes nothing."""
        wanted = {**self.body(), **given}
        if set(wanted) != set(NAMES.values()):
            raise ValueError(given)
        seconds = {field: float(wanted[name]) for field, name in NAMES.items()}
        if not all(isfinite(value) and value >= 0 for value in seconds.values()):
            raise ValueError(given)
        for field, value in seconds.items():
            setattr(self, field, value)
