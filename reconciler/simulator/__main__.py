"""`python -m reconciler.simulator`: see docs/simulator.md for what it is."""

import argparse
import logging
import sys
from pathlib import Path

import structlog

from reconciler import event_loop
from reconciler.simulator.controllers.delays import Delays
from reconciler.simulator.journal import UnreadableError
from reconciler.simulator.releases import NEWEST, RELEASES
from reconciler.simulator.server import Arguments, run


def parsed(given: list[str] | None = None) -> Arguments:
    parser = argparse.ArgumentParser(prog="python -m reconciler.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--state", type=Path, help="file that keeps the cluster; none: memory")
    parser.add_argument("--kubeconfig", type=Path, help="written once it listens")
    parser.add_argument("--ready-after", type=_seconds, default=1.0, metavar="SECONDS")
    parser.add_argument("--gone-after", type=_seconds, default=1.0, metavar="SECONDS")
    parser.add_argument("--database-ready-after", type=_seconds, default=1.0, metavar="SECONDS")
    parser.add_argument(
        "--history", type=int, default=4_000, help="changes per kind that a watch can replay"
    )
    parser.add_argument(
        "--parent-pipe", type=int, metavar="FD", help="end when this descriptor does"
    )
    parser.add_argument(
        "--kubeblocks",
        choices=RELEASES,
        default=NEWEST.name,
        help="its release, which decides the version of its API",
    )
    found = parser.parse_args(given)
    return Arguments(
        host=found.host,
        port=found.port,
        state=found.state,
        kubeconfig=found.kubeconfig,
        delays=Delays(found.ready_after, found.gone_after, found.database_ready_after),
        history=found.history,
        parent_pipe=found.parent_pipe,
        kubeblocks=RELEASES[found.kubeblocks],
    )


def _seconds(text: str) -> float:
    delays = Delays()
    delays.set({"readyAfter": text})
    return delays.ready_after


def main(given: list[str] | None = None) -> None:
    """The process's life. SystemExit with the reason where its state cannot be read."""
    # What a controller is refused is its own business; what fails is shown.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    try:
        with event_loop.runner() as runner:
            runner.run(run(parsed(given)))
    except UnreadableError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
