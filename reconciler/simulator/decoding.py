"""Read a body by the schema: types checked, nulls dropped, unknown fields named.

The real server does this twice over, with different words: typed decoding for create, update and
merge patch (unknown fields are dropped with a Warning), and the schema of server-side apply (an
unknown field is an error 500). One walk serves both; a `Mismatch` knows both texts.
"""

from typing import Any

from reconciler.simulator import scalars
from reconciler.simulator.crd_rules import mistyped
from reconciler.simulator.fieldset import shown
from reconciler.simulator.merge import item_key, value_key
from reconciler.simulator.schema import Atomic, Items, Json, Map, Scalar, Struct, Type
from reconciler.simulator.status import Cause

GO_NAMES = {dict: "object", list: "array", str: "string", bool: "bool"}
# As JSON's schema calls what Go calls so.
SCHEMA_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer"}
SCHEMA_TYPES = (
    ("[]", "array"),
    ("map", "object"),
    ("v1.", "object"),
    ("int", "integer"),
    ("bool", "boolean"),
    ("", "string"),
)
SCALAR_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "bytes": (str,),
    "time": (str,),
    "bool": (bool,),
    "integer": (int, float),
    "number": (int, float),
    "amount": (str, int, float),
}


class Mismatch(Exception):  # noqa: N818 - becomes an answer, 400 or 500
    """A value that does not fit; path is from the root, in the elements of a field set."""

    def __init__(self, text: str, value: Any, wanted: str) -> None:
        super().__init__(text)
        self.text, self.value, self.wanted = text, value, wanted
        self.path: tuple[str, ...] = ()
        self.struct = ""

    def below(self, element: str) -> "Mismatch":
        self.path = (element, *self.path)
        return self

    def as_apply(self) -> str:
        return f"{shown(self.path)}: {self.text}"

    def of(self, struct: str) -> "Mismatch":
        """The innermost struct is the one whose name shows."""
        self.struct = self.struct or struct
        return self

    def as_decode(self) -> str:
        """As Go's JSON decoder says it: keys of lists and maps are left out."""
        names = [element[2:] for element in self.path if element.startswith("f:")]
        fraction = f"number {self.value}" if isinstance(self.value, float) else "number"
        got = GO_NAMES.get(type(self.value), fraction)
        where = ".".join([self.struct, *names])
        return f"json: cannot unmarshal {got} into Go struct field {where} of type {self.wanted}"

    def as_schema(self) -> list[Cause]:
        """As the schema of a CRD says it."""
        where = "".join(
            f"[{element[2:]}]" if element.startswith("i:") else f".{element[2:]}"
            for element in self.path
        )
        wanted = next(name for start, name in SCHEMA_TYPES if self.wanted.startswith(start))
        got = SCHEMA_NAMES.get(type(self.value), "number")
        return mistyped(got, wanted, where.removeprefix("."))


class Unreadable(Mismatch):
    """A value of the right type of JSON that cannot be read: `text`, or for a number its type.

    The schema of server-side apply does not look into values: there it shows later, as `applied`.
    """

    def __init__(self, text: str, value: Any, applied: str) -> None:
        super().__init__(text, value, "int32")
        self.applied = applied

    def as_decode(self) -> str:
        return self.text or super().as_decode()


def decode(kind: Type, value: Any, unknown: list[str] | None) -> Any:
    """The value without nulls and, where `unknown` collects their paths, without unknown fields.

    Raises Mismatch for a wrong type and, when unknown is None, for an unknown field.
    """
    if isinstance(kind, Scalar):
        return _scalar(kind, value)
    if isinstance(kind, Atomic):
        return decode(kind.whole, value, unknown)
    if isinstance(kind, Items):
        return _items(kind, value, unknown)
    if not isinstance(value, dict):
        raise Mismatch(f"expected map, got {_go(value)}", value, _go_type(kind))
    return _map(kind, value, unknown) if isinstance(kind, Map) else _struct(kind, value, unknown)


