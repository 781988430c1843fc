"""Every SQL statement of a source tree, found in the source: for the lint of the first wall.

A statement is the argument of `text(…)`. Its text is put together as far as the source tells:
constants of the module and of those that it imports from, and properties of its class, are filled
in; whatever is only known at run time stays as `{expression}`. So statements that are made within
functions are found too, whether a test runs them or not.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[4]


@dataclass(frozen=True)
class Statement:
    """A statement: `app.db.projects._LOCK`, or the function that makes it, and its text."""

    where: str
    sql: str

    @property
    def looks_at(self) -> set[str]:
        """The tables whose rows it reads, changes or takes away; `{…}` for one not known here."""
        words = "FROM|JOIN|UPDATE|USING"
        if "DO UPDATE" in self.sql:  # a row that is there is looked at, and changed
            words += "|INTO"
        return set(re.findall(rf'\b(?:{words})\s+"?(\w+|\{{[^}}]*\}})', self.sql))


@dataclass(frozen=True)
class Module:
    """The source of one module, and what its names stand for."""

    name: str
    tree: ast.Module

    def constant(self, name: str) -> ast.expr | None:
        """What a name at the top of the module was given, here or where it is imported from."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
                return node.value
            if isinstance(node, ast.AnnAssign) and name == ast.unparse(node.target):
                return node.value
        return None

    def imported(self, name: str) -> "tuple[Module, str] | None":
        """The module of ours that a name comes from, and its name there."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("app."):
                for alias in node.names:
                    if name == (alias.asname or alias.name):
                        found = load(node.module or "")
                        return (found, alias.name) if found else None
        return None

    def property_of(self, cls: ast.ClassDef | None, name: str) -> ast.expr | None:
        """What a property or method of `cls` without statements of its own returns."""
        for node in cls.body if cls else ():
            if isinstance(node, ast.FunctionDef) and node.name == name:
                returned = [n.value for n in ast.walk(node) if isinstance(n, ast.Return)]
                return returned[-1] if returned else None
        return None

    def text(self, node: ast.expr, cls: ast.ClassDef | None = None) -> str:
        """A string as far as the source tells."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.JoinedStr):
            return "".join(self.text(part, cls) for part in node.values)
        if isinstance(node, ast.FormattedValue):
            return self.text(node.value, cls)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.text(node.left, cls) + self.text(node.right, cls)
        filled = self._filled(node, cls)
        if filled is not None:
            return filled
        return "{" + ast.unparse(node).replace("{", "(").replace("}", ")") + "}"

    def _filled(self, node: ast.expr, cls: ast.ClassDef | None) -> str | None:
        """What a name stands for, as far as the source tells."""
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self":
            returned = self.property_of(cls, node.attr)
            return None if returned is None else self.text(returned, cls)
        if not isinstance(node, ast.Name):
            return None
        found = self.constant(node.id)
        if found is not None:
            return self.text(found, cls)
        there = self.imported(node.id)
        value = there[0].constant(there[1]) if there else None
        return there[0].text(value) if there and value is not None else None

    def statements(self) -> Iterator[Statement]:
        """All of the module's."""
        yield from self._within(self.tree, self.name, None)

    def _within(self, node: ast.AST, where: str, cls: ast.ClassDef | None) -> Iterator[Statement]:
        for child in ast.iter_child_nodes(node):
            named, inside = where, cls
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                named = f"{where}.{child.name}"
                inside = child if isinstance(child, ast.ClassDef) else cls
            elif isinstance(child, ast.Assign) and node is self.tree:
                named = f"{where}.{ast.unparse(child.targets[0])}"
            elif isinstance(child, ast.AnnAssign) and node is self.tree:
                named = f"{where}.{ast.unparse(child.target)}"
            if isinstance(child, ast.Call) and ast.unparse(child.func).split(".")[-1] == "text":
                yield Statement(where, self.text(child.args[0], cls))
            yield from self._within(child, named, inside)


@cache
def load(name: str) -> Module | None:
    """The module called `name`; None when it is none of ours."""
    path = ROOT / Path(*name.split("."))
    file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    return Module(name, ast.parse(file.read_text())) if file.exists() else None


def modules(folder: str) -> Iterator[Module]:
    """All modules of a folder."""
    for file in sorted((ROOT / folder).rglob("*.py")):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        found = load(name.removesuffix(".__init__"))
        assert found is not None
        yield found
