"""Lists, whole or in pages. All pages of a list show the moment of the first."""

import base64
from collections import OrderedDict
from dataclasses import dataclass, field

import orjson

from reconciler.simulator.kinds import Kind
from reconciler.simulator.schema import Json
from reconciler.simulator.selectors import Selection
from reconciler.simulator.status import bad_request, expired, too_large_version
from reconciler.simulator.store import Store
from reconciler.simulator.stored import Stored

SNAPSHOTS = 256
TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can"
    " start a new list without the continue parameter, or use the continue token in this response"
    " to retrieve the remainder of the results. Continuing with the provided token results in an"
    " inconsistent list - objects that were created, modified, or deleted between the time the"
    " first chunk was returned and now may show up in the list."
)


@dataclass
class Lister:
    """Remembers the latest SNAPSHOTS unfinished lists, so that a page continues its own."""

    store: Store
    snapshots: OrderedDict[str, list[Stored]] = field(default_factory=OrderedDict)

    def select(self, kind: Kind, selection: Selection) -> list[Stored]:
        found = self.store.tables[kind].select(selection.namespace, selection.label)
        return found if selection.everything else [item for item in found if selection.holds(item)]

    def page(self, kind: Kind, selection: Selection, limit: int, token: str) -> bytes:
        """One page; limit 0 is everything. Raises Refusal 400 for a bad token, 410 for an old."""
        version, start, rest = self.store.version, "", None
        if token:
            version, start = _opened(token)
            rest = self._continued(kind, selection, version, start)
            version = version if version >= 0 else self.store.version
        found = self.select(kind, selection) if rest is None else rest
        if not 0 < limit < len(found):
            return _rendered(kind, {"resourceVersion": str(version)}, found)
        shown, left = found[:limit], found[limit:]
        last = shown[-1]
        start = f"{last.namespace}/{last.name}\0"
        self._remember(_snapshot(kind, selection, version, start), left)
        meta: Json = {"resourceVersion": str(version), "continue": _token(version, start)}
        if selection.everything:
            meta["remainingItemCount"] = len(left)
        return _rendered(kind, meta, shown)

    def _remember(self, key: str, left: list[Stored]) -> None:
        self.snapshots[key] = left
        while len(self.snapshots) > SNAPSHOTS:
            self.snapshots.popitem(last=False)

    def _continued(
        self, kind: Kind, selection: Selection, version: int, start: str
    ) -> list[Stored]:
        known = self.snapshots.get(_snapshot(kind, selection, version, start))
        if known is not None and self.store.tables[kind].history.remembers(version):
            return known
        if version >= 0:
            raise expired(TOO_OLD, {"continue": _token(-1, start)})
        return [item for item in self.select(kind, selection) if _after(item, start)]


def check_version(text: str, current: int, *, exact: bool = False) -> None:
    """A list's or get's resourceVersion. Raises Refusal: 400, 504 if it is newer than what is, and
    410 if exactly an older one is wanted: the past is not kept.
    """
    try:
        asked = int(text or 0)
    except ValueError:
        message = (
            f'invalid resource version: resourceVersion: Invalid value: "{text}": '
            f'strconv.ParseUint: parsing "{text}": invalid syntax'
        )
        raise bad_request(message) from None
    if asked > current:
        raise too_large_version(asked, current)
    if exact and asked < current:
        raise expired("The resourceVersion for the provided list is too old.")


def _after(stored: Stored, start: str) -> bool:
    return f"{stored.namespace}/{stored.name}" >= start


def _snapshot(kind: Kind, selection: Selection, version: int, start: str) -> str:
    return f"{kind.resource} {selection} {version} {start}"


def _token(version: int, start: str) -> str:
    text = orjson.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start})
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _opened(token: str) -> tuple[int, str]:
    try:
        read = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(read["rv"]), str(read["start"])
    except (ValueError, KeyError, TypeError):
        message = "continue key is not valid: invalid character"
        raise bad_request(f"invalid continue token: {message}") from None


def _rendered(kind: Kind, meta: Json, items: list[Stored]) -> bytes:
    return b'{"kind":"%bList","apiVersion":"%b","metadata":%b,"items":[%b]}' % (
        kind.kind.encode(),
        kind.api_version.encode(),
        orjson.dumps(meta),
        b",".join([item.item_json for item in items]),
    )
