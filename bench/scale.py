"""How much of each thing one run does."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Counts are for one round; `seconds` for one server and query."""

    rounds: int
    mutations: int
    events: int
    crowds: tuple[int, ...]
    crowd_events: int
    seconds: float
    sandboxes: int
    walled: int
    settled: tuple[int, ...]
    claims: int
    wakeups: int
    starts: int
    backlog: int
    idle: int
    idle_seconds: float


FULL = Scale(
    rounds=3,
    mutations=200,
    events=60,
    crowds=(1, 100, 2000),
    crowd_events=10,
    seconds=2.0,
    sandboxes=2000,
    walled=400,
    settled=(100, 10_000, 100_000),
    claims=200,
    wakeups=200,
    starts=10,
    backlog=5000,
    idle=10_000,
    idle_seconds=60.0,
)
# Every row, none of them worth anything: that it runs.
QUICK = Scale(
    rounds=1,
    mutations=4,
    events=3,
    crowds=(1, 5, 20),
    crowd_events=3,
    seconds=0.2,
    sandboxes=20,
    walled=10,
    settled=(10, 100),
    claims=5,
    wakeups=5,
    starts=2,
    backlog=40,
    idle=40,
    idle_seconds=2.0,
)
