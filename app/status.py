"""`mooring status`: the whole installation on one screen, or as JSON for a program.

Reads Postgres alone, so it works while the reconcilers do not. What only a process knows (circuit
breakers, how long cluster calls take) is on the `/metrics` of each.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from enum import Enum
from itertools import zip_longest
from typing import Any
from uuid import UUID

from app.db import sealed
from app.db.overview import Overview, overview
from app.db.session import Database
from app.domain.reasons import WAITING

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


async def read(url: str) -> Overview:
    """The installation at `url`, as of one moment; raises what Postgres does."""
    database = Database(url, pool=2)
    try:
        async with database.snapshot(sealed.OPERATOR) as connection:
            return await overview(connection)
    finally:
        await database.close()


def as_json(found: Overview) -> str:
    """For a program: times as RFC 3339, durations in seconds."""
    lanes = {lane.name.lower(): asdict(waiting) for lane, waiting in found.queue.items()}
    return json.dumps({**asdict(found), "queue": lanes}, default=_plain, indent=2)


def _plain(value: Any) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID | Enum):
        return str(value)
    raise TypeError(type(value).__name__)


def as_text(found: Overview) -> str:
    """For a person."""
    parts = [_summary(found), _queue(found), _workers(found), _places(found), _troubles(found)]
    return "\n\n".join(part for part in parts if part)


def _summary(found: Overview) -> str:
    due = sum(waiting.due for waiting in found.queue.values())
    claimed = sum(waiting.claimed for waiting in found.queue.values())
    late = f", the oldest for {_age(found.oldest)}" if due else ""
    return (
        f"{found.at:%Y-%m-%d %H:%M:%S} UTC: {found.resources} resources, {due} due{late},"
        f" {claimed} being looked at"
    )


def _queue(found: Overview) -> str:
    rows = [
        (
            lane.name.lower(),
            waiting.due,
            waiting.claimed,
            _age(waiting.oldest) if waiting.due else "",
        )
        for lane, waiting in found.queue.items()
    ]
    return _table(("QUEUE", "DUE", "CLAIMED", "OLDEST"), rows)


def _workers(found: Overview) -> str:
    rows = [
        (
            f"{worker.process} {worker.name}",
            worker.leases if worker.process == "reconciler" else "",
            worker.connections or "gone",
            _ago(found, worker.started),
            _ago(found, worker.seen),
        )
        for worker in found.workers
    ]
    if not any(worker.process == "reconciler" for worker in found.workers):
        rows.append(("no reconciler is connected", "", "", "", ""))
    return _table(("PROCESS", "LEASES", "CONNECTIONS", "CONNECTED", "SEEN"), rows)


def _places(found: Overview) -> str:
    rows: list[Sequence[object]] = [
        (
            place.server or "the operator's",
            place.resources,
            place.due,
            place.claimed,
            place.explained,
            place.errors,
        )
        for place in found.places
    ]
    if found.more_places:
        rows.append((f"and {found.more_places} more", "", "", "", "", ""))
    table = _table(("CLUSTER", "RESOURCES", "DUE", "CLAIMED", "WITH A REASON", "ERROR"), rows)
    states = ", ".join(f"{n} {state}" for state, n in sorted(found.kubeconfigs.items()))
    return f"{table}\nUsers' kubeconfigs: {states}" if states else table


def _troubles(found: Overview) -> str:
    rows = [
        (
            trouble.reason + (" (waits)" if trouble.reason in WAITING else ""),
            trouble.resources,
            trouble.errors,
            trouble.of_users,
            _ago(found, trouble.since),
            f"{trouble.kind.lower()} {trouble.example}",
            trouble.object or "",
        )
        for trouble in found.troubles
    ]
    heads = ("REASON", "RESOURCES", "ERROR", "USERS'", "SINCE", "THE OLDEST", "OBJECT")
    return _table(heads, rows) if rows else "No resource has a reason to be other than wanted."


def _ago(found: Overview, moment: datetime | None) -> str:
    return "" if moment is None else f"{_age(max(found.at - moment, timedelta()))} ago"


def _age(lasted: timedelta) -> str:
    seconds = lasted.total_seconds()
    for unit, name in _UNITS:
        if seconds >= unit * 2:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as they have to be; numbers to the right."""
    told = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip_longest(heads, *told, fillvalue="")]
    right = [any(isinstance(row[at], int) for row in rows) for at in range(len(heads))]
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in [list(heads), *told]
    ]
    return "\n".join(lines)


def _cell(value: object) -> str:
    """What a cluster said may hold a control character, which is not for a terminal."""
    said = f"{value:,}" if isinstance(value, int) else str(value)
    return "".join(letter if letter.isprintable() else "?" for letter in said)
