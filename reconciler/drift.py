"""What somebody else did to the objects of a resource and a pass undid, in words. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.domain.observation import Outcome


@dataclass(slots=True)
class Drift:
    """What one pass undid, over all of its tries."""

    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def told(self, outcome: Outcome) -> Outcome:
        """The outcome of the pass, with what it undid, however it ended."""
        said = (
            _words(self.removed, "removed", "made again"),
            _words(self.changed, "changed", "put back"),
        )
        words = " ".join(filter(None, said))
        return replace(outcome, healed=words) if words else outcome


def _words(objects: Sequence[str], done: str, undone: str) -> str:
    if not objects:
        return ""
    objects = list(dict.fromkeys(objects))
    one = len(objects) == 1
    verbs = ("was", "is") if one else ("were", "are")
    return f"{', '.join(objects)} {verbs[0]} {done} by somebody and {verbs[1]} {undone}."
