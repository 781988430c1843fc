"""What runs have come through, counted for whoever wants to know how much was tried."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts of all runs together; `wished`, `faults` and `deeds` by their names."""

    runs: int = 0
    steps: int = 0
    seconds: float = 0.0
    writes: int = 0
    sent: int = 0
    followed: int = 0
    wished: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """For people."""
        lines = [
            f"runs {self.runs}, steps {self.steps}, {self.seconds:.0f} s of their time",
            f"writes of rows judged {self.writes}, requests that write {self.sent},"
            f" changes followed {self.followed}",
            f"intents {sum(self.wished.values())}: {_told(self.wished)}",
            f"  answered: {_told(self.answers)}",
            f"faults {sum(self.faults.values())}: {_told(self.faults)}",
        ]
        return "\n".join(lines)


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counted.most_common())
