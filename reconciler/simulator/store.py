"""All objects, in memory, behind one counter of versions; the journal on disk follows each write.

Single-threaded: only the event loop's thread may touch it, so a write is one step that nothing
comes between, and needs no lock. It judges nothing: `verbs` decide what is written.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from reconciler.simulator.history import Change, History, Listener
from reconciler.simulator.journal import Journal, Loaded, read
from reconciler.simulator.kinds import KINDS, Kind
from reconciler.simulator.schema import Json
from reconciler.simulator.stored import Stored

Key = tuple[str, str]

# No cluster remembers its first versions.
BEGIN = 100


class Table:
    """The objects of one kind, by namespace and name, and by each label."""

    def __init__(self, kind: Kind, history: History) -> None:
        self.kind = kind
        self.history = history
        self.objects: dict[Key, Stored] = {}
        self._by_namespace: dict[str, dict[Key, None]] = defaultdict(dict)
        self._by_label: dict[tuple[str, str], dict[Key, None]] = defaultdict(dict)

    def put(self, stored: Stored) -> None:
        old = self.objects.get(stored.key)
        self.objects[stored.key] = stored
        self._by_namespace[stored.namespace][stored.key] = None
        if old is None or old.labels != stored.labels:
            self._unlabel(old)
            for label in stored.labels.items():
                self._by_label[label][stored.key] = None

    def drop(self, key: Key) -> None:
        stored = self.objects.pop(key)
        self._by_namespace[stored.namespace].pop(key)
        self._unlabel(stored)

    def _unlabel(self, stored: Stored | None) -> None:
        for label in stored.labels.items() if stored else ():
            keys = self._by_label[label]
            keys.pop(stored.key, None) if stored else None
            if not keys:
                del self._by_label[label]

    def select(self, namespace: str, label: tuple[str, str] | None = None) -> list[Stored]:
        """Objects in the order of their keys; namespace "" is all, `label` one that all have."""
        keys: Iterable[Key]
        if label is not None:
            keys = self._by_label.get(label, ())
            keys = [key for key in keys if namespace in ("", key[0])]
        else:
            keys = self._by_namespace.get(namespace, ()) if namespace else self.objects
        return [self.objects[key] for key in sorted(keys)]


class Store:
    """kinds: always all of KINDS. history: changes remembered per kind."""

    def __init__(self, loaded: Loaded, journal: Journal | None = None, history: int = 4_000):
        self.version = loaded.version
        self._journal = journal
        self._dependents: dict[str, dict[tuple[Kind, Key], None]] = defaultdict(dict)
        self._uids: dict[str, Stored] = {}
        self.tables = {kind: Table(kind, History(history, loaded.version)) for kind in KINDS}
        for stored in loaded.objects.values():
            self.tables[stored.kind].put(stored)
            self._index(stored)
        if journal:
            journal.rewrite(self.version, self._all())

    def _all(self) -> Iterator[Stored]:
        for table in self.tables.values():
            yield from table.objects.values()

    def get(self, kind: Kind, namespace: str, name: str) -> Stored | None:
        return self.tables[kind].objects.get((namespace, name))

    def by_uid(self, uid: str) -> Stored | None:
        return self._uids.get(uid)

    def dependents(self, uid: str) -> list[Stored]:
        """The objects that name this uid in their ownerReferences."""
        found = self._dependents.get(uid, ())
        return [self.tables[kind].objects[key] for kind, key in found]

    def put(self, kind: Kind, namespace: str, name: str, body: Json) -> Stored:
        """Store a body under the next version, which is written into it."""
        table = self.tables[kind]
        self.version += 1
        meta = {**body["metadata"], "resourceVersion": str(self.version)}
        stored = Stored(kind, namespace, name, self.version, {**body, "metadata": meta})
        old = table.objects.get(stored.key)
        if self._journal:
            self._journal.put(stored)
        if old:
            self._unindex(old)
        table.put(stored)
        self._index(stored)
        table.history.append(Change(self.version, old, stored))
        self._tidy()
        return stored

    def drop(self, stored: Stored) -> Stored:
        """Remove an object; returns its last state, at the version of its removal."""
        self.version += 1
        meta = {**stored.meta, "resourceVersion": str(self.version)}
        body = {**stored.body, "metadata": meta}
        gone = Stored(stored.kind, stored.namespace, stored.name, self.version, body)
        if self._journal:
            self._journal.delete(stored, self.version)
        self._unindex(stored)
        table = self.tables[stored.kind]
        table.drop(stored.key)
        table.history.append(Change(self.version, stored, None, gone))
        self._tidy()
        return gone

    def listen(self, listener: Listener) -> None:
        for table in self.tables.values():
            table.history.listeners.append(listener)

    def close(self) -> None:
        if self._journal:
            self._journal.close()

    def _tidy(self) -> None:
        if self._journal and self._journal.overgrown:
            self._journal.rewrite(self.version, self._all())

    def _index(self, stored: Stored) -> None:
        self._uids[stored.uid] = stored
        for owner in stored.meta.get("ownerReferences", ()):
            self._dependents[owner["uid"]][stored.kind, stored.key] = None

    def _unindex(self, stored: Stored) -> None:
        self._uids.pop(stored.uid, None)
        for owner in stored.meta.get("ownerReferences", ()):
            held = self._dependents[owner["uid"]]
            held.pop((stored.kind, stored.key), None)
            if not held:
                del self._dependents[owner["uid"]]


def opened(path: Path | None, token: str, history: int = 4_000) -> tuple[Store, str]:
    """The store of a state file, or a new one; and its token (the given one if it is new)."""
    if path is None:
        return Store(Loaded(version=BEGIN), history=history), token
    path.parent.mkdir(parents=True, exist_ok=True)
    loaded = read(path)
    if not loaded.version:
        loaded = replace(loaded, version=BEGIN)
    kept = loaded.token or token
    return Store(loaded, Journal(path, kept), history), kept
