"""Write docs/reference and the reconciler's rights from the code; `--check` only says what differs.

    .venv/bin/python -m tools.reference [--check]

What the code says already (the schema's descriptions, settings, codes, rules, reasons) is rendered,
so that no page can say something else; `make static` runs the check. Everything is in the order of
its source, so that the same code gives the same bytes.
"""
# ruff: noqa: T201 - a command that prints

import sys
from pathlib import Path

from tools.reference import (
    actions,
    errors,
    metrics,
    operations,
    reasons,
    rights,
    scopes,
    settings,
    statuses,
    types,
)
from tools.reference.schema import load

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "reference"
RIGHTS = ROOT / "deploy" / "kubernetes"
NOTE = "<!-- Written by `make reference` from the code: change that, not this. -->\n\n"


def pages() -> dict[str, str]:
    """Every page of the reference by its file name."""
    schema = load(ROOT / "schema.graphql")
    return {
        "actions.md": actions.page(),
        "errors.md": errors.page(schema),
        "metrics.md": metrics.page(),
        "operations.md": operations.page(schema),
        "reasons.md": reasons.page(),
        "scopes.md": scopes.page(),
        "settings.md": settings.page(ROOT),
        "statuses.md": statuses.page(schema),
        "types.md": types.page(schema),
    }


def main() -> int:
    """0 when the files are written, or are what the code says."""
    wanted = {FOLDER / name: NOTE + text for name, text in pages().items()}
    stray = sorted(set(FOLDER.glob("*.md")) - wanted.keys())
    wanted |= {RIGHTS / name: rights.NOTE + text for name, text in rights.files().items()}
    if "--check" not in sys.argv[1:]:
        FOLDER.mkdir(exist_ok=True)
        for file in stray:
            file.unlink()
        for file, text in wanted.items():
            file.write_text(text)
        return 0
    found = {file: file.read_text() for file in wanted if file.exists()}
    wrong = stray + [file for file, text in wanted.items() if found.get(file) != text]
    for file in wrong:
        path = file.relative_to(ROOT)
        print(f"{path} is not what the code says: run `make reference`, commit it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
