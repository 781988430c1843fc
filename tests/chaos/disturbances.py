"""What goes wrong: each disturbance does one thing, undoes it, and says what it was.

Each happens once, in an order and at distances that the seed draws. `away` is how long what is
away is away: 30 seconds in the full form.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from tests.chaos.stack import APIS, CALM, LEASE, RECONCILERS, Stack
from tests.simulator import trust_of

# A lease ends meanwhile, and another takes the row.
BEYOND_LEASE = LEASE * 1.7


@dataclass(frozen=True)
class Stage:
    """What a disturbance works with."""

    stack: Stack
    draw: random.Random
    away: float


Act = Callable[[Stage], Awaitable[str]]


@dataclass(frozen=True)
class Happened:
    """One disturbance as it was; seconds since the load began, and how long it took."""

    name: str
    at: float
    seconds: float
    said: str


def killed(name: str) -> Act:
    """kill -9, and started again a moment later."""

    async def act(stage: Stage) -> str:
        with stage.stack.holding_up(name):
            await stage.stack.kill(name)
        await asyncio.sleep(stage.draw.uniform(0.1, 1.5))
        await stage.stack.start_and_wait(name)
        return "kill -9, started again"

    return act


async def both_reconcilers(stage: Stage) -> str:
    """Nobody reconciles for a while."""
    for name in RECONCILERS:
        await stage.stack.kill(name)
    await asyncio.sleep(stage.draw.uniform(0.5, 2))
    for name in RECONCILERS:
        await stage.stack.start_and_wait(name)
    return "kill -9 of both at once"


def paused(name: str) -> Act:
    """SIGSTOP for longer than its lease: it wakes up and believes that the rows are its own."""

    async def act(stage: Stage) -> str:
        stage.stack.processes[name].signal(signal.SIGSTOP)
        with stage.stack.holding_up(name):
            await asyncio.sleep(BEYOND_LEASE)
            stage.stack.processes[name].signal(signal.SIGCONT)
        return f"SIGSTOP for {BEYOND_LEASE:.0f} s (lease {LEASE:.0f} s), SIGCONT"

    return act


async def cut_all(stage: Stage) -> str:
    """All connections to Postgres end as by a reset, three times."""
    count = 0
    for _ in range(3):
        count += sum(proxy.cut() for proxy in stage.stack.proxies.values())
        await asyncio.sleep(stage.draw.uniform(0.2, 1))
    # What was under way is to come to an end before the next one.
    await asyncio.sleep(2 * CALM)
    return f"{count} connections to Postgres reset"


async def delayed(stage: Stage) -> str:
    """The network is slow."""
    proxies = stage.stack.proxies.values()
    seconds = min(6.0, stage.away)
    with stage.stack.holding_up("delay"):
        for proxy in proxies:
            proxy.delay = 0.1
        await asyncio.sleep(seconds)
        for proxy in proxies:
            proxy.delay = 0.0
    return f"each piece 100 ms late for {seconds:.0f} s"


def holed(*names: str) -> Act:
    """A black hole between these and Postgres for longer than a lease."""

    async def act(stage: Stage) -> str:
        with stage.stack.holding_up("hole"):
            for name in names:
                stage.stack.proxies[name].hole = True
            await asyncio.sleep(BEYOND_LEASE)
            for name in names:
                stage.stack.proxies[name].hole = False
        return f"nothing passes for {BEYOND_LEASE:.0f} s, and nothing ends"

    return act


async def rolled(stage: Stage) -> str:
    """As a rollout does it: one after the other, each is told to end and has time for it."""
    for name in (*APIS, *RECONCILERS):
        with stage.stack.holding_up(name):
            await stage.stack.stop(name)
        await stage.stack.start_and_wait(name)
    return "SIGTERM, one after the other, each awaited"


async def lost_cluster(stage: Stage) -> str:
    """The cluster is restored from nothing: same address and credential, no object of ours."""
    await stage.stack.kill("simulator")
    lines = stage.stack.forget_cluster()
    await stage.stack.start_and_wait("simulator")
    return f"started again without any of its objects ({lines} lines of state dropped)"


def away(name: str) -> Act:
    """Stopped, and started again when it was away for long."""

    async def act(stage: Stage) -> str:
        with stage.stack.holding_up(name):
            await stage.stack.stop(name)
        await asyncio.sleep(stage.away)
        await stage.stack.start_and_wait(name)
        return f"stopped, {stage.away:.0f} s away"

    return act


async def restarted_postgres(stage: Stage) -> str:
    """As an upgrade does it."""
    with stage.stack.holding_up("postgres"):
        await stage.stack.stop("postgres")
    await stage.stack.start_and_wait("postgres")
    return "fast shutdown, started at once"


async def cluster_refuses(stage: Stage) -> str:
    """The API server refuses, with the effect applied and without, hangs, and cuts watches."""
    writes = ["create", "update", "patch", "delete"]
    rules: list[dict[str, Any]] = [
        {"fault": "Answer", "code": 500, "verbs": writes, "applied": True, "times": 20},
        {"fault": "Answer", "code": 409, "verbs": ["patch"], "times": 20, "kind": "StatefulSet"},
        {"fault": "Answer", "code": 429, "retryAfter": 1, "times": 20, "kind": "Secret"},
        {"fault": "Hang", "verbs": writes, "applied": True, "times": 5, "kind": "Service"},
        {"fault": "WatchCut", "after": 1, "torn": True},
        {"fault": "WatchExpired", "times": 10},
    ]
    seconds = min(8.0, stage.away)
    await set_faults(stage.stack, rules)
    await asyncio.sleep(seconds)
    await set_faults(stage.stack, [])
    return f"500 applied, 409, 429, hangs, cut and expired watches for {seconds:.0f} s"


async def pods_fail(stage: Stage) -> str:
    """Half of the pods crash, and are well again."""
    seconds = min(8.0, stage.away)
    await set_faults(
        stage.stack,
        [{"fault": "CrashLoopBackOff", "name": "*[0-7]-0", "every": 0.5}],
    )
    await asyncio.sleep(seconds)
    await set_faults(stage.stack, [])
    return f"half of the pods crash for {seconds:.0f} s"


async def set_faults(stack: Stack, rules: list[dict[str, Any]]) -> None:
    """The simulator's rules from now on; tried again while it is away."""
    config = orjson.loads(stack.kubeconfig.read_bytes())
    url = config["clusters"][0]["cluster"]["server"] + "/simulator/faults"
    headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
    async with httpx.AsyncClient(verify=trust_of(stack.kubeconfig), trust_env=False) as http:
        answer = await http.put(url, json=rules, headers=headers, timeout=20)
        answer.raise_for_status()


