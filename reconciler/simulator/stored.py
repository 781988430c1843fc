"""One version of one object, as the store keeps it and everybody may read it.

Never changed after it is made: a write makes another. So lists, watches and pages may hold on to
it without a copy, and its JSON is made once, for all who send it.
"""

from dataclasses import dataclass
from functools import cached_property

import orjson

from reconciler.simulator.kinds import Kind
from reconciler.simulator.schema import Json


@dataclass(frozen=True, eq=False)
class Stored:
    """namespace is "" for an object without one; body has kind and apiVersion first."""

    kind: Kind
    namespace: str
    name: str
    version: int
    body: Json

    @cached_property
    def json(self) -> bytes:
        return orjson.dumps(self.body)

    @cached_property
    def item_json(self) -> bytes:
        """As an element of a list: built-in kinds leave kind and apiVersion out."""
        if self.kind.custom:
            return self.json
        bare = {key: value for key, value in self.body.items() if key not in ("kind", "apiVersion")}
        return orjson.dumps(bare)

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name

    @property
    def meta(self) -> Json:
        meta: Json = self.body["metadata"]
        return meta

    @property
    def uid(self) -> str:
        uid: str = self.meta["uid"]
        return uid

    @property
    def labels(self) -> dict[str, str]:
        labels: dict[str, str] = self.meta.get("labels", {})
        return labels

    @property
    def deleting(self) -> bool:
        return "deletionTimestamp" in self.meta
