"""The published table of actions against the schema and against what the code writes."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from app.domain import actions
from app.domain.actions import ACTIONS, NAMES, OF_MUTATION
from app.graphql.schema import schema

ROOT = Path(__file__).parents[4]
SOURCES = [*(ROOT / "app").rglob("*.py"), *(ROOT / "reconciler").glob("*.py")]
ACTION = re.compile(r"[a-z_-]+\.[a-z_-]+")
# Mutations that are no action, and why.
NO_ACTION: dict[str, str] = {}


def test_every_mutation_is_one_action_or_is_excused() -> None:
    root = schema._schema.mutation_type
    assert root is not None
    asked = Counter(name for action in ACTIONS for name in action.mutations)

    # A new one: give its action a line in app.domain.actions, and note it in the verb.
    assert set(root.fields) - set(asked) == set(NO_ACTION)
    assert set(asked) <= set(root.fields)
    assert set(asked.values()) == {1}
    assert set(OF_MUTATION.values()) <= NAMES


def test_every_action_that_is_written_is_published() -> None:
    written = {name for file in SOURCES for name in written_in(file)}

    assert written - NAMES == set()
    assert {"project.create", "project.update", "project.retry"} <= written


def test_no_name_means_two_things() -> None:
    assert len(NAMES) == len(ACTIONS)


def written_in(file: Path) -> Iterator[str]:
    """The actions that the calls of `Entry` and `change` name; those made of parts are not seen
    here, but in the test that walks all mutations."""
    if file == Path(actions.__file__):
        return
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and name_of(node.func) in (
            "Entry",
            "change",
            "replace",
            "noted",
        ):
            given = [*node.args, *(k.value for k in node.keywords if k.arg == "action")]
            texts = [value.value for value in given if isinstance(value, ast.Constant)]
            yield from (text for text in texts if isinstance(text, str) and ACTION.fullmatch(text))


def name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
