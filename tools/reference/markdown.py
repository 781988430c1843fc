"""Markdown as GitHub reads it: tables, code, and the anchors of headings."""

import re
from collections.abc import Iterable, Sequence


def code(text: str) -> str:
    """Text as it is typed."""
    return f"`{text}`"


def listed(items: Sequence[str], last: str = "or") -> str:
    """`a`, `a or b`, `a, b or c`."""
    *head, tail = items
    return f"{', '.join(head)} {last} {tail}" if head else tail


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, without the columns that are empty in every row."""
    cells = [[_cell(text) for text in row] for row in rows]
    kept = [i for i in range(len(headings)) if any(row[i] for row in cells)]
    lines = [[headings[i] for i in kept], ["---"] * len(kept)]
    lines += [[row[i] for i in kept] for row in cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def anchor(heading: str) -> str:
    """What follows `#` in a link to this heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
