"""The fields of every kind that is served: names, types and how server-side apply merges them.

`schema.json` is generated (tests/unit/reconciler/simulator/generate_schema.py). A type here is
one of five shapes; fields name their type lazily because types are recursive.
"""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson

Json = dict[str, Any]


@dataclass(frozen=True)
class Scalar:
    """A leaf: string, integer, bool, time, quantity, bytes, or any (not looked into).

    number and amount are those of CRDs, whose rules look at the value.
    """

    kind: str


@dataclass(frozen=True)
class Atomic:
    """A list or map that is owned and replaced as a whole."""

    whole: "Type"


@dataclass(frozen=True)
class Map:
    value: "Type"


@dataclass(frozen=True)
class Items:
    """A list; with keys it is merged by them, as a set by its values, else it is atomic."""

    element: "Type"
    keys: tuple[str, ...] = ()
    is_set: bool = False


@dataclass(frozen=True, eq=False)
class Struct:
    name: str
    fields: dict[str, "Type"] = field(default_factory=dict)


Type = Scalar | Atomic | Map | Items | Struct

SCALARS = frozenset(
    {"string", "integer", "number", "bool", "time", "quantity", "amount", "bytes", "any"}
)


@cache
def table() -> dict[str, Type]:
    """Every type by name; structs are made first and filled after: they refer to each other."""
    read: Json = orjson.loads((Path(__file__).parent / "schema.json").read_bytes())
    structs = {name: Struct(name) for name in read["types"]}
    atomic = frozenset(read["atomic"])
    types: dict[str, Type] = {name: Scalar(name) for name in SCALARS}
    for name, struct in structs.items():
        types[name] = Atomic(struct) if name in atomic else struct
    for name, struct in structs.items():
        struct.fields.update({key: _type(kind, types) for key, kind in read["types"][name].items()})
    return types


def _type(kind: str | list[str], types: dict[str, Type]) -> Type:
    if isinstance(kind, str):
        return types[kind]
    shape, element = kind[0], types[kind[1]]
    if shape == "map":
        return Map(element)
    if shape == "record":
        return Atomic(Map(element))
    if shape == "keyed":
        return Items(element, keys=tuple(kind[2:]))
    if shape == "set":
        return Items(element, is_set=True)
    return Atomic(Items(element))


def of(kind: str) -> Struct:
    found = table()[kind]
    assert isinstance(found, Struct)
    return found
