"""Lists, whole or in pages. All pages of a list show the moment of the first."""

import base64
from dataclasses import dataclass

import orjson

from reconciler.simulator.kinds import Kind
from reconciler.simulator.schema import Json
from reconciler.simulator.selectors import Selection
from reconciler.simulator.status import bad_request, expired, too_large_version
from reconciler.simulator.store import Store
from reconciler.simulator.stored import Stored

TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can"
    " start a new list without the continue parameter, or use the continue token in this response"
    " to retrieve the remainder of the results. Continuing with the provided token results in an"
    " inconsistent list - objects that were created, modified, or deleted between the time the"
    " first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True)
class Lister:
    store: Store

    def select(self, kind: Kind, selection: Selection) -> list[Stored]:
        found = self.store.tables[kind].select(selection.namespace, selection.label)
        return found if selection.everything else [item for item in found if selection.holds(item)]

    def page(
        self, kind: Kind, selection: Selection, limit: int, token: str, exact: int | None = None
    ) -> bytes:
        """One page; limit 0 is everything, exact a version of the past.

        Raises Refusal 400 for a bad token, 410 for an old one and for a past that is forgotten.
        """
        version, start = _opened(token) if token else (-1, "")
        if token and version >= 0 and not self._remembers(kind, version):
            raise expired(TOO_OLD, {"continue": _token(-1, start)})
        if exact is not None:
            version = exact
            if not self._remembers(kind, version):
                raise expired("The resourceVersion for the provided list is too old.")
        found = self.select(kind, selection) if version < 0 else self._at(kind, selection, version)
        version = version if version >= 0 else self.store.version
        found = [item for item in found if _place(item) >= start] if start else found
        if not 0 < limit < len(found):
            return _rendered(kind, {"resourceVersion": str(version)}, found)
        shown, left = found[:limit], len(found) - limit
        start = f"{_place(shown[-1])}\0"
        meta: Json = {"resourceVersion": str(version), "continue": _token(version, start)}
        if selection.everything:
            meta["remainingItemCount"] = left
        return _rendered(kind, meta, shown)

    def _remembers(self, kind: Kind, version: int) -> bool:
        return self.store.tables[kind].history.remembers(version)

    def _at(self, kind: Kind, selection: Selection, version: int) -> list[Stored]:
        """What was there at a version that is remembered: the present without what came since."""
        table = self.store.tables[kind]
        found = dict(table.objects)
        for change in reversed(list(table.history.since(version))):
            if change.old is not None:
                found[change.old.key] = change.old
            elif change.new is not None:
                found.pop(change.new.key)
        inside = selection.namespace
        return [
            found[key]
            for key in sorted(found)
            if (not inside or key[0] == inside) and selection.holds(found[key])
        ]


def check_version(text: str, current: int) -> None:
    """A list's or get's resourceVersion. Raises Refusal 400, and 504 for one of the future."""
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


def _place(stored: Stored) -> str:
    return f"{stored.namespace}/{stored.name}"


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
