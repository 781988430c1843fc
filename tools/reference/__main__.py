"""Write docs/reference from the code; with `--check` only say where the two differ.

    .venv/bin/python -m tools.reference [--check]

What the code says already (the schema's descriptions, settings, codes, rules, reasons) is rendered,
so that no page can say something else; `make static` runs the check. Everything is in the order of
its source, so that the same code gives the same bytes.
"""
# ruff: noqa: T201 - a command that prints

import sys
from pathlib import Path

from tools.reference import actions, errors, operations, reasons, scopes, settings, statuses, types
from tools.reference.schema import load

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "reference"
NOTE = "<!-- Written by `make reference` from the code: change that, not this. -->\n\n"


def pages() -> dict[str, str]:
    """Every page by its file name."""
    schema = load(ROOT / "schema.graphql")
    return {
        "actions.md": actions.page(),
        "errors.md": errors.page(schema),
        "operations.md": operations.page(schema),
        "reasons.md": reasons.page(),
        "scopes.md": scopes.page(),
        "settings.md": settings.page(ROOT),
        "statuses.md": statuses.page(schema),
        "types.md": types.page(schema),
    }


def main() -> int:
    """0 when the files are written, or are what the code says."""
    wanted = {name: NOTE + text for name, text in pages().items()}
    stray = sorted({file.name for file in FOLDER.glob("*.md")} - wanted.keys())
    if "--check" not in sys.argv[1:]:
        FOLDER.mkdir(exist_ok=True)
        for name in stray:
            (FOLDER / name).unlink()
        for name, text in wanted.items():
            (FOLDER / name).write_text(text)
        return 0
    found = {name: (FOLDER / name).read_text() for name in wanted if (FOLDER / name).exists()}
    wrong = stray + [name for name, text in wanted.items() if found.get(name) != text]
    for name in wrong:
        print(f"docs/reference/{name} is not what the code says: run `make reference`, commit it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
