"""The part of docs/simulator.md that lists where the simulator differs; written from the list."""

from __future__ import annotations

from pathlib import Path

from tests.differential.golden import differing, server_of
from tests.differential.request import Family

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"
BEGIN, END = "<!-- differences: make golden -->", "<!-- /differences -->"


def rendered(families: tuple[Family, ...]) -> str:
    """The section's text."""
    count = sum(len(family.requests) for family in families)
    versions = " and ".join(sorted({server_of(family) for family in families}))
    by_reason: dict[str, list[str]] = {}
    for family, request in differing(families):
        for reason in dict.fromkeys(request.differs.values()):
            parts = [f"`{part}`" for part, why in request.differs.items() if why == reason]
            said = f"{request.name} ({family.name}: {', '.join(parts)})"
            by_reason.setdefault(reason, []).append(said)
    lines = [f"Of {count} requests, answered by {versions}, these are answered otherwise:", ""]
    lines += [f"- **{reason}**: {'; '.join(names)}." for reason, names in by_reason.items()]
    return "\n".join(lines)


def written(page: str, families: tuple[Family, ...]) -> str:
    """The page with the section as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{rendered(families)}\n{END}{after}"