# Two lanes at once: what happens to the way to Postgres, and what to processes and cluster.
_POSTGRES: dict[str, Act] = {
    "kill postgres": killed("postgres"),
    "cut postgres": cut_all,
    "slow postgres": delayed,
    "hole before reconciler-2": holed("reconciler-2"),
    "hole before all": holed(*APIS, *RECONCILERS),
    "restart postgres": restarted_postgres,
    "postgres away": away("postgres"),
}
_OTHERS: dict[str, Act] = {
    **{f"kill {name}": killed(name) for name in (*APIS, *RECONCILERS, "simulator")},
    "kill both reconcilers": both_reconcilers,
    "roll all": rolled,
    "pause reconciler-1": paused("reconciler-1"),
    "pause api-2": paused("api-2"),
    "pause simulator": paused("simulator"),
    "simulator away": away("simulator"),
    "cluster refuses": cluster_refuses,
    "cluster lost": lost_cluster,
    "pods crash": pods_fail,
}
DISTURBANCES = _POSTGRES | _OTHERS


class Disturber:
    """Does one after the other; `happened` is what was done."""

    def __init__(
        self, stack: Stack, seed: str, away: float, names: list[str], say: Callable[[str], None]
    ) -> None:
        self._stack, self._seed, self._away = stack, seed, away
        self._lanes = [[name for name in names if name in lane] for lane in (_POSTGRES, _OTHERS)]
        self._say = say
        self.happened: list[Happened] = []

    async def run(self, seconds: float) -> None:
        """Each once, spread over `seconds`, and not less than these."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number, names in enumerate(self._lanes):
                group.create_task(self._lane(names, f"{self._seed}/{number}", began, seconds))
            await asyncio.sleep(seconds)

    async def _lane(self, names: list[str], seed: str, began: float, seconds: float) -> None:
        draw = random.Random(seed)
        stage = Stage(self._stack, draw, self._away)
        for name in draw.sample(names, len(names)):
            # What is done between two of them is what the next one meets.
            await asyncio.sleep(draw.uniform(0.3, seconds / len(names)))
            at = time.monotonic()
            said = await DISTURBANCES[name](stage)
            took = time.monotonic() - at
            self.happened.append(Happened(name, at - began, took, said))
            self._say(f"{name}: {said}")

    async def heal(self) -> None:
        """Whatever a run that ended early left behind is taken back."""
        stack = self._stack
        for proxy in stack.proxies.values():
            proxy.hole, proxy.delay, proxy.closed = False, 0.0, False
        for process in stack.processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.signal(signal.SIGCONT)
