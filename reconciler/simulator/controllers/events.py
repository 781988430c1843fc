"""Events about objects: made, counted up when they repeat, and forgotten after an hour.

Upstream's recorder aggregates in each component's memory; here it is the Event's own name, made of
what is told of whom, so a restart goes on counting.
"""

import contextlib
import hashlib
import time
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime

from reconciler.simulator.clock import now
from reconciler.simulator.history import Change
from reconciler.simulator.kinds import EVENT
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Refusal
from reconciler.simulator.stored import Stored
from reconciler.simulator.verbs import Verbs, Writer

# kube-apiserver's --event-ttl.
KEPT_SECONDS = 3600.0
# Of an Event's note, in validation.
LIMIT_CHARACTERS = 1024


@dataclass(frozen=True)
class Told:
    """component: who tells; field: the part that it is about, as a path; normal: no Warning."""

    reason: str
    message: str
    component: str
    field: str = ""
    normal: bool = False


def reference(about: Stored, field: str = "") -> Json:
    """The involvedObject."""
    body: Json = {"kind": about.kind.kind, "name": about.name, "uid": about.uid}
    if about.namespace:
        body["namespace"] = about.namespace
    body |= {"apiVersion": about.kind.api_version, "resourceVersion": str(about.version)}
    return {**body, "fieldPath": field} if field else body


def _first(name: str, about: Stored, told: Told) -> Json:
    return {
        "metadata": {"name": name},
        "involvedObject": reference(about, told.field),
        "reason": told.reason,
        "message": told.message[:LIMIT_CHARACTERS],
        "source": {"component": told.component},
        "firstTimestamp": now(),
        "lastTimestamp": now(),
        "count": 1,
        "type": "Normal" if told.normal else "Warning",
        "reportingComponent": told.component,
    }


class Events:
    """The recorder that controllers tell, and the controller that forgets."""

    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs

    def tell(self, about: Stored, told: Told) -> None:
        """An Event in the object's namespace; a recorder never fails, the event is dropped."""
        namespace = about.namespace or "default"
        digest = hashlib.blake2b(f"{about.uid} {told}".encode(), digest_size=8).hexdigest()
        name = f"{about.name}.{digest}"
        live = self._verbs.store.get(EVENT, namespace, name)
        writer = Writer(told.component)
        with contextlib.suppress(Refusal):
            if live is None:
                self._verbs.create(EVENT, namespace, _first(name, about, told), writer)
            else:
                again = {"count": live.body["count"] + 1, "lastTimestamp": now()}
                self._verbs.update(live, {**live.body, **again}, writer)

    def concerns(self, change: Change) -> Iterable[Hashable]:
        if change.new is not None and change.old is None and change.new.kind is EVENT:
            yield change.new.key

    def sync(self, key: tuple[str, str]) -> float | None:
        event = self._verbs.store.get(EVENT, *key)
        if event is None:
            return None
        told = event.body.get("lastTimestamp") or event.meta["creationTimestamp"]
        left = KEPT_SECONDS - (time.time() - datetime.fromisoformat(told).timestamp())
        if left > 0:
            return left
        self._verbs.store.drop(event)
        return None