def _scalar(kind: Scalar, value: Any) -> Any:
    wanted = SCALAR_KINDS.get(kind.kind)
    fits = wanted is None or (
        isinstance(value, wanted) and (kind.kind == "bool" or not isinstance(value, bool))
    )
    if fits:
        return _readable(kind, value)
    if kind.kind in ("integer", "number"):
        got = GO_NAMES.get(type(value), "number")
        raise Mismatch(f"expected numeric (int or float), got {got}", value, _go_type(kind))
    name = "boolean" if kind.kind == "bool" else "string"
    raise Mismatch(f"expected {name}, got {_go(value)}", value, _go_type(kind))


def _readable(kind: Scalar, value: Any) -> Any:
    if kind.kind == "integer" and value != int(value):
        raise Unreadable("", value, "cannot convert float64 to int32")
    why = scalars.fault(kind.kind, value)
    if why:
        applied = f"error decoding from json: {why}" if kind.kind == "bytes" else why
        raise Unreadable(why, value, applied)
    return value


def _items(kind: Items, value: Any, unknown: list[str] | None) -> list[Any]:
    if not isinstance(value, list):
        raise Mismatch(f"expected list, got {_go(value)}", value, _go_type(kind))
    decoded, seen = [], set()
    for number, item in enumerate(value):
        mark = "" if unknown is None else f"[{number}]"
        try:
            decoded.append(_below(kind.element, item, unknown, mark))
        except Mismatch as mismatch:
            raise mismatch.below(_element(kind, item, number)) from None
        if kind.keys or kind.is_set:
            key = _element(kind, decoded[-1], number)
            if unknown is None and key in seen:
                raise Mismatch(f"duplicate entries for key {shown((key,))}", value, "list")
            seen.add(key)
    return decoded


def _element(kind: Items, item: Any, number: int) -> str:
    if kind.keys and isinstance(item, dict):
        return item_key(kind.keys, item)
    return value_key(item) if kind.is_set else f"i:{number}"


def _map(kind: Map, value: Json, unknown: list[str] | None) -> Json:
    decoded = {}
    for key, item in value.items():
        try:
            # Go reads null as the value's zero.
            decoded[key] = "" if item is None else decode(kind.value, item, unknown)
        except Mismatch as mismatch:
            # A map's key shows in apply's text and not in the decoder's.
            raise mismatch.below(f"m:{key}" if unknown is not None else f"f:{key}") from None
    return decoded


def _struct(kind: Struct, value: Json, unknown: list[str] | None) -> Json:
    decoded = {}
    for key, item in value.items():
        field = kind.fields.get(key)
        if field is None:
            if unknown is None:
                raise Mismatch("field not declared in schema", item, "").below(f"f:{key}")
            unknown.append(key)
        elif item is not None:
            try:
                decoded[key] = _below(field, item, unknown, key)
            except Mismatch as mismatch:
                raise mismatch.below(f"f:{key}").of(kind.name) from None
    return decoded


def _below(kind: Type, value: Any, unknown: list[str] | None, name: str) -> Any:
    """Decode one level down, with the names of unknown fields found there made full paths."""
    if unknown is None:
        return decode(kind, value, None)
    found = len(unknown)
    decoded = decode(kind, value, unknown)
    for index in range(found, len(unknown)):
        separator = "" if unknown[index].startswith("[") else "."
        unknown[index] = f"{name}{separator}{unknown[index]}"
    return decoded


def _go_type(kind: Type) -> str:
    """As Go writes the type; of numbers only that most are int32."""
    if isinstance(kind, Atomic):
        return _go_type(kind.whole)
    if isinstance(kind, Map):
        return f"map[string]{_go_type(kind.value)}"
    if isinstance(kind, Items):
        return f"[]{_go_type(kind.element)}"
    if isinstance(kind, Struct):
        return f"v1.{kind.name}"
    named = {"integer": "int32", "number": "int32", "amount": "quantity", "bytes": "[]uint8"}
    return named.get(kind.kind, kind.kind)


def _go(value: Any) -> str:
    """A value as Go prints it in these errors."""
    if isinstance(value, list):
        return f"&{{[{' '.join(str(item) for item in value)}]}}"
    if isinstance(value, dict):
        inner = " ".join(f"{key}:{item}" for key, item in value.items())
        return f"&{{map[{inner}]}}"
    printed = str(value).lower() if isinstance(value, bool) else str(value)
    return f"&value.valueUnstructured{{Value:{printed}}}"
