"""Label and field selectors, as the query parameters of list and watch spell them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.simulator.kinds import Kind
from reconciler.simulator.status import bad_request
from reconciler.simulator.stored import Stored

TOKEN = re.compile(r"\s*(==|!=|=|!|<|>|\(|\)|,|[^\s=!<>(),]+)")
OPERATORS = "in, notin, =, ==, !=, gt, lt"
COMMON_FIELDS = ("metadata.name", "metadata.namespace")
KINDS_WITH_OWN_ERROR = frozenset({"Pod", "Event", "Secret", "Namespace", "Service"})


@dataclass(frozen=True)
class Requirement:
    """One part of a label selector; operator is one of in, notin, exists, absent, gt, lt."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, labels: dict[str, str]) -> bool:
        value = labels.get(self.key)
        if self.operator == "in":
            return value in self.values
        if self.operator == "notin":
            return value not in self.values
        if self.operator in ("exists", "absent"):
            return (value is not None) == (self.operator == "exists")
        return self._compares(value)

    def _compares(self, value: str | None) -> bool:
        try:
            number, bound = int(value or ""), int(next(iter(self.values)))
        except ValueError:
            return False
        return number > bound if self.operator == "gt" else number < bound


@dataclass(frozen=True)
class FieldTerm:
    field: str
    value: str
    equal: bool

    def holds(self, stored: Stored) -> bool:
        return (field_value(stored, self.field) == self.value) == self.equal


@dataclass(frozen=True)
class Selection:
    """namespace "" is all. `label` is one equality that the store has an index for."""

    namespace: str = ""
    requirements: tuple[Requirement, ...] = ()
    fields: tuple[FieldTerm, ...] = ()

    @property
    def label(self) -> tuple[str, str] | None:
        for requirement in self.requirements:
            if requirement.operator == "in" and len(requirement.values) == 1:
                return requirement.key, next(iter(requirement.values))
        return None

    @property
    def everything(self) -> bool:
        return not self.requirements and not self.fields

    def holds(self, stored: Stored) -> bool:
        if self.namespace and stored.namespace != self.namespace:
            return False
        if not all(requirement.holds(stored.labels) for requirement in self.requirements):
            return False
        return all(term.holds(stored) for term in self.fields)


def field_value(stored: Stored, path: str) -> str:
    """A field as a selector compares it; absent is "", as is an object."""
    if path == "source":
        path = "source.component"
    found: Any = stored.body
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, bool):
        return str(found).lower()
    return "" if found is None or isinstance(found, dict) else str(found)


def parse_fields(kind: Kind, text: str) -> tuple[FieldTerm, ...]:
    """`a=b,c!=d`. Raises Refusal 400 for a field that the kind cannot be selected by."""
    terms = []
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"(.*?)(==|!=|=)(.*)", part)
        if match is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        field, operator, value = match.groups()
        if field not in COMMON_FIELDS and field not in kind.selectable:
            raise bad_request(_unsupported(kind, field))
        terms.append(FieldTerm(field, value, operator != "!="))
    return tuple(terms)


def _unsupported(kind: Kind, field: str) -> str:
    if kind.kind in KINDS_WITH_OWN_ERROR:
        return f"field label not supported: {field}"
    if kind.custom:
        return f"field label not supported: {field}"
    return f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """`a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1`. Raises Refusal 400."""
    tokens = TOKEN.findall(text)
    return tuple(_Parser(tokens).requirements()) if tokens else ()


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens

    def _peek(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def _take(self) -> str:
        return self._tokens.pop(0) if self._tokens else ""

    def requirements(self) -> list[Requirement]:
        found = []
        while True:
            found.append(self._requirement())
            if not self._tokens:
                return found
            if (separator := self._take()) != ",":
                raise bad_request(f"found '{separator}', expected: ',' or 'end of string'")
            if not _is_word(self._peek()) and self._peek() != "!":
                raise bad_request(f"found '{self._peek()}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        absent = self._peek() == "!"
        if absent:
            self._take()
        key = self._take()
        if not _is_word(key):
            expected = "identifier" if absent else "!, identifier, or 'end of string'"
            prefix = "unable to parse requirement: " if absent else ""
            raise bad_request(f"{prefix}found '{key}', expected: {expected}")
        if absent:
            return Requirement(key, "absent")
        return self._operation(key)

    def _operation(self, key: str) -> Requirement:
        operator = self._peek()
        if operator in ("", ","):
            return Requirement(key, "exists")
        parse: dict[str, Callable[[], Requirement]] = {
            "=": lambda: Requirement(key, "in", self._value()),
            "==": lambda: Requirement(key, "in", self._value()),
            "!=": lambda: Requirement(key, "notin", self._value()),
            ">": lambda: Requirement(key, "gt", self._value()),
            "<": lambda: Requirement(key, "lt", self._value()),
            "in": lambda: Requirement(key, "in", self._values()),
            "notin": lambda: Requirement(key, "notin", self._values()),
        }
        if operator not in parse:
            message = f"unable to parse requirement: found '{operator}', expected: {OPERATORS}"
            raise bad_request(message)
        self._take()
        return parse[operator]()

    def _value(self) -> frozenset[str]:
        return frozenset({self._take() if _is_word(self._peek()) else ""})

    def _values(self) -> frozenset[str]:
        if (opening := self._take()) != "(":
            message = f"unable to parse requirement: found '{opening}' expected: '('"
            raise bad_request(message)
        values = set()
        while True:
            values.add(self._take() if _is_word(self._peek()) else "")
            separator = self._take()
            if separator == ")":
                return frozenset(values)
            if separator != ",":
                message = f"found '{separator}', expected: ',' or ')'"
                raise bad_request(f"unable to parse requirement: {message}")


def _is_word(token: str) -> bool:
    return bool(token) and token[0] not in "=!<>(),"
