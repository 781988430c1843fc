"""Every link of the documentation leads somewhere in it, to the heading that it names."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tools.reference.markdown import anchor

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = (unquote(link) for link in _LINK.findall(prose(page)) if "://" not in link)

    broken = [target for target in targets if not leads(page, target)]

    assert broken == []


def test_no_page_has_two_headings_of_one_anchor() -> None:
    twice = {
        f"{page.name}#{found}"
        for page in (ROOT / "docs" / "reference").glob("*.md")
        for found in anchors(page)
        if anchors(page).count(found) > 1
    }

    assert twice == set()


def leads(page: Path, target: str) -> bool:
    """Whether the target is a file of ours, and has the heading if one is named."""
    path, _, heading = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    return file.exists() and (not heading or heading in anchors(file))


def anchors(page: Path) -> list[str]:
    """The anchors of a page, in order."""
    return [anchor(heading) for heading in _HEADING.findall(prose(page))]


def prose(page: Path) -> str:
    """The text without what is fenced."""
    return _FENCE.sub("", page.read_text())
