"""What the watches of a cluster have told of our objects: enough to know that nothing happened.

A hint that saves calls, never a source of what is shown. It is believed only while the watch of
each kind that it is about was heard of lately (an event, or the bookmark that API servers send each
minute); a watch that breaks, and one that goes silent as a half-open connection does, is believed
no more until it has listed or said something again. A new process knows nothing. So what is changed
by hand is found by its event; with the event lost, by the next look of the clock where the watch is
not believed, and else by the list that all there is of a kind is compared with from time to time.

`shape` is all of an object that a user or a controller may set, so without its status and what the
API server counts: while it is that of the answer to our own last apply of the same manifest, the
same apply would change nothing.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from sys import intern
from uuid import UUID

import orjson

from reconciler.manifests.identity import APPLIED, RESOURCE
from reconciler.manifests.kinds import POD, Kind, Object, kind_of

# An object: its kind, namespace and name.
Key = tuple[Kind, str, str]
# Seconds. kube-apiserver sends a bookmark each minute (storage/cacher: bookmarkFrequency).
_SILENCE = 100.0
_COUNTED = ("resourceVersion", "managedFields", "generation")


@dataclass(slots=True)
class _Seen:
    """One object; `applied` and `mark`: its shape in the answer to our last apply, and of what;
    `said`: the mark that it carries itself."""

    version: str
    shape: bytes
    uid: str
    leaving: bool
    said: str = ""
    applied: bytes = b""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """An object as it was before a write of ours: its shape, and the mark that it carries.

    `applied`: its shape in the answer to our last apply, of a manifest with that mark; empty where
    there was none.
    """

    shape: bytes
    mark: str
    applied: tuple[bytes, str] = (b"", "")

    @classmethod
    def of(cls, body: Object) -> "Known":
        """That of an object that was read."""
        return cls(shape_of(body), mark_of(body))


@dataclass(slots=True)
class _Known:
    """The objects of a resource; the number of the last event about them, and what that was when a
    look found it settled, which was at `looked`."""

    owner: UUID
    objects: dict[Key, _Seen] = field(default_factory=dict)
    last: int = 0
    settled: int = -1
    looked: float = 0.0


class Index:
    """Of one cluster; one that nobody watches stays empty and knows nothing.

    `silence`: seconds after which a watch that says nothing is believed no more.
    """

    def __init__(self, silence: float = _SILENCE) -> None:
        self._silence = silence
        self._heard: dict[Kind, float] = {}
        self._namespace = ""
        self._known: dict[UUID, _Known] = {}
        # Whose each object is, as its label said last.
        self._owners: dict[Key, UUID] = {}
        self._went: Counter[Kind] = Counter()
        self._number = count()

    def covers(self, namespace: str) -> None:
        """Its watches tell of this namespace alone; "": of all. Of the others nothing is known."""
        self._namespace = namespace

    def heard(self, kind: Kind) -> None:
        """Its watch is alive."""
        self._heard[kind] = time.monotonic()

    def lost(self, kind: Kind) -> None:
        """Its watch is broken: events may be missed."""
        self._heard.pop(kind, None)

    def forget(self, kind: Kind) -> None:
        """It is not watched any more: nothing is known of it."""
        self.lost(kind)
        for key in self.keys(kind):
            self._drop(self._owners[key], key)

    def trusts(self, kinds: Iterable[Kind]) -> bool:
        """Whether all that happens to these kinds is heard of."""
        latest = time.monotonic() - self._silence
        return all(self._heard.get(kind, latest) > latest for kind in kinds)

    def saw(self, kind: Kind, body: Object, *, gone: bool = False) -> UUID | None:
        """An event; whose object it is, if a look may find something new.

        It does not when an answer to ourselves has said the same, nor before the last object of
        a resource is gone that has been told to go. An object whose label was changed or taken off
        is missing to whose it was.
        """
        key, owner = key_of(kind, body), owner_of(body)
        former = self._owners.get(key)
        if former is not None and (gone or owner is None):
            self._drop(former, key)
        if owner is not None and not gone:
            known = self._known.setdefault(owner, _Known(owner))
            before = known.objects.get(key)
            if before is not None and before.version == body["metadata"]["resourceVersion"]:
                return None
            self._keep(known, key, _seen(body, before))
        told = former or owner
        return None if told is None or self.is_leaving(told) else told

    def mark(self) -> int:
        """The number that a moment has among those of events."""
        return next(self._number)

    def differs(self, kind: Kind, body: Object) -> bool:
        """Whether an object of a list is not as it is known, or whose it is not."""
        key, owner = key_of(kind, body), owner_of(body)
        known = self._known.get(owner) if owner is not None else None
        seen = known.objects.get(key) if known else None
        version = body["metadata"]["resourceVersion"]
        return self._owners.get(key) != owner or (seen is not None and seen.version != version)

    def keys(self, kind: Kind) -> list[Key]:
        """What is known to be there of a kind, label and all."""
        return [key for key in self._owners if key[0] == kind]

    def is_heard_of(self, key: Key, owner: UUID | None, since: int) -> bool:
        """Whether there was an event about whose object it is, or was, after that mark."""
        return any(self.last(one) > since for one in (self._owners.get(key), owner) if one)

    def went(self, key: Key) -> UUID | None:
        """An object that is known is not there any more; whose it was."""
        owner = self._owners.get(key)
        if owner is not None:
            self._drop(owner, key)
        return owner

    def owner_at(self, kind: Kind, namespace: str, name: str) -> UUID | None:
        """Whose object that is, as far as is known."""
        return self._owners.get((kind, namespace, name))

    def last(self, owner: UUID) -> int:
        """The number of the last event about the objects of a resource."""
        known = self._known.get(owner)
        return known.last if known else -1

    def before(self, body: Object) -> tuple[str, int]:
        """What an apply is sent upon: the version of its object, and how many of its kind went."""
        known = self._known.get(owner) if (owner := owner_of(body)) else None
        seen = known.objects.get(key_of(kind_of(body), body)) if known else None
        return seen.version if seen else "", self._went[kind_of(body)]

    def applied(self, body: Object, answer: Object, before: tuple[str, int]) -> None:
        """An apply was answered, whose own event may have come first.

        If others did too, nobody knows in which order: then it is as if it had not been.
        """
        kind, owner = kind_of(body), owner_of(answer)
        key, version = key_of(kind, answer), answer["metadata"]["resourceVersion"]
        if owner is None or not self.tells(kind, key[1]):
            return
        known = self._known.get(owner) or _Known(owner)
        seen = known.objects.get(key)
        if seen is None or seen.version != version:
            if before != (seen.version if seen else "", self._went[kind]):
                return
            seen = _seen(answer, seen)
            self._known[owner] = known
            self._keep(known, key, seen)
        seen.applied, seen.mark = seen.shape, mark_of(body)

    def holds(self, owner: UUID, bodies: Sequence[Object], live: Object | None) -> bool:
        """Whether applying all of these again is known to change nothing; `live`: the one of them
        that was read just now, whatever the watch has told of it."""
        known = self._known.get(owner)
        if known is None or live is None or not self.trusts(kind_of(body) for body in bodies):
            return False
        read = known.objects.get(key_of(kind_of(live), live))
        found = [known.objects.get(key_of(kind_of(body), body)) for body in bodies]
        return (read is not None and read.applied == shape_of(live)) and all(
            seen is not None and seen.shape == seen.applied and seen.mark == mark_of(body)
            for seen, body in zip(found, bodies, strict=True)
        )

    def tells(self, kind: Kind, namespace: str) -> bool:
        """Whether all objects of the kind there are known of: what is not, is not there."""
        return self._namespace in ("", namespace) and self.trusts([kind])

    def now(self, owner: UUID, body: Object) -> Known | None:
        """An object of a resource as its watch told last; None when it told of none."""
        known = self._known.get(owner)
        seen = known.objects.get(key_of(kind_of(body), body)) if known else None
        return Known(seen.shape, seen.said, (seen.applied, seen.mark)) if seen else None

    def settled(self, owner: UUID, last: int) -> None:
        """A look has found it settled; `last` when it began."""
        known = self._known.get(owner)
        if known is not None:
            known.settled, known.looked = last, time.monotonic()

    def is_still(self, owner: UUID, longest: float) -> bool:
        """Whether nothing has happened to it since a look found it settled, which was less than
        `longest` seconds ago."""
        known = self._known.get(owner)
        return (
            known is not None
            and known.last == known.settled
            and time.monotonic() - known.looked < longest
            and self.trusts({POD, *(kind for kind, *_ in known.objects)})
        )

    def quiet(self, owner: UUID, workload: Object | None) -> bool:
        """Whether nothing has happened to it and its pods since a look found it settled; `workload`
        as it is now."""
        known = self._known.get(owner)
        if (
            known is None
            or workload is None
            or known.last != known.settled
            or not self.trusts((kind_of(workload), POD))
        ):
            return False
        seen = known.objects.get(key_of(kind_of(workload), workload))
        return seen is not None and seen.version == workload["metadata"]["resourceVersion"]

    def _keep(self, known: _Known, key: Key, seen: _Seen) -> None:
        if (former := self._owners.get(key, known.owner)) != known.owner:
            self._drop(former, key)
        known.objects[key] = seen
        known.last = next(self._number)
        self._owners[key] = known.owner  # one UUID for all of them

    def _drop(self, owner: UUID, key: Key) -> None:
        """An object went; with the last one all that is known of its resource goes."""
        known = self._known[owner]
        del known.objects[key], self._owners[key]
        known.last = next(self._number)
        self._went[key[0]] += 1
        if not known.objects:
            self._known.pop(owner, None)

    def objects(self, owner: UUID, namespace: str) -> list[tuple[Kind, Object]]:
        """What there is of a resource, as far as it takes to delete it; what somebody copied into
        another namespace, label and all, is his."""
        known = self._known.get(owner)
        return [
            (kind, {"metadata": {"name": name, "namespace": where, "uid": seen.uid}})
            for (kind, where, name), seen in (known.objects.items() if known else ())
            if where == namespace
        ]

    def told(self, owner: UUID, kind: Kind, body: Object) -> None:
        """An object was told to go."""
        known = self._known.get(owner)
        seen = known.objects.get(key_of(kind, body)) if known else None
        if seen is not None and seen.uid == body["metadata"]["uid"]:
            seen.leaving = True

    def is_leaving(self, owner: UUID) -> bool:
        """Whether all of a resource but its pods, which go with their workload, was told to go, and
        something is there still; its watches tell when it is not."""
        known = self._known.get(owner)
        told = (
            [seen for (kind, *_), seen in known.objects.items() if kind is not POD] if known else []
        )
        if not told or not all(seen.leaving for seen in told):
            return False
        return known is not None and self.trusts(kind for kind, *_ in known.objects)


def owner_of(body: Object) -> UUID | None:
    """The resource whose object it is."""
    try:
        return UUID((body["metadata"].get("labels") or {}).get(RESOURCE, ""))
    except (ValueError, AttributeError, TypeError):
        return None


def key_of(kind: Kind, body: Object) -> Key:
    return kind, intern(body["metadata"].get("namespace", "")), body["metadata"]["name"]


def _seen(body: Object, before: _Seen | None) -> _Seen:
    meta = body["metadata"]
    seen = _Seen(
        meta["resourceVersion"],
        shape_of(body),
        meta.get("uid", ""),
        "deletionTimestamp" in meta,
        mark_of(body),
    )
    if before is not None and before.uid == seen.uid:
        seen.applied, seen.mark = before.applied, before.mark
    return seen


def shape_of(body: Object) -> bytes:
    """What users and controllers may set of an object, its status left out."""
    meta = {key: value for key, value in body["metadata"].items() if key not in _COUNTED}
    rest = {key: value for key, value in body.items() if key not in ("status", "metadata")}
    # Items of a list carry neither.
    rest.pop("kind", None)
    rest.pop("apiVersion", None)
    said = orjson.dumps([rest, meta], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(said, digest_size=16).digest()


def mark_of(body: Object) -> str:
    """The hash of the manifest that an object was applied from, as it says itself."""
    annotations = body["metadata"].get("annotations") or {}
    return intern(str(annotations.get(APPLIED, "")))
