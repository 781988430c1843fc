"""What must hold at the end. Pure: facts in, a line for each thing that is wrong out.

Each check has a test in `tests/unit/chaos` in which it finds what it is for.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from json import JSONDecodeError, loads
from typing import Any

from tests.chaos.end import Change, Row, Rows, Thing
from tests.chaos.subscriber import Seen
from tests.chaos.wanted import Line, Wanted, WantedProject, WantedResource


def not_converged(rows: Rows) -> list[str]:
    """Resources that are not what is wanted of them."""
    return [
        f"{row.kind} {row.name} ({row.key}): wanted {row.desired}, is {row.status}"
        f" {row.reason or ''} (generation {row.generation}, looked at for {row.observed})"
        for row in rows.resources.values()
        if row.status != row.desired or row.observed != row.generation
    ]


def not_as_wanted(wanted: Wanted, answers: Mapping[str, dict[str, Any]]) -> list[str]:
    """Where the API's answer is another than the last intents that it accepted."""
    found = []
    staying = {key: one for key, one in wanted.projects.items() if not one.deleted}
    found += [f"project {key} is lost" for key in staying.keys() - answers.keys()]
    found += [f"project {key} is too many" for key in answers.keys() - staying.keys()]
    for key in staying.keys() & answers.keys():
        found += _not_as_wanted(staying[key], answers[key])
    return found


def _not_as_wanted(project: WantedProject, answer: dict[str, Any]) -> list[str]:
    members = {one["id"]: one for one in [*answer["sandboxes"], *answer["databases"]]}
    living = {one.id: one for one in project.living}
    found = [f"{living[key].kind} {key} is lost" for key in living.keys() - members.keys()]
    found += [f"resource {key} is too many" for key in members.keys() - living.keys()]
    environment = {one["key"]: one["value"] for one in answer["environment"]}
    pairs: list[tuple[str, object, object]] = [
        ("name", project.name, answer["name"]),
        ("variables", project.variables, environment),
        ("converged", True, answer["converged"]),
    ]
    for key in living.keys() & members.keys():
        pairs += _differences(living[key], members[key])
    at = f"project {project.id}"
    return found + [f"{at}: {what}: {a} was wanted, {b} is" for what, a, b in pairs if a != b]


def _differences(
    member: WantedResource, answer: dict[str, Any]
) -> Iterable[tuple[str, object, object]]:
    at = f"{member.kind} {member.name}"
    yield f"{at} desired state", member.desired, answer["desiredState"]
    yield f"{at} generation", member.generation, answer["generation"]
    ports = sorted(port["port"] for port in answer.get("ports", []))
    yield f"{at} ports", member.spec.get("ports", []), ports
    for key in member.spec.keys() - {"ports"}:
        yield f"{at} {key}", member.spec[key], answer[key]


def intents_lost_or_doubled(wanted: Wanted, changes: Sequence[Change]) -> list[str]:
    """Where the history has another number of an intent than was answered."""
    there: Counter[Line] = Counter(
        (change.subject, change.action)
        for change in changes
        if change.by_user and _is_counted(change)
    )
    return [
        f"{line[1]} of {line[0]}: {wanted.intents[line]} accepted, {there[line]} in the history"
        for line in {**wanted.intents, **there}
        if wanted.intents[line] != there[line]
    ]


def _is_counted(change: Change) -> bool:
    # Of projects only creation: their other lines are there when their status moved.
    kind, _, verb = change.action.partition(".")
    return change.action == "project.create" or (kind != "project" and verb != "retry")


def history_broken(rows: Rows) -> list[str]:
    """Gaps in the numbers, and lines that do not follow from the one before."""
    found = []
    for login, changes in rows.changes.items():
        numbers = [change.seq for change in changes]
        if numbers != list(range(1, rows.feeds[login] + 1)):
            found.append(f"the changes of {login} are not 1 to {rows.feeds[login]} without gaps")
        by_subject = defaultdict(list)
        for change in changes:
            by_subject[change.subject].append(change)
        for subject, chain in by_subject.items():
            found += _chain_broken(subject, chain, rows)
    return found


