"""What was found and done, as a person reads it and as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.db.inventory import Bringing
from app.domain.states import Phase, ResourceStatus
from reconciler.orphans.removal import Removed
from reconciler.orphans.rules import Orphan, State
from reconciler.orphans.survey import Found

_HEALS = {
    ResourceStatus.RUNNING: "made again with its next look",
    ResourceStatus.STOPPED: "made again when it is started",
}


@dataclass
class Report:
    """Of one look, and of what was removed after it; `refused`: why nothing more was. `whose`
    cluster it is, None: the operator's."""

    found: Found
    grace: timedelta
    whose: Bringing | None = None
    removed: list[Removed] = field(default_factory=list)
    refused: str | None = None

    @property
    def removable(self) -> list[Orphan]:
        """Those that may go."""
        found, grace = self.found, self.grace
        return [one for one in found.orphans if one.state(found.clock, grace) is State.REMOVABLE]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left to be done: what was found was removed, whole."""
        done = {id(one.orphan) for one in self.removed if not one.left}
        left = [one for one in self.found.orphans if id(one) not in done]
        return not left and not self.found.missing

    def json(self) -> dict[str, Any]:
        """For programs."""
        found = self.found
        return {
            **(place(self.whose) if self.whose else {}),
            "installation": found.mark,
            "clock": _moment(found.clock),
            "graceSeconds": self.grace.total_seconds(),
            "managed": found.managed,
            "removable": len(self.removable),
            "objectsWithoutRows": [self._orphan(one) for one in found.orphans],
            "rowsWithoutObjects": [
                {
                    "id": str(row.id),
                    "kind": row.kind.value,
                    "name": row.name,
                    "namespace": row.k8s_namespace,
                    "object": row.k8s_name,
                    "status": row.status.value,
                    "missingSince": _moment(row.phase_since) if _noticed(row.phase) else None,
                    "nextLook": _moment(row.due_at),
                }
                for row in found.missing
            ],
            "ofOthers": [
                {"installation": mark, "count": number}
                for mark, number in sorted(found.strangers.items(), key=lambda one: one[0] or "")
            ],
            "notLookedAt": list(found.blind),
            "databasesNotServed": found.unserved,
            "accountsWithOwnClusters": found.elsewhere,
            "removed": [
                {
                    "id": str(one.orphan.owner.id),
                    "namespace": one.orphan.owner.namespace,
                    "objects": list(one.deleted),
                    "left": one.left,
                }
                for one in self.removed
            ],
            "refused": self.refused,
        }

    def text(self) -> str:
        """For a person."""
        found = self.found
        where = f"{spelled_place(self.whose)}: i" if self.whose else "I"
        parts = [
            f"{where}nstallation {found.mark}: {len(found.known)} with rows are there,"
            f" {len(found.orphans)} without, {len(self.removable)} of them for longer than"
            f" {spelled(self.grace)}.",
            *self._table_of_orphans(),
            *self._table_of_rows(),
            *self._notes(),
            *self._ends(),
        ]
        return "\n".join(map(plain, parts)) + "\n"

    def _orphan(self, one: Orphan) -> dict[str, Any]:
        return {
            "what": one.what,
            "id": str(one.owner.id),
            "namespace": one.owner.namespace,
            "name": one.name,
            "made": _moment(one.made),
            "disks": one.disks,
            "state": one.state(self.found.clock, self.grace).name,
            "objects": [f"{piece.kind.kind}/{piece.name}" for piece in one.pieces],
        }

    def _table_of_orphans(self) -> list[str]:
        if not self.found.orphans:
            return []
        clock = self.found.clock
        rows = [
            (
                one.what,
                one.owner.namespace,
                one.name,
                "?" if clock is None else spelled(clock - one.made),
                " + ".join(one.disks) or "-",
                one.state(clock, self.grace).value,
                str(one.owner.id),
            )
            for one in self.found.orphans
        ]
        heads = ("WHAT", "NAMESPACE", "NAME", "AGE", "DATA", "STATE", "ID")
        return ["", "Objects without a row:", *_table(heads, rows)]

    def _table_of_rows(self) -> list[str]:
        if not self.found.missing:
            return []
        rows = [
            (
                row.kind.capitalize(),
                row.k8s_namespace,
                row.k8s_name,
                row.status.value,
                _moment(row.phase_since) or "" if _noticed(row.phase) else "not noticed yet",
                _HEALS[row.status],
            )
            for row in self.found.missing
        ]
        heads = ("WHAT", "NAMESPACE", "NAME", "STATUS", "MISSING SINCE", "IT IS")
        return [
            "",
            "Rows without objects (what was on their volumes may be gone; a row is its user's to"
            " delete):",
            *_table(heads, rows),
        ]

    def _notes(self) -> list[str]:
        found = self.found
        notes = [f"Not looked at: {why}" for why in found.blind]
        if found.blind:
            notes.append("Rows without objects are not told of: not all objects could be seen.")
        if found.unserved:
            notes.append("KubeBlocks is not installed there: databases cannot be seen.")
        if found.clock is None:
            notes.append("The cluster does not say what time it is: nothing is taken for old.")
        if found.elsewhere:
            notes.append(
                f"Not looked at here: the clusters of {found.elsewhere} accounts' own (--own)."
            )
        for mark, number in sorted(found.strangers.items(), key=lambda one: one[0] or ""):
            whose = f"of installation {mark}" if mark else "of an installation that nobody can tell"
            notes.append(f"Left alone: {number} without a row here, {whose}.")
        return ["", *notes] if notes else []

    def _ends(self) -> list[str]:
        ends = [
            f"Removed: {one.orphan.what} {one.orphan.owner.namespace}/{one.orphan.name}"
            f" ({', '.join(one.deleted)})"
            for one in self.removed
            if one.deleted
        ]
        ends += [
            f"Left: {one.orphan.what} {one.orphan.owner.namespace}/{one.orphan.name}: {one.left}"
            for one in self.removed
            if one.left
        ]
        if self.refused:
            what = "Nothing more" if self.removed else "Nothing"
            ends.append(f"{what} is removed: {self.refused}.")
        return ["", *ends] if ends else []


def place(whose: Bringing) -> dict[str, Any]:
    """Whose cluster, for programs."""
    return {"account": whose.login, "server": whose.server, "namespace": whose.namespace}


def spelled_place(whose: Bringing) -> str:
    """Whose cluster, for a person."""
    return f"The cluster of {whose.login} ({whose.server}, namespace {whose.namespace})"


def plain(line: str) -> str:
    """A line for a terminal: what a user's cluster calls things, and says, may be anything."""
    return "".join(one if one.isprintable() else "?" for one in line)


def spelled(time: timedelta) -> str:
    """A time as kubectl writes ages: its largest unit."""
    seconds = int(time.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{max(seconds, 0)}s"


def _noticed(phase: Phase) -> bool:
    """Whether its last look found nothing."""
    return phase in (Phase.ABSENT, Phase.GONE)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heads, *rows]
    widths = [max(len(line[n]) for line in lines) for n in range(len(heads))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
