"""The page of settings: what each means, and who reads it, found in the source.

A comment after an empty line in the class heads a section of the page. Who reads a setting is who
names it on an object of the settings; one that nobody reads is refused.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import to_json

from app.settings import Seconds, Settings
from tools.reference.markdown import code, listed, table

_INTRODUCTION = """\
# Settings

Environment variables, all of them with the prefix `MOORING_`; nothing else is read. A value that
breaks its rule is refused at start, by name. `mooring dev` passes them on to what it starts, and
makes keys, passwords and addresses itself where none is given.

*Read by*: the API (`mooring api`), the reconciler (`mooring reconciler`), `migrate` and `dev`.
"""

# The first folder that holds a file says which process it belongs to.
_PROCESSES = {
    "reconciler": "reconciler",
    "app/supervisor": "dev",
    "app/cli.py": "migrate",
    "app": "API",
}
_ORDER = ("API", "reconciler", "migrate", "dev")
_WORDS: dict[object, str] = {
    bool: "`true` or `false`",
    str: "text",
    Path: "path",
    SecretStr: "text, secret",
    float: "number",
    int: "whole number",
}
_NAMES = {"settings", "_settings", "Settings"}


def page(root: Path) -> str:
    """The whole page, from the sources in `root`."""
    readers = _readers(root)
    parts = [_INTRODUCTION]
    for heading, names in _sections(root / "app" / "settings.py").items():
        parts.append(f"## {heading}\n")
        rows = (_row(name, readers[name]) for name in names)
        parts.append(table(("variable", "meaning", "value", "default", "read by"), rows))
    return "\n".join(parts)


def _row(name: str, readers: set[str]) -> tuple[str, ...]:
    if not readers:
        raise SystemExit(f"nobody reads the setting {name}: take it out, or use it")
    field = Settings.model_fields[name]
    given = _default(field.default)
    who = ", ".join(process for process in _ORDER if process in readers)
    return code(f"MOORING_{name.upper()}"), str(field.description), _value(name), given, who


def _default(value: Any) -> str:
    match value:
        case None | "":
            return ""
        case SecretStr():
            return _default(value.get_secret_value())
        case str() | Path():
            return code(str(value))
        case float():
            return code(f"{value:g}")
        case _:
            return code(to_json(value).decode())


def _value(name: str) -> str:
    """What is accepted, with its unit and bounds."""
    hint = get_type_hints(Settings, include_extras=True)[name]
    if hint == Seconds:
        return "seconds, above 0"
    if get_origin(hint) is Literal:
        return listed([code(choice) for choice in get_args(hint)])
    if get_origin(hint) in (list, dict):
        return "JSON"
    kind = next(one for one in get_args(hint) or (hint,) if one is not NoneType)
    bare = getattr(kind, "__origin__", kind)  # Annotated, such as settings.File
    return _WORDS[bare] + _bounds(Settings.model_fields[name])


def _bounds(field: FieldInfo) -> str:
    bounds = {type(rule): rule for rule in field.metadata}
    match bounds.get(Ge), bounds.get(Le), bounds.get(Gt):
        case Ge(ge=least), Le(le=most), _:
            return f", {least} to {most}"
        case Ge(ge=least), _, _:
            return f", {least} or more"
        case _, _, Gt(gt=least):
            return f", above {least}"
        case _:
            return ""


def _sections(file: Path) -> dict[str, list[str]]:
    """The settings under their headings, in the order of the source."""
    found: dict[str, list[str]] = {}
    before, heading = "", ""
    for line in file.read_text().splitlines():
        if not before and line.startswith("    # "):
            heading = line.removeprefix("    # ").removesuffix(".")
        name = line.strip().partition(":")[0]
        if line.startswith(f"    {name}:") and name in Settings.model_fields:
            found.setdefault(heading, []).append(name)
        before = line
    return found


def _readers(root: Path) -> dict[str, set[str]]:
    """Per setting the processes that read it."""
    methods = _methods(root / "app" / "settings.py")
    found: dict[str, set[str]] = {name: set() for name in Settings.model_fields}
    for folder in ("app", "reconciler"):
        for file in sorted((root / folder).rglob("*.py")):
            path = file.relative_to(root).as_posix()
            process = next(who for part, who in _PROCESSES.items() if path.startswith(part))
            for attribute in _attributes(ast.parse(file.read_text())):
                for name in methods.get(attribute, {attribute}) & found.keys():
                    found[name].add(process)
    return found


def _attributes(tree: ast.AST) -> Iterator[str]:
    """What is asked of the settings, under whichever name the file has them."""
    assigned = (node for node in ast.walk(tree) if isinstance(node, ast.Assign))
    aliases = {_last(node.targets[0]) for node in assigned if _last(node.value) in _NAMES}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _last(node.value) in _NAMES | aliases:
            yield node.attr


def _last(node: ast.AST) -> str:
    """The last name of an expression: `c` of `a.b.c` and of `a.b.c()`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=called):
            return _last(called)
        case _:
            return ""


def _methods(file: Path) -> dict[str, set[str]]:
    """Per method of the settings the settings that it reads."""
    functions = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.FunctionDef)]
    return {
        function.name: {
            node.attr
            for node in ast.walk(function)
            if isinstance(node, ast.Attribute) and _last(node.value) == "self"
        }
        for function in functions
    }
