"""LimitRange: what containers get that state nothing, and what is too little or too much.

Upstream's plugin LimitRanger, without maxLimitRequestRatio.
"""

from typing import Any

from reconciler.simulator.kinds import CLAIM, LIMIT_RANGE, POD, Kind
from reconciler.simulator.quantity import amount
from reconciler.simulator.quota import resources
from reconciler.simulator.schema import Json
from reconciler.simulator.status import forbidden
from reconciler.simulator.store import Store

ANNOTATION = "kubernetes.io/limit-ranger"
SIDES = (("limits", "default", "limit"), ("requests", "defaultRequest", "request"))


def _items(store: Store, namespace: str, kind: str) -> list[Json]:
    return [
        item
        for stored in store.tables[LIMIT_RANGE].select(namespace)
        for item in stored.body.get("spec", {}).get("limits", ())
        if item["type"] == kind
    ]


def defaulted(store: Store, kind: Kind, namespace: str, body: Json) -> Json:
    """A new pod with the defaults of its namespace, which an annotation lists."""
    items = _items(store, namespace, "Container") if kind is POD else []
    if not items:
        return body
    told: list[str] = []
    spec = dict(body["spec"])
    for part, named in (("containers", "container"), ("initContainers", "init container")):
        if part in spec:
            spec[part] = [_container(one, items, named, told) for one in spec[part]]
    if not told:
        return body
    meta = body["metadata"]
    text = f"LimitRanger plugin set: {'; '.join(told)}"
    annotations = {**meta.get("annotations", {}), ANNOTATION: text}
    return {**body, "metadata": {**meta, "annotations": annotations}, "spec": spec}


def _container(container: Json, items: list[Json], named: str, told: list[str]) -> Json:
    own = container.get("resources", {})
    filled: dict[str, Any] = dict(own)
    said = []
    for side, field, word in SIDES:
        given = {key: value for item in items for key, value in item.get(field, {}).items()}
        added = {key: value for key, value in given.items() if key not in own.get(side, {})}
        if added:
            filled[side] = {**added, **own.get(side, {})}
            said.append(f"{', '.join(sorted(added))} {word} for {named} {container['name']}")
    told += reversed(said)
    return {**container, "resources": filled}


def enforced(store: Store, kind: Kind, namespace: str, body: Json, live: Json | None) -> None:
    """Raises Refusal 403 with everything that is out of range; a pod's update is not looked at."""
    why: list[str] = []
    if kind is POD and live is None:
        spec = body["spec"]
        for item in _items(store, namespace, "Container"):
            for one in [*spec["containers"], *spec.get("initContainers", ())]:
                why += _out_of(item, one.get("resources", {}))
        whole = {side: resources(spec, side) for side, _, _ in SIDES}
        for item in _items(store, namespace, "Pod"):
            why += _out_of(item, whole)
    elif kind is CLAIM:
        for item in _items(store, namespace, "PersistentVolumeClaim"):
            why += _out_of(item, body["spec"].get("resources", {}), requests_only=True)
    # An aggregate of errors says each once.
    said = list(dict.fromkeys(why))
    if said:
        text = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
        raise forbidden(kind, body["metadata"].get("name", ""), text, [])


def _out_of(item: Json, own: Json, *, requests_only: bool = False) -> list[str]:
    found = []
    requests, limits = own.get("requests", {}), own.get("limits", {})
    for name, bound in item.get("min", {}).items():
        text = f"minimum {name} usage per {item['type']} is {bound}"
        if name not in requests:
            found.append(f"{text}.  No request is specified")
        elif amount(requests[name]) < amount(bound):
            found.append(f"{text}, but request is {requests[name]}")
        elif name in limits and amount(limits[name]) < amount(bound):
            found.append(f"{text}, but limit is {limits[name]}")
    for name, bound in item.get("max", {}).items():
        text = f"maximum {name} usage per {item['type']} is {bound}"
        first, word = (requests, "request") if requests_only else (limits, "limit")
        if name not in first:
            found.append(f"{text}.  No {word} is specified")
        elif amount(first[name]) > amount(bound):
            found.append(f"{text}, but {word} is {first[name]}")
        elif name in requests and amount(requests[name]) > amount(bound):
            found.append(f"{text}, but request is {requests[name]}")
    return found
