"""The page of settings: who reads what is found in the source, whatever it is called there."""

from pathlib import Path

import pytest

from app.settings import Settings
from tools.reference import settings

ROOT = Path(__file__).parents[4]


def row(page: str, name: str) -> list[str]:
    """The cells of a setting."""
    line = next(line for line in page.splitlines() if line.startswith(f"| `{name}` "))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


@pytest.fixture(scope="module")
def page() -> str:
    return settings.page(ROOT)


def test_every_setting_has_a_row(page: str) -> None:
    assert [f"MOORING_{name.upper()}" for name in Settings.model_fields] == [
        line.split("`")[1] for line in page.splitlines() if line.startswith("| `MOORING_")
    ]


def test_a_row_has_unit_default_and_readers(page: str) -> None:
    assert row(page, "MOORING_LEASE")[2:] == ["seconds, above 0", "`30`", "reconciler"]
    assert row(page, "MOORING_PORT")[2:] == ["whole number, 0 to 65535", "`8000`", "API, dev"]
    assert row(page, "MOORING_LOG_FORMAT")[2:4] == ["`json` or `console`", "`json`"]


def test_a_setting_read_by_a_method_or_under_another_name_is_read(page: str) -> None:
    assert row(page, "MOORING_LISTEN_URL")[-1] == "API, reconciler"
    assert row(page, "MOORING_SANDBOX_IMAGE")[-1] == "API"


def test_a_setting_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "app" / "settings.py"
    source.parent.mkdir()
    source.write_text((ROOT / "app" / "settings.py").read_text())

    with pytest.raises(SystemExit, match="nobody reads the setting database_url"):
        settings.page(tmp_path)
