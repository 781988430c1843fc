"""All there is of a kind, as a list tells it in pages, beside what the index of its cluster knows.

With the first list of a watch the index begins: all in it is new, and no page is held, for together
they would be a gigabyte and more of 10,000 sandboxes. Those beside a living watch find what that
has not told of, which is nothing nearly always: versions are enough to see that, so they are read
without all but their metadata first (`finds`), and whole only where those are others (`end`).
"""

from collections.abc import Iterable
from uuid import UUID

from reconciler.cluster.index import Index, Key, key_of, owner_of
from reconciler.manifests.kinds import Kind, Object


class Listing:
    """One list; what became of it is told at the end.

    `meanwhile`: its watch goes on, so that of whose objects there is an event in the meantime the
    list may be older than what is known. `told`: whose objects are known to be others by now; of a
    list that breaks no other one will say so.
    """

    def __init__(self, index: Index, kind: Kind, *, meanwhile: bool = False) -> None:
        self._index = index
        self._kind = kind
        self._since = index.mark() if meanwhile else None
        self._there: set[Key] = set()
        self._others: list[Object] = []
        self.told: set[UUID] = set()

    def page(self, bodies: Iterable[Object]) -> None:
        """Some of it."""
        for body in bodies:
            if owner_of(body) is not None:
                self._there.add(key_of(self._kind, body))
            if self._index.differs(self._kind, body):
                self._differs(body)

    def finds(self) -> bool:
        """That was all: whether anything is not as is known, for which metadata is enough."""
        return bool(self._changed() or self._missing())

    def end(self) -> set[UUID]:
        """That was all, and whole; those whose objects are others than was known."""
        index, kind = self._index, self._kind
        changed, missing = self._changed(), self._missing()
        told = {index.saw(kind, body) for body in changed} | {index.went(key) for key in missing}
        self.told |= {owner for owner in told if owner is not None}
        if self._since is None:
            index.heard(kind)  # beside a watch it says nothing of that
        return self.told

    def _differs(self, body: Object) -> None:
        if self._since is not None:  # whether it is older than an event is known at the end
            self._others.append(body)
        elif owner := self._index.saw(self._kind, body):
            self.told.add(owner)

    def _changed(self) -> list[Object]:
        return [
            body
            for body in self._others
            if not self._is_older(key_of(self._kind, body), owner_of(body))
        ]

    def _missing(self) -> list[Key]:
        return [
            key
            for key in self._index.keys(self._kind)
            if key not in self._there and not self._is_older(key, None)
        ]

    def _is_older(self, key: Key, owner: UUID | None) -> bool:
        return self._since is not None and self._index.is_heard_of(key, owner, self._since)
