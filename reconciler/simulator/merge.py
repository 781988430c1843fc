"""Walks of a value along its schema: merge two, compare two, take paths out, name all paths.

What structured-merge-diff does upstream, for the shapes that `schema` has. Values are never
changed in place; what is equal is shared.
"""

from collections.abc import Callable
from typing import Any

import orjson

from reconciler.simulator.fieldset import LEAF, SELF, Tree
from reconciler.simulator.schema import Atomic, Items, Json, Map, Scalar, Struct, Type

# Go structs that are always written, so that giving them content does not add *them*.
ALWAYS_THERE = frozenset(
    {
        "metadata",
        "spec",
        "status",
        "template",
        "updateStrategy",
        "source",
        "loadBalancer",
        "PersistentVolumeClaimSpec.resources",
        "PodSpec.containers",
    }
)
# Of a CRD: there is no Go struct.
UNTYPED = frozenset({"HTTPRoute"})
KEY_DEFAULTS = {"protocol": "TCP"}


def item_key(keys: tuple[str, ...], item: Json) -> str:
    found = {key: item.get(key, KEY_DEFAULTS.get(key, "")) for key in keys}
    return f"k:{orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode()}"


def value_key(item: Any) -> str:
    return f"v:{orjson.dumps(item).decode()}"


def keyed(kind: Items, items: list[Any]) -> dict[str, Any]:
    """The items of a keyed list or a set by their path element."""
    if kind.is_set:
        return {value_key(item): item for item in items}
    return {item_key(kind.keys, item): item for item in items}


def field_type(kind: Struct | Map, key: str) -> Type:
    return kind.fields.get(key, Scalar("any")) if isinstance(kind, Struct) else kind.value


def field_set(kind: Type, value: Any) -> Tree:
    """The paths that a manager owns who applies this value: leaves, and items of lists."""
    if isinstance(kind, Scalar | Atomic) or value == {}:
        return LEAF
    if isinstance(kind, Items):
        return {
            key: LEAF if kind.is_set else {**LEAF, **_inner(kind.element, item)}
            for key, item in keyed(kind, value).items()
        }
    fields = {f"f:{key}": field_set(field_type(kind, key), item) for key, item in value.items()}
    # An empty list that is merged by keys is owned by nobody.
    return {key: below for key, below in fields.items() if below}


def _inner(kind: Type, value: Any) -> Tree:
    return {} if isinstance(kind, Scalar | Atomic) else field_set(kind, value)


def everything(kind: Type, value: Any, there: bool = False) -> Tree:
    """All paths of a value, containers too; `there`: but not the outermost."""
    own: Tree = {} if there and value else {SELF: {}}
    if isinstance(kind, Scalar | Atomic) or not value:
        return own or LEAF
    if isinstance(kind, Items):
        inner = {key: everything(kind.element, item) for key, item in keyed(kind, value).items()}
        return {**own, **inner}
    for key, item in value.items():
        own[f"f:{key}"] = everything(field_type(kind, key), item, _always_there(kind, key))
    return own


def _always_there(kind: Struct | Map, key: str) -> bool:
    if isinstance(kind, Map):
        return False
    if kind.name in UNTYPED:
        return key == "metadata"
    return key in ALWAYS_THERE or f"{kind.name}.{key}" in ALWAYS_THERE


def compare(kind: Type, old: Any, new: Any) -> tuple[Tree, Tree]:
    """(paths added or changed, paths removed) on the way from old to new."""
    if old == new:
        return {}, {}
    if isinstance(kind, Scalar | Atomic):
        return LEAF, {}
    if isinstance(kind, Items):
        return _compare_keys(
            keyed(kind, old), keyed(kind, new), lambda _: kind.element, lambda _: False
        )
    struct = kind
    return _compare_keys(
        {f"f:{key}": item for key, item in old.items()},
        {f"f:{key}": item for key, item in new.items()},
        lambda key: field_type(struct, key[2:]),
        lambda key: _always_there(struct, key[2:]),
    )


def _compare_keys(
    old: dict[str, Any],
    new: dict[str, Any],
    type_of: Callable[[str], Type],
    there: Callable[[str], bool],
) -> tuple[Tree, Tree]:
    changed, removed = {}, {}
    for key, item in new.items():
        if key not in old:
            changed[key] = everything(type_of(key), item, there(key))
            continue
        below, gone = compare(type_of(key), old[key], item)
        if below:
            changed[key] = below
        if gone:
            removed[key] = gone
    for key, item in old.items():
        if key not in new:
            removed[key] = everything(type_of(key), item)
    return changed, removed


def merge(kind: Type, live: Any, config: Any) -> Any:
    """The live value with the applied one laid over it; nothing is removed."""
    if live is None or isinstance(kind, Scalar | Atomic):
        return config
    if isinstance(kind, Items):
        return _merge_items(kind, live, config)
    merged = dict(live)
    for key, item in config.items():
        merged[key] = merge(field_type(kind, key), live.get(key), item)
    return merged


def _merge_items(kind: Items, live: list[Any], config: list[Any]) -> list[Any]:
    known, applied = keyed(kind, live), keyed(kind, config)
    return [
        merge(kind.element, known.get(key), applied[key]) if key in applied else known[key]
        for key in _merged_order(list(known), list(applied))
    ]


def _merged_order(live: list[str], applied: list[str]) -> list[str]:
    """Shared items in the applied order; what only the live list has keeps its place before its
    successor (mergingWalker.visitListItems upstream).
    """
    wanted, present = set(applied), set(live)
    shared = [key for key in applied if key in present]
    order: list[str] = []
    left, right = live, applied
    while left or right:
        out_of_turn = left and left[0] in wanted and shared and shared[0] != left[0]
        if out_of_turn and right and left[0] != right[0]:
            left = left[1:]
            continue
        if left and left[0] not in wanted:
            order.append(left[0])
            left = left[1:]
            continue
        if left and (left[0] in order or (right and left[0] == right[0])):
            left = left[1:]
        if right:
            order.append(right[0])
            if shared and shared[0] == right[0]:
                shared = shared[1:]
            right = right[1:]
    return order


def remove(kind: Type, value: Any, tree: Tree) -> Any:
    """The value without the members of the tree; a container that loses its last goes too."""
    if SELF in tree:
        return None
    if isinstance(kind, Scalar | Atomic) or not tree:
        return value
    if isinstance(kind, Items):
        kept = {
            key: remove(kind.element, item, tree[key]) if key in tree else item
            for key, item in keyed(kind, value).items()
        }
        return [item for item in kept.values() if item is not None] or None
    left = {}
    for key, item in value.items():
        below = tree.get(f"f:{key}")
        kept_item = remove(field_type(kind, key), item, below) if below else item
        if kept_item is not None:
            left[key] = kept_item
    return left or None