def _chain_broken(subject: str, chain: Sequence[Change], rows: Rows) -> Iterable[str]:
    for one, other in pairwise(chain):
        if one.after != other.before:
            yield f"{subject}: {one}, and then {other}"
    gone = chain[-1].action.endswith(".gone")
    row = rows.resources.get(subject)
    status = rows.projects.get(subject) if row is None else row.status
    if gone != (status is None):
        yield f"{subject}: the history ends with {chain[-1].action}, and its row is {status}"
    if status is not None and chain[-1].after != status:
        yield f"{subject}: the history ends in {chain[-1].after}, and it is {status}"


def changes_missed(
    name: str, began: int, seen: Sequence[Seen], changes: Sequence[Change], resync_after: int
) -> list[str]:
    """Where a subscriber's log is not the account's changes since `began`, in order, once.

    Of what a RESYNC stands for nothing is seen, and it must stand for more than `resync_after`.
    """
    found = []
    expected = [change.id for change in changes if change.seq > began]
    for event in seen:
        if event.kind == "RESYNC":
            skipped = [c.id for c in changes if event.before < c.seq <= event.seq]
            if len(skipped) <= resync_after:
                found.append(f"{name}: a RESYNC only {len(skipped)} changes behind")
            expected = [one for one in expected if one not in set(skipped)]
    got = [event.change for event in seen if event.change is not None]
    if got != expected:
        missed, more = Counter(expected) - Counter(got), Counter(got) - Counter(expected)
        found.append(
            f"{name}: {len(expected)} changes, {len(got)} seen: {sum(missed.values())} missed,"
            f" {sum(more.values())} too often" + ("" if missed or more else ", in another order")
        )
    return found


def ends_otherwise(name: str, seen: Sequence[Seen], projects: Mapping[str, str]) -> list[str]:
    """Where who follows the stream is left with another state than the rows."""
    last: dict[str, str] = {}
    for event in seen:
        if event.kind == "RESYNC":
            last.clear()
        if event.kind == "DELETED" and event.project:
            last.pop(event.project, None)
        elif event.project and event.status:
            last[event.project] = event.status
    return [
        f"{name}: project {key} is left as {last.get(key)}, and it is {projects.get(key)}"
        for key in {**last, **projects}
        if last.get(key) != projects.get(key)
    ]


_WORKLOADS = {"sandbox": "StatefulSet", "database": "Cluster"}


def orphans(rows: Rows, things: Sequence[Thing], accounts: set[str]) -> list[str]:
    """Objects without a row, and namespaces without an account, or more than one of it."""
    keys = {row.key for row in rows.resources.values()}
    found = [
        f"{thing.kind} {thing.where} belongs to no row"
        for thing in things
        if thing.kind != "Namespace" and thing.resource not in keys
    ]
    spaces = Counter(thing.facts["account"] for thing in things if thing.kind == "Namespace")
    found += [f"a namespace of account {key}, which is none" for key in spaces.keys() - accounts]
    return found + [f"{n} namespaces of account {key}" for key, n in spaces.items() if n > 1]


def objects_wrong(wanted: Wanted, rows: Rows, things: Sequence[Thing]) -> list[str]:
    """Where a resource has no workload, two, or one that is not what was wanted last."""
    by_row = defaultdict(list)
    for thing in things:
        by_row[thing.resource].append(thing)
    found: list[str] = []
    for project in wanted.projects.values():
        for member in project.living:
            row = rows.resources.get(member.id)
            if row is not None:
                found += _wrong(member, project, row, by_row[row.key])
    return found


