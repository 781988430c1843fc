"""The table: Markdown, so that it reads the same on the screen, in a file and in a report."""

import os
import platform
import statistics
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figures, Name

_HEAD = ("figure", "unit", "median", "rounds", "aim", "")


def rendered(figures: Figures, facts: Mapping[str, str]) -> str:
    """What was measured on what, and the figures, those with an aim first."""
    aims_first = sorted(figures.values.items(), key=lambda item: item[0].aim is None)
    rows = [_row(name, values) for name, values in aims_first]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    lines = [_line(_HEAD, widths), _line(["-" * width for width in widths], widths)]
    lines += [_line(row, widths) for row in rows]
    about = [f"- {what}: {fact}" for what, fact in facts.items()]
    return "\n".join(["# Mooring's figures", "", *about, "", *lines, ""])


def machine() -> dict[str, str]:
    """What the figures were measured with; neither host nor path."""
    load = f"{os.getloadavg()[0]:.1f} when it began" if hasattr(os, "getloadavg") else "unknown"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "cores": str(os.cpu_count()),
        "load": load,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def commit() -> str:
    """The short commit; with `-changed` when tracked files differ from it."""
    head = _git("rev-parse", "--short", "HEAD")
    return f"{head}-changed" if _git("status", "--porcelain", "-uno") else head


def write(folder: Path, text: str) -> Path:
    """Keep a table under its date and commit."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{datetime.now(UTC):%Y-%m-%d}-{commit()}.md"
    file.write_text(text)
    return file


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _row(name: Name, values: list[float]) -> tuple[str, ...]:
    median = statistics.median(values)
    spread = f"{_number(min(values))} to {_number(max(values))}"
    aim = "" if name.aim is None else f"≤ {name.aim:g}"
    met = "" if name.aim is None else "met" if median <= name.aim else "MISSED"
    return name.what, name.unit, _number(median), spread, aim, met


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _line(cells: tuple[str, ...] | list[str], widths: list[int]) -> str:
    padded = (
        cell.rjust(width) if 2 <= place <= 4 else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"| {' | '.join(padded)} |"
