"""The golden answers: what a real API server said to each request, in one file for each family.

Whoever changes a family writes them anew (`make golden`); a difference of the simulator that is
meant stands at the request, with its reason, and must be there.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.differential.answer import parts_of
from tests.differential.request import Family, Json, Request

FOLDER = Path(__file__).parent / "golden"


def read(family: Family) -> dict[str, Json]:
    """By the request's name."""
    answers: dict[str, Json] = json.loads(_file(family).read_text())["answers"]
    return answers


def has(family: Family) -> bool:
    """Whether its answers have been recorded."""
    return _file(family).exists()


def server_of(family: Family) -> str:
    """The version of the server that gave them."""
    version: str = json.loads(_file(family).read_text())["server"]
    return version


def write(family: Family, server: str, answers: dict[str, Json]) -> None:
    """`server` is the gitVersion of /version."""
    FOLDER.mkdir(exist_ok=True)
    tree = {"server": server, "answers": answers}
    _file(family).write_text(json.dumps(tree, indent=1, ensure_ascii=False) + "\n")


def _file(family: Family) -> Path:
    return FOLDER / f"{family.name}.json"


def unlike(golden: dict[str, Json], answers: dict[str, Json]) -> dict[str, dict[str, Json]]:
    """By request and part, where two servers do not say the same."""
    found: dict[str, dict[str, Json]] = {}
    for name in dict.fromkeys([*golden, *answers]):
        here, there = parts_of(golden.get(name, {})), parts_of(answers.get(name, {}))
        parts = {
            part: {"golden": here.get(part), "answered": there.get(part)}
            for part in dict.fromkeys([*here, *there])
            if here.get(part) != there.get(part)
        }
        if parts:
            found[name] = parts
    return found


def unexpected(family: Family, answers: dict[str, Json]) -> dict[str, object]:
    """Where the simulator differs and no reason is given, and where it no longer does."""
    differences = unlike(read(family), answers)
    found: dict[str, object] = {}
    for request in family.requests:
        parts = differences.get(request.name, {})
        wrong = {part: said for part, said in parts.items() if part not in request.differs}
        mended = [part for part in request.differs if part not in parts]
        if wrong or mended:
            found[request.name] = {**wrong, **({"no longer differs": mended} if mended else {})}
    return found


def differing(families: tuple[Family, ...]) -> list[tuple[Family, Request]]:
    """The requests that the simulator answers otherwise, with reasons."""
    return [(family, one) for family in families for one in family.requests if one.differs]
