"""`make chaos`: a run of real processes, and its table; exit code 1 when something is wrong."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from pathlib import Path

from tests.chaos.disturbances import DISTURBANCES
from tests.chaos.run import Plan, run, told


def _plan() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=180, help="of load")
    parser.add_argument("--projects", type=int, default=200, help="at a time")
    parser.add_argument("--seed", help="what an earlier run printed, to have its choices again")
    parser.add_argument(
        "--pace", type=float, default=10, help="seconds between a project's intents"
    )
    parser.add_argument("--away", type=float, help="seconds that Postgres is away; a sixth of all")
    parser.add_argument("--only", nargs="*", choices=list(DISTURBANCES), help="these disturbances")
    parser.add_argument("--logs", type=Path, help="folder for the processes' logs")
    given = parser.parse_args()
    return Plan(
        seconds=given.seconds,
        projects=given.projects,
        seed=given.seed or str(random.randrange(10**6)),
        pace=given.pace,
        away=given.away or min(30.0, given.seconds / 6),
        names=tuple(given.only if given.only is not None else DISTURBANCES),
        keep=given.logs,
    )


def main() -> int:
    """Run, and print what was done and found."""
    plan, began = _plan(), time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - began:6.1f}] {line}", flush=True)

    say(f"seed {plan.seed}")
    report = asyncio.run(run(plan, say))
    print(told(report))
    for key, lines in report.problems.items():
        for line in lines[:20]:
            print(f"{key}: {line}")
    print(f"{len(report.wrong)} wrong; SEED={plan.seed} has the same choices again")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
