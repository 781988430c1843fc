"""`python -m bench [--quick]`: all figures in several interleaved rounds, and their table."""

import argparse
import asyncio
import contextlib
import resource
import signal
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from app.logs import configure_logs
from bench import (
    calls,
    claiming,
    crowds,
    events,
    fairness,
    fleet,
    idle,
    mutations,
    reads,
    revoked,
    table,
    wakeups,
    wall,
)
from bench.client import signed_up
from bench.figures import Figures
from bench.patience import within
from bench.scale import FULL, QUICK, Scale
from bench.writer import writer
from tests.acceptance.stack import Stack, running_stack

# As in life but for the cluster: it has no delays, and its budget of requests is out of the way.
SETTINGS = {
    "mutations_per_minute": "0",
    "namespace_quota": "{}",
    "simulator_arguments": "--ready-after 0 --gone-after 0",
    "cluster_rate": "100000",
    "cluster_burst": "100000",
    "log_level": "info",
    # A pod that is made to fall sixty times would be damped, and its events held.
    "flapping_after": "1000000",
    "lease": "30",
    "lease_margin": "5",
    "pass_timeout": "20",
    "poll": "3",
}
# A limit that nobody reaches.
COUNTED = {"mutations_per_minute": "1000000"}
# Seconds that one part may take; the longest takes some minutes on two quiet cores.
_LONGEST = 3600
_SAID = ("simulator_arguments", "cluster_rate", "cluster_burst")


def main() -> None:
    """Measure, print, and keep the table of a full run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one tiny round: that it runs")
    parser.add_argument("--rounds", type=int, help="instead of the usual number")
    parser.add_argument("--results", type=Path, default=Path("bench/results"))
    given = parser.parse_args()
    scale = QUICK if given.quick else FULL
    # What our own code says in this process stays out of the table, and of what is measured.
    configure_logs("error", "console")
    facts = table.machine()
    figures = Figures()
    _raise_descriptors()
    # Stopped from outside, it stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    rounds = given.rounds or scale.rounds
    for number in range(rounds):
        print(f"round {number + 1}", flush=True)
        facts |= _round(scale, figures, last=number == rounds - 1)
    said = ", ".join(f"MOORING_{name.upper()}={SETTINGS[name]}" for name in _SAID)
    text = table.rendered(figures, facts | {"settings": said})
    print(f"\n{text}")
    if not given.quick:
        print(f"kept in {table.write(given.results, text)}")


def _round(scale: Scale, figures: Figures, *, last: bool) -> dict[str, str]:
    """Each part once, on new stacks, so that no round inherits another's rows or memory; the part
    that takes minutes in the last one alone."""
    with running_stack(**SETTINGS) as stack, uvloop_runner() as runner:
        _part(runner, "what is followed and changed", _live(stack, scale, figures))
        version = runner.run(_postgres(stack))
    # Where no crowd has left: its garbage makes the API stand still for two seconds, once.
    with running_stack(**SETTINGS) as stack, uvloop_runner() as runner:
        _part(runner, "reads", _reading(stack, scale, figures))
    with running_stack(**SETTINGS | COUNTED) as stack, uvloop_runner() as runner:
        _part(runner, "counted mutations", _counted(stack, scale, figures))
    # Namespaces of accounts are looked at in lists for all of them, which would be counted.
    often = {"poll": str(calls.POLL), "sandbox_namespace": "mooring"}
    with running_stack(**SETTINGS | often) as stack, uvloop_runner() as runner:
        _part(runner, "calls", calls.measure(stack, figures))
    calls.remember(figures)
    with uvloop_runner() as runner:
        _part(runner, "claiming", claiming.measure(scale, figures))
        _part(runner, "wakeups", wakeups.measure(scale, figures))
        _part(runner, "fairness", fairness.measure(scale, figures))
    for reconcilers in (2, 1):
        with running_stack(**SETTINGS) as stack, uvloop_runner() as runner:
            measured = fleet.measure(stack, reconcilers, scale.sandboxes, figures)
            _part(runner, f"fleet of {reconcilers}", measured)
            if last and reconcilers == 1:
                _part(runner, "idle", idle.measure(stack, scale, figures))
    return {"postgres": version}


def _part(runner: asyncio.Runner, name: str, measured: Coroutine[Any, Any, None]) -> None:
    """One part, to its end or to the end of all patience."""

    async def bounded() -> None:
        async with within(_LONGEST, f"the part: {name}"):
            await measured

    print(f"  {name}", flush=True)
    runner.run(bounded())


async def _live(stack: Stack, scale: Scale, figures: Figures) -> None:
    """What is followed and changed; crowds first, for the API's memory."""
    api_url = stack.ready["database"]["api"]
    async with signed_up(stack.url) as user, writer(api_url, user) as committing:
        await crowds.measure(user, committing, stack.pid("api"), scale, figures)
        await events.of_commits(user, committing, scale, figures)
        await events.of_clusters(user, stack.kubeconfig, scale, figures)
    async with signed_up(stack.url) as user:
        await mutations.measure(user, scale, figures)
        await revoked.measure(user, scale, figures)


async def _reading(stack: Stack, scale: Scale, figures: Figures) -> None:
    async with signed_up(stack.url) as user:
        await reads.measure(user, stack, scale, figures)
        await wall.measure(user, stack, scale, figures)


async def _counted(stack: Stack, scale: Scale, figures: Figures) -> None:
    """What a limit on mutations costs each of them."""
    async with signed_up(stack.url) as user:
        await mutations.wanted(user, scale, figures)


async def _postgres(stack: Stack) -> str:
    connection = await asyncpg.connect(stack.owner_url)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


@contextlib.contextmanager
def uvloop_runner() -> Iterator[asyncio.Runner]:
    """An event loop as the API has it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner


def _raise_descriptors() -> None:
    """A websocket takes one here and one in the API, which inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, 8192)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


if __name__ == "__main__":
    main()
