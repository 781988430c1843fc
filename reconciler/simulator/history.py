"""What changed, in order, as long as it is remembered: what a watch replays and then follows."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from reconciler.simulator.kinds import Kind
from reconciler.simulator.stored import Stored


@dataclass(frozen=True, eq=False)
class Change:
    """One write. new is None only for a deletion, whose last state is `gone`.

    The three lines are the event as ADDED, MODIFIED and DELETED, made once for all watchers; a
    deletion's, and a leaving's, object carries the version of the change (as upstream's does).
    """

    version: int
    old: Stored | None
    new: Stored | None
    gone: Stored | None = None

    @property
    def kind(self) -> Kind:
        stored = self.new or self.gone
        assert stored is not None
        return stored.kind

    @property
    def namespace(self) -> str:
        stored = self.new or self.gone
        assert stored is not None
        return stored.namespace

    @cached_property
    def added(self) -> bytes:
        assert self.new is not None
        return b'{"type":"ADDED","object":%b}\n' % self.new.json

    @cached_property
    def modified(self) -> bytes:
        assert self.new is not None
        return b'{"type":"MODIFIED","object":%b}\n' % self.new.json

    @cached_property
    def deleted(self) -> bytes:
        stored = self.gone or self._left()
        return b'{"type":"DELETED","object":%b}\n' % stored.json

    def _left(self) -> Stored:
        """The state before, at this version: what a watcher gets when a selector lets go."""
        assert self.old is not None
        meta = {**self.old.meta, "resourceVersion": str(self.version)}
        body = {**self.old.body, "metadata": meta}
        return Stored(self.old.kind, self.old.namespace, self.old.name, self.version, body)


Listener = Callable[[Change], None]


class History:
    """The last `length` changes of one kind."""

    def __init__(self, length: int, version: int) -> None:
        self._changes: deque[Change] = deque()
        self._length = length
        self._forgotten = version
        self.listeners: list[Listener] = []

    def append(self, change: Change) -> None:
        self._changes.append(change)
        while len(self._changes) > self._length:
            self._forgotten = self._changes.popleft().version
        for listener in tuple(self.listeners):
            listener(change)

    def remembers(self, version: int) -> bool:
        """Whether every change after this version is still here."""
        return version >= self._forgotten

    @property
    def oldest(self) -> int:
        return self._forgotten

    def since(self, version: int) -> Iterator[Change]:
        return (change for change in tuple(self._changes) if change.version > version)
