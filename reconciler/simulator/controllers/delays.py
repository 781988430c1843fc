"""How long pods take, settable while the simulator runs."""

from dataclasses import dataclass
from math import isfinite
from typing import Any


@dataclass
class Delays:
    """Seconds: from a pod's being on its node to Ready, and from its deletion to its end."""

    ready_after: float = 1.0
    gone_after: float = 1.0

    def body(self) -> dict[str, float]:
        return {"readyAfter": self.ready_after, "goneAfter": self.gone_after}

    def set(self, given: dict[str, Any]) -> None:
        """Raises ValueError or TypeError, and then changes nothing."""
        wanted = {**self.body(), **given}
        if set(wanted) != {"readyAfter", "goneAfter"}:
            raise ValueError(given)
        ready, gone = float(wanted["readyAfter"]), float(wanted["goneAfter"])
        if not (isfinite(ready) and isfinite(gone) and ready >= 0 and gone >= 0):
            raise ValueError(given)
        self.ready_after, self.gone_after = ready, gone
