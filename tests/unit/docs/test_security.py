"""What docs/security*.md names as the test that shows something is there to be run."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
PAGES = sorted((TESTS.parent / "docs").glob("security*.md"))

# `unit/app/test_logs.py::test_x`; in a row about one file the others are `::test_y`.
_NAMED = re.compile(r"`([\w/]+\.py)?::(test_\w+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_exists(page: Path) -> None:
    file, missing = "", []
    for path, name in _NAMED.findall(page.read_text()):
        file = path or file
        if name not in names_in(TESTS / file):
            missing.append(f"{file}::{name}")

    assert missing == []


def test_every_line_of_the_table_names_a_test() -> None:
    [page] = [page for page in PAGES if page.name == "security.md"]
    rows = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    bare = [row for row in rows if not _NAMED.search(row) and "---" not in row]

    assert all(row.startswith("| attacker |") for row in bare), bare
    assert len(rows) > 30


@cache
def names_in(file: Path) -> frozenset[str]:
    """The names of the tests of a file; none when there is no such file."""
    if not file.is_file():
        return frozenset()
    parsed = ast.parse(file.read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in parsed.body if isinstance(node, functions))
