"""The state on disk: one line per change, so that a kill at any point loses nothing answered.

A line is `PUT <version> <object>` or `DEL <version> <apiVersion> <kind> <namespace>/<name>`, each
written by one write(2) before the change is answered or seen by a watch; a torn last line is
dropped when the file is read. The first line is `KEY <token>`. At start, and when the dead lines
outweigh the living, the file is replaced by one of the living alone (written aside, then renamed).
It is not synced to the disk: it outlives the process, not a power cut.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from reconciler.simulator.kinds import BY_NAME
from reconciler.simulator.stored import Stored

REWRITE_BYTES = 64 * 2**20


@dataclass
class Loaded:
    """What a journal held; a new one has no token and version 0."""

    token: str = ""
    version: int = 0
    objects: dict[tuple[str, str, str, str], Stored] = field(default_factory=dict)


class UnreadableError(Exception):
    """A state file that is none of ours, or damaged in the middle."""

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(
            f"{path}, line {line}, is not the simulator's state:"
            " move the file away to begin with an empty cluster"
        )


def read(path: Path) -> Loaded:
    loaded = Loaded()
    if path.exists():
        for number, line in enumerate(_whole_lines(path.read_bytes()), 1):
            try:
                _replay(line, loaded)
            except (ValueError, KeyError) as error:
                raise UnreadableError(path, number) from error
    return loaded


def _whole_lines(data: bytes) -> Iterator[bytes]:
    *lines, _torn = data.split(b"\n")
    return iter(lines)


def _replay(line: bytes, loaded: Loaded) -> None:
    act, rest = line.split(b" ", 1)
    if act == b"KEY":
        token, version = rest.decode().split(" ")
        loaded.token, loaded.version = token, int(version)
        return
    number, rest = rest.split(b" ", 1)
    loaded.version = int(number)
    if act == b"PUT":
        body = orjson.loads(rest)
        meta = body["metadata"]
        namespace, name = meta.get("namespace", ""), meta["name"]
        kind = BY_NAME.get((body["apiVersion"], body["kind"]))
        if kind is not None:
            key = (body["apiVersion"], body["kind"], namespace, name)
            loaded.objects[key] = Stored(kind, namespace, name, loaded.version, body)
    else:
        api_version, kind_name, where = rest.decode().split(" ")
        namespace, _, name = where.partition("/")
        loaded.objects.pop((api_version, kind_name, namespace, name), None)


class Journal:
    """Appends; the store alone calls it."""

    def __init__(self, path: Path, token: str) -> None:
        self._path, self._token = path, token
        self._size = self._living = 0
        self._file = -1

    def put(self, stored: Stored) -> None:
        self._append(b"PUT %d %b\n" % (stored.version, stored.json))

    def delete(self, stored: Stored, version: int) -> None:
        where = f"{stored.namespace}/{stored.name}"
        named = f"{stored.kind.api_version} {stored.kind.kind} {where}"
        self._append(b"DEL %d %b\n" % (version, named.encode()))

    def _append(self, line: bytes) -> None:
        # A short write would leave a torn line in the middle of the file.
        written = os.write(self._file, line)
        while written < len(line):
            written += os.write(self._file, line[written:])
        self._size += len(line)

    @property
    def overgrown(self) -> bool:
        return self._size > REWRITE_BYTES and self._size > 4 * self._living

    def rewrite(self, version: int, living: Iterable[Stored]) -> None:
        """Replace the file by the living objects, atomically."""
        aside = self._path.with_name(self._path.name + ".new")
        aside.unlink(missing_ok=True)
        fresh = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        lines = [b"KEY %b %d\n" % (self._token.encode(), version)]
        lines += [b"PUT %d %b\n" % (stored.version, stored.json) for stored in living]
        # The last line carries the version on, whatever the objects' own are.
        lines.append(b"KEY %b %d\n" % (self._token.encode(), version))
        with os.fdopen(os.dup(fresh), "wb") as out:
            out.writelines(lines)
        aside.replace(self._path)
        self.close()
        self._file = fresh
        self._size = self._living = sum(map(len, lines))

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
