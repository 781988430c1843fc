"""Stuck finalizers: put on what a fault names, and taken off when the fault goes.

Which are ours is read off the object's managedFields, so a restart, which forgets the fault,
heals too.
"""

from collections.abc import Hashable, Iterable

from reconciler.simulator.faults import Faults, StuckFinalizer
from reconciler.simulator.history import Change
from reconciler.simulator.kinds import Kind
from reconciler.simulator.stored import Stored
from reconciler.simulator.verbs import Verbs, Writer

WRITER = Writer("simulator-faults")


class Finalizers:
    def __init__(self, verbs: Verbs, faults: Faults) -> None:
        self._verbs, self._faults = verbs, faults

    def concerns(self, change: Change) -> Iterable[Hashable]:
        new = change.new
        if new is not None and (_ours(new) or self._faults.of(StuckFinalizer, new)):
            yield new.kind, new.key

    def sync(self, key: tuple[Kind, tuple[str, str]]) -> None:
        kind, (namespace, name) = key
        stored = self._verbs.store.get(kind, namespace, name)
        if stored is None:
            return
        rule = self._faults.of(StuckFinalizer, stored)
        present = stored.meta.get("finalizers", [])
        lifted = _ours(stored) - ({rule.finalizer} if rule else set())
        wanted = [one for one in present if one not in lifted]
        if rule and rule.finalizer not in wanted and not stored.deleting:
            wanted.append(rule.finalizer)
        if wanted != present:
            meta = {**stored.meta, "finalizers": wanted}
            self._verbs.update(stored, {**stored.body, "metadata": meta}, WRITER)


def _ours(stored: Stored) -> set[str]:
    """The finalizers that we have put on it."""
    found: set[str] = set()
    if "finalizers" not in stored.meta:
        return found
    for entry in stored.meta.get("managedFields", ()):
        if entry["manager"] == WRITER.manager:
            owned = entry["fieldsV1"].get("f:metadata", {}).get("f:finalizers", {})
            found |= {name[3:-1] for name in owned if name.startswith('v:"')}
    return found