def _wrong(
    member: WantedResource, project: WantedProject, row: Row, things: Sequence[Thing]
) -> Iterable[str]:
    at = f"{member.kind} {member.name} ({row.key})"
    kind = _WORKLOADS[member.kind]
    workloads = [thing for thing in things if thing.kind == kind]
    running = member.desired == "RUNNING"
    # One that was never up and is stopped needs none.
    if len(workloads) != 1 and (running or workloads):
        yield f"{at} has {len(workloads)} of {kind}"
    asked = {key: member.spec[key] for key in ("image", "cpu", "memory") if key in member.spec}
    for thing in workloads:
        is_as = {key: thing.facts[key] for key in asked}
        if running and is_as != asked:
            yield f"{at} is made of {is_as}, and {asked} was wanted"
        if thing.facts["running"] != running:
            yield f"{at} is to be {member.desired}, and its {kind} is not"
    for thing in things:
        if thing.ending:
            yield f"{at}: {thing.kind} {thing.where} is being deleted"
    if member.kind == "sandbox" and running:
        secrets = [t.facts for t in things if t.kind == "Secret" and "TTYD_USER" in t.facts]
        for key, value in project.variables.items():
            if [one.get(key) for one in secrets] != [value]:
                yield f"{at} does not have the variable {key}"


def leaked(name: str, before: Counter[str], after: Counter[str], allowed: int = 0) -> list[str]:
    """What there is more of than before by more than `allowed`: tasks, descriptors, connections."""
    return [
        f"{name}: {after[key]} of {key}, and {before[key]} before"
        for key in after
        if after[key] > before[key] + allowed
    ]


# Connections of one process at most: three pools of 10, 5 and 5, to speak and to listen.
POOLED = 22
# Of a reconciler with its cluster: aiohttp goes around all that it ever needed at once.
SLOTS = 32


def connections_leaked(found: Counter[str], held: Mapping[str, int]) -> list[str]:
    """Where Postgres has another number of connections of a role than its processes have open, one
    has more than its pools hold, or somebody left a transaction open."""
    wrong = [f"{n} connections: {key}" for key, n in found.items() if "transaction" in key]
    wrong += [f"{name} has {n} connections" for name, n in held.items() if n > POOLED]
    for role, prefix in (("mooring_api", "api"), ("mooring_reconciler", "reconciler")):
        there = sum(n for key, n in found.items() if key.startswith(f"{role} "))
        ours = sum(n for name, n in held.items() if name.startswith(prefix))
        if there != ours:
            wrong.append(f"{there} connections of {role} in Postgres, and {ours} of its processes")
    return wrong


# Of asyncpg, SQLAlchemy and the kernel, when Postgres is away, ends, or does not answer.
_AWAY = (
    "ConnectionResetError",
    "ConnectionRefusedError",
    "InterfaceError",
    "InternalClientError",
    "ConnectionDoesNotExistError",
    "CannotConnectNowError",
    "AdminShutdownError",
    "CrashShutdownError",
    "TimeoutError",
    "OSError",
    # What waits for the lock of one who is cut off when its process is told to end.
    "CancelledError",
)
_CANCELLED = re.compile(r"Cancel \d+ running task\(s\), timeout graceful shutdown exceeded")


def clock_right(name: str, lines: Sequence[str], now: float, off: float) -> list[str]:
    """Where a process that is to live `off` seconds from `now` does not, by its last log line."""
    said = datetime.fromisoformat(loads(lines[-1])["timestamp"]).timestamp()
    # It may have said nothing for a while.
    found = said - now
    return [] if off - 300 < found <= off + 5 else [f"the clock of {name} is off by {found:.0f} s"]


_NAMES_ERROR = re.compile(r"Traceback|^[ |]*[A-Za-z_.]+(Error|Exception|ExceptionGroup)\b")


def logged(name: str, lines: Iterable[str]) -> list[str]:
    """Errors in a process's log that are not Postgres's being away; of what is no log line, as a
    traceback, what names an error."""
    found: Counter[str] = Counter()
    for line in lines:
        try:
            said = loads(line)
        except JSONDecodeError:
            if _NAMES_ERROR.search(line):
                found[f"{name}: {line.strip(' |')[:300]}"] += 1
            continue
        if said["level"] not in ("error", "critical"):
            continue
        causes = [str(cause.get("exc_type")) for cause in said.get("exception") or []]
        if not set(causes) & set(_AWAY) and not _CANCELLED.match(said["event"]):
            found[f"{name}: {said['event']} {' < '.join(causes)}"] += 1
    return [f"{line} ({n} times)" for line, n in found.items()]
