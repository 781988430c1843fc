"""One run of chaos: start, load and disturb, let it settle, look at everything.

report = await run(Plan(seconds=180, projects=200, seed="7"), say=print)
report.problems                     # empty when all held
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos import checks, end
from tests.chaos.caller import Caller
from tests.chaos.disturbances import DISTURBANCES, Disturber, Happened
from tests.chaos.load import PROJECTS_PER_USER, Actor, User
from tests.chaos.stack import APIS, RECONCILERS, RESYNC_AFTER, SHIFTED, Stack, running_stack
from tests.chaos.subscriber import Subscriber

# Of each user; the last one sleeps, until a RESYNC is cheaper for him.
_SUBSCRIBERS = 3
# Requests of a user that he ends himself before they are answered.
_CUT = 0.04
_SETTLING = 180.0
_QUIET = 60.0

Facts = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """`pace`: seconds between two intents of a project; `away`: how long what is away is away."""

    seconds: float
    projects: int
    seed: str
    pace: float = 10.0
    away: float = 30.0
    names: tuple[str, ...] = tuple(DISTURBANCES)
    keep: Path | None = None
    settings: dict[str, str] = field(default_factory=dict)


@dataclass
class Report:
    """What was done and found; `problems` by the name of the check."""

    plan: Plan
    happened: list[Happened] = field(default_factory=list)
    done: dict[str, object] = field(default_factory=dict)
    problems: dict[str, list[str]] = field(default_factory=dict)

    @property
    def wrong(self) -> list[str]:
        return [line for lines in self.problems.values() for line in lines]


async def run(plan: Plan, say: Callable[[str], None]) -> Report:
    """All of it."""
    report = Report(plan)
    async with running_stack(plan.keep, **plan.settings) as stack:
        say(f"up: {', '.join(stack.processes)}")
        users = [await _user(stack, plan, n) for n in range(-(-plan.projects // PROJECTS_PER_USER))]
        before = await _held(stack)
        subscribers = [
            await _subscriber(stack, plan, user, n) for user in users for n in range(_SUBSCRIBERS)
        ]
        async with asyncio.TaskGroup() as group:
            following = [group.create_task(each.run()) for each in subscribers]
            try:
                await _disturbed(stack, plan, users, report, say)
                await _settled(stack, users, report, say)
                await _looked_at(stack, users, subscribers, report)
            finally:
                for task in following:
                    task.cancel()
        for user in users:
            await user.caller.close()
        report.problems["leaks"] = await _leaks(stack, before)
        report.problems["ended"] = list(stack.ended)
        report.problems["clocks"] = [
            line
            for name in RECONCILERS
            for line in checks.clock_right(
                name, stack.log(name).splitlines(), time.time(), SHIFTED.get(name, 0)
            )
        ]
        report.problems["logs"] = [
            line
            for name in (*APIS, *RECONCILERS)
            for line in checks.logged(name, stack.log(name).splitlines())
        ]
        _summed(report, stack, users, subscribers)
    return report


async def _user(stack: Stack, plan: Plan, number: int) -> User:
    seed = f"{plan.seed}/user/{number}"
    user = User(Caller(stack.urls, f"u{number}", seed, _CUT, stack.calm))
    await user.caller.sign_up()
    return user


async def _subscriber(stack: Stack, plan: Plan, user: User, number: int) -> Subscriber:
    cursor = (await user.caller.safely("{ changeCursor }"))["changeCursor"]
    seed = f"{plan.seed}/{user.caller.login[:3]}/subscriber/{number}"
    naps = plan.seconds / 4 if number == _SUBSCRIBERS - 1 else 0
    return Subscriber(stack.urls, user.caller.token, cursor, seed, naps)


async def _disturbed(
    stack: Stack, plan: Plan, users: list[User], report: Report, say: Callable[[str], None]
) -> None:
    """The load, with things going wrong, and all of it taken back."""
    over = asyncio.Event()
    disturber = Disturber(stack, f"{plan.seed}/disturbances", plan.away, list(plan.names), say)
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(plan.projects):
                actor = Actor(users[number % len(users)], f"{plan.seed}/project/{number}")
                group.create_task(actor.run(over, plan.pace))
            await disturber.run(plan.seconds)
            over.set()
    finally:
        report.happened = disturber.happened
        await disturber.heal()


async def _settled(
    stack: Stack, users: list[User], report: Report, say: Callable[[str], None]
) -> None:
    """Rows, then objects: what is lost while no watch lives is found by the next look, and until
    then its row says what was seen last."""
    began = time.monotonic()
    while True:
        rows = await end.rows_of(stack)
        left = checks.not_converged(rows)
        if not left:
            things = await end.things_of(stack)
            left = [one for u in users for one in checks.objects_wrong(u.wanted, rows, things)]
        waited = time.monotonic() - began
        if not left or waited > _SETTLING:
            break
        await asyncio.sleep(0.5)
    report.done["seconds until all had converged"] = f"{waited:.1f}"
    report.problems["converged"] = left
    say(f"converged after {waited:.1f} s, but for {len(left)}")


async def _looked_at(
    stack: Stack, users: list[User], subscribers: list[Subscriber], report: Report
) -> None:
    rows, things = await end.rows_of(stack), await end.things_of(stack)
    found = report.problems
    found["refused"] = [line for user in users for line in user.problems]
    found["as wanted"], found["intents"], found["objects"] = [], [], []
    for user in users:
        changes = rows.changes.get(user.caller.login, [])
        found["as wanted"] += checks.not_as_wanted(user.wanted, await end.answers_of(user))
        found["intents"] += checks.intents_lost_or_doubled(user.wanted, changes)
        found["objects"] += checks.objects_wrong(user.wanted, rows, things)
    found["history"] = checks.history_broken(rows)
    found["orphans"] = checks.orphans(rows, things, await end.accounts_of(stack))
    await _caught_up(stack, users, subscribers)
    rows = await end.rows_of(stack)
    found["subscribers"] = [
        line
        for place, subscriber in enumerate(subscribers)
        for line in _followed(users[place // _SUBSCRIBERS], place % _SUBSCRIBERS, subscriber, rows)
    ]
    report.done["rows, objects, changes"] = (
        f"{len(rows.resources)}, {len(things)}, {sum(rows.feeds.values())}"
    )


async def _caught_up(stack: Stack, users: list[User], subscribers: list[Subscriber]) -> None:
    """Wait until every subscriber has what there is; one who misses it is found by his log."""
    for subscriber in subscribers:
        subscriber.awake.set()
    until = time.monotonic() + _QUIET
    while time.monotonic() < until:
        feeds = (await end.rows_of(stack)).feeds
        behind = [
            place
            for place, subscriber in enumerate(subscribers)
            if subscriber.seq < feeds[users[place // _SUBSCRIBERS].caller.login]
        ]
        if not behind:
            return
        await asyncio.sleep(0.5)


def _followed(user: User, number: int, subscriber: Subscriber, rows: end.Rows) -> list[str]:
    name, login = f"subscriber {number} of {user.caller.login}", user.caller.login
    changes = rows.changes.get(login, [])
    mine = {change.project for change in changes}
    projects = {key: status for key, status in rows.projects.items() if key in mine}
    return [
        *(f"{name} was refused: {said}" for said in subscriber.refusals),
        *checks.changes_missed(name, subscriber.began, subscriber.seen, changes, RESYNC_AFTER),
        *checks.ends_otherwise(name, subscriber.seen, projects),
    ]


async def _held(stack: Stack) -> dict[str, Counter[str]]:
    """Tasks and descriptors of each process, connections of each role."""
    found: dict[str, Counter[str]] = {}
    for name in (*APIS, *RECONCILERS):
        found[f"tasks of {name}"] = await stack.processes[name].tasks()
        found[f"descriptors of {name}"] = stack.processes[name].descriptors()
    found["connections"] = await end.connections_of(stack)
    return found


async def _leaks(stack: Stack, before: dict[str, Counter[str]]) -> list[str]:
    """What is held more than before the load, once it had time to be let go."""
    until = time.monotonic() + _QUIET
    while True:
        after = await _held(stack)
        found = [line for key in before for line in _more(stack, key, before[key], after[key])]
        if not found or time.monotonic() > until:
            return found
        await asyncio.sleep(1)


def _more(stack: Stack, key: str, before: Counter[str], after: Counter[str]) -> list[str]:
    if key == "connections":
        return checks.connections_leaked(
            after, {name: proxy.connections for name, proxy in stack.proxies.items()}
        )
    # A pool keeps what it opened, up to its size; a reconciler has one to the cluster too.
    pooled = checks.POOLED + (checks.SLOTS if "reconciler" in key else 0)
    return checks.leaked(key, before, after, pooled if "descriptors" in key else 0)


def _summed(report: Report, stack: Stack, users: list[User], subscribers: list[Subscriber]) -> None:
    asked: Counter[str] = sum((user.asked for user in users), Counter())
    callers = [user.caller for user in users]
    report.done |= {
        "users, projects at a time, made in all": (
            f"{len(users)}, {report.plan.projects},"
            f" {sum(len(user.wanted.projects) for user in users)}"
        ),
        "intents answered": f"{sum(asked.values())}: "
        + ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in asked.most_common()),
        "requests cut by ourselves, asked again": (
            f"{sum(c.cuts for c in callers)}, {sum(c.again for c in callers)}"
        ),
        "wishes whose answer was lost, waits for what may be under way": (
            f"{sum(c.lost for c in callers)}, {sum(c.calms for c in callers)}"
        ),
        "subscribers, connections, events": (
            f"{len(subscribers)}, {sum(s.connections for s in subscribers)},"
            f" {sum(len(s.seen) for s in subscribers)}"
        ),
        "RESYNC": sum(e.kind == "RESYNC" for s in subscribers for e in s.seen),
        "connections to Postgres in all": sum(p.taken for p in stack.proxies.values()),
        "starts of processes": ", ".join(f"{p.name} {p.starts}" for p in stack.processes.values()),
    }


def told(report: Report) -> str:
    """One table of Markdown: what was done, and what was found."""
    plan = report.plan
    lines = [
        f"Seed `{plan.seed}`, {plan.seconds:.0f} s of load, {plan.projects} projects,"
        f" {len(report.happened)} disturbances.",
        "",
        "| at | disturbance | took | |",
        "|---|---|---|---|",
        *(f"| {h.at:.0f} s | {h.name} | {h.seconds:.1f} s | {h.said} |" for h in report.happened),
        "",
        "| what was done | |",
        "|---|---|",
        *(f"| {key} | {value} |" for key, value in report.done.items()),
        "",
        "| what must hold | wrong |",
        "|---|---|",
        *(f"| {_HOLDS[key]} | {len(lines)} |" for key, lines in report.problems.items()),
    ]
    return "\n".join(lines)


_HOLDS = {
    "converged": "each resource is as wanted, and looked at for its last generation",
    "refused": "no intent is refused, no idempotency key makes two",
    "as wanted": "the API answers what was asked for last: names, variables, images, sizes, ports",
    "intents": "each accepted intent is in the history as often as it was meant",
    "objects": "one workload for each row, made of what was wanted last",
    "history": "the numbers have no gaps, each line follows from the one before",
    "orphans": "no object without a row, one namespace for each account",
    "subscribers": "each subscriber saw each change of his account, in order, once",
    "leaks": "no task, descriptor or connection more than before",
    "ended": "no process ended by itself",
    "clocks": "the clock of reconciler-2 was an hour ahead all the time",
    "logs": "no error is logged but that Postgres was away",
}
