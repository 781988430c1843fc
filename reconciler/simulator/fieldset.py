"""Sets of field paths, as trees: what a manager owns, what a change touched.

A tree maps a path element (`f:name`, `k:{"name":"c"}`, `v:"x"`, as in metadata.managedFields) to
a tree. The key "." says that the path up to there is itself in the set, so a leaf is {".": {}};
with that every operation is a plain recursion. Trees are never changed once made.
"""

from collections.abc import Iterator
from typing import Any

import orjson

Tree = dict[str, Any]

SELF = "."
LEAF: Tree = {SELF: {}}


def union(left: Tree, right: Tree) -> Tree:
    if not left:
        return right
    merged = dict(left)
    for key, below in right.items():
        known = merged.get(key)
        merged[key] = union(known, below) if known is not None else below
    return merged


def difference(left: Tree, right: Tree) -> Tree:
    """The paths of left that are not in right; left itself when they share none."""
    rest: Tree | None = None
    for key, other in right.items():
        below = left.get(key)
        if below is None:
            continue
        kept = {} if key == SELF else difference(below, other)
        if kept is below and key != SELF:
            continue
        rest = dict(left) if rest is None else rest
        if kept:
            rest[key] = kept
        else:
            del rest[key]
    return left if rest is None else rest


def intersection(left: Tree, right: Tree) -> Tree:
    both: Tree = {}
    for key, below in left.items():
        other = right.get(key)
        if other is None:
            continue
        if key == SELF:
            both[SELF] = below
        elif shared := intersection(below, other):
            both[key] = shared
    return both


def with_named(tree: Tree) -> Tree:
    """Every field on the way to a member becomes one (EnsureNamedFieldsAreMembers upstream)."""
    ensured: Tree = {}
    for key, below in tree.items():
        if key == SELF:
            ensured[SELF] = below
        else:
            inner = with_named(below)
            ensured[key] = {SELF: {}, **inner} if key.startswith("f:") else inner
    return ensured


def paths(tree: Tree, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every member, at each level before what is below it, in order."""
    below = sorted(key for key in tree if key != SELF)
    yield from ((*prefix, key) for key in below if SELF in tree[key])
    for key in below:
        yield from paths(tree[key], (*prefix, key))


def to_v1(tree: Tree) -> Tree:
    """As metadata.managedFields writes it (FieldsV1): a bare leaf is {}."""
    return {
        key: {} if key == SELF or tree[key] == LEAF else to_v1(tree[key]) for key in sorted(tree)
    }


def from_v1(fields: Tree) -> Tree:
    return {
        key: {} if key == SELF else from_v1(below) if below else LEAF
        for key, below in fields.items()
    }


def shown(path: tuple[str, ...]) -> str:
    """As conflict messages write it: `.spec.containers[name="c"].image`."""
    return "".join(_shown_element(element) for element in path)


def _shown_element(element: str) -> str:
    if element.startswith("f:"):
        return f".{element[2:]}"
    if element.startswith("k:"):
        keys = orjson.loads(element[2:]).items()
        return f"[{','.join(f'{key}={orjson.dumps(value).decode()}' for key, value in keys)}]"
    return f"[={element[2:]}]" if element.startswith("v:") else f"[{element[2:]}]"
