"""Who owns which field: metadata.managedFields, server-side apply, and its conflicts.

The algorithm is structured-merge-diff's: an apply lays its body over the live object, takes out
what its manager applied before, does not now, and nobody else owns; what it would change of
others is a conflict unless forced. A plain update owns what it changed, and takes it from others.
"""

from dataclasses import dataclass
from typing import Any

from reconciler.simulator import fieldset
from reconciler.simulator.fieldset import LEAF, SELF, Tree
from reconciler.simulator.merge import compare, field_set, merge, remove
from reconciler.simulator.schema import Json, Struct
from reconciler.simulator.status import Cause, Refusal

# Identity and bookkeeping are nobody's (stripMeta in apiserver's managedfields).
STRIPPED: Tree = {
    "f:apiVersion": LEAF,
    "f:kind": LEAF,
    "f:metadata": {
        SELF: {},
        **{
            f"f:{name}": LEAF
            for name in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "generation",
                "managedFields",
                "resourceVersion",
                "deletionTimestamp",
                "deletionGracePeriodSeconds",
            )
        },
    },
}


@dataclass(frozen=True)
class Manager:
    name: str
    operation: str
    api_version: str
    subresource: str = ""


@dataclass(frozen=True)
class Owned:
    """`written` is the FieldsV1 that the fields were read from, as long as they are the same."""

    fields: Tree
    time: str | None
    written: Tree | None = None

    def less(self, *taken: Tree) -> "Owned":
        fields = self.fields
        for tree in taken:
            fields = fieldset.difference(fields, tree)
        return self if fields is self.fields else Owned(fields, self.time)


Owners = dict[Manager, Owned]


def read(body: Json | None) -> Owners:
    entries = (body or {}).get("metadata", {}).get("managedFields", [])
    return {
        Manager(
            entry.get("manager", ""),
            entry["operation"],
            entry.get("apiVersion", ""),
            entry.get("subresource", ""),
        ): Owned(fieldset.from_v1(entry["fieldsV1"]), entry.get("time"), entry["fieldsV1"])
        for entry in entries
    }


def written(owners: Owners) -> list[Json]:
    """managedFields: applies first, then by time."""
    order = sorted(
        owners.items(),
        key=lambda item: (item[0].operation, item[1].time or "", item[0].name),
    )
    return [_entry(manager, owned) for manager, owned in order if owned.fields]


def _entry(manager: Manager, owned: Owned) -> Json:
    entry: Json = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
    }
    if owned.time:
        entry["time"] = owned.time
    fields = owned.written if owned.written is not None else fieldset.to_v1(owned.fields)
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": fields}
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry


def applied(
    kind: Struct, live: Json, config: Json, manager: Manager, *, force: bool
) -> tuple[Json, Owners]:
    """The object after an apply, not yet defaulted, and who owns what then.

    Raises Refusal 409 with a FieldManagerConflict per field.
    """
    owners = read(live) or _unowned(kind, live, manager)
    last = owners.get(manager)
    new = fieldset.difference(field_set(kind, config), STRIPPED)
    others = {who: owned for who, owned in owners.items() if who != manager}
    merged: Json = merge(kind, live, config)
    if last and (dropped := fieldset.difference(last.fields, new)):
        keep = new
        for owned in others.values():
            keep = fieldset.union(keep, owned.fields)
        merged = _pruned(kind, merged, last.fields, keep) if dropped else merged
    changed, removed = compare(kind, live, merged)
    clashes = {
        who: clash
        for who, owned in others.items()
        if (clash := fieldset.intersection(owned.fields, changed))
    }
    if clashes and not force:
        raise _conflict(clashes)
    kept = {who: owned.less(clashes.get(who, {}), removed) for who, owned in others.items()}
    return merged, {**kept, manager: Owned(new, last.time if last else None)}


def _unowned(kind: Struct, live: Json, manager: Manager) -> Owners:
    """What nobody owns yet is somebody's: upstream calls him before-first-apply."""
    if not live:
        return {}
    before = Manager("before-first-apply", "Update", manager.api_version)
    return {before: Owned(fieldset.difference(field_set(kind, live), STRIPPED), None)}


def _pruned(kind: Struct, merged: Json, last: Tree, keep: Tree) -> Json:
    """Without what was applied before and is in nobody's set now (Updater.prune upstream)."""
    named_last, named_keep = fieldset.with_named(last), fieldset.with_named(keep)
    bare: Any = remove(kind, merged, named_last) or {}
    whole = fieldset.with_named(field_set(kind, merged))
    left = fieldset.union(fieldset.with_named(field_set(kind, bare)), named_keep)
    owned_back: Any = remove(kind, merged, fieldset.difference(whole, left)) or {}
    gone = fieldset.difference(whole, fieldset.with_named(field_set(kind, owned_back)))
    result: Any = remove(kind, merged, fieldset.intersection(gone, named_last))
    return result or {}


def _conflict(clashes: dict[Manager, Tree]) -> Refusal:
    causes, texts, count = [], [], 0
    for manager, tree in sorted(clashes.items(), key=lambda item: item[0].name):
        who = f'"{manager.name}"'
        if manager.subresource:
            who += f' with subresource "{manager.subresource}"'
        if manager.operation == "Update":
            who += f" using {manager.api_version}"
        fields = [fieldset.shown(path) for path in fieldset.paths(tree)]
        count += len(fields)
        causes += [Cause("FieldManagerConflict", f"conflict with {who}", at) for at in fields]
        texts.append("\n- ".join([f"conflicts with {who}:", *fields]))
    message = f"Apply failed with {count} conflicts: " + "\n".join(texts)
    if count == 1:
        message = f"Apply failed with 1 conflict: {causes[0].message}: {causes[0].field}"
    return Refusal(409, message, details={"causes": [cause.body() for cause in causes]})


def updated(kind: Struct, live: Json, body: Json, manager: Manager) -> Owners:
    """Who owns what after an update that makes `body` of `live`."""
    owners = read(live)
    changed, removed = compare(kind, _unmarked(live), _unmarked(body))
    changed = fieldset.difference(changed, STRIPPED)
    if not manager.subresource:
        changed.pop("f:status", None)
    before = owners.get(manager, Owned({}, None))
    kept = {who: owned.less(changed, removed) for who, owned in owners.items() if who != manager}
    mine = fieldset.union(before.less(removed).fields, changed)
    return {**kept, manager: Owned(mine, before.time)}


def _unmarked(body: Json) -> Json:
    """Without managedFields, which would be long to compare and are nobody's."""
    if "managedFields" not in body.get("metadata", {}):
        return body
    meta = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": meta}


def stamped(owners: Owners, manager: Manager, now: str) -> Owners:
    """The writer's entry gets the time of a write that changed the object."""
    if manager not in owners:
        return owners
    mine = owners[manager]
    return {**owners, manager: Owned(mine.fields, now, mine.written)}
