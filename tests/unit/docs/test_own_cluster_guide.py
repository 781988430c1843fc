"""The Role in the guide is what Mooring needs in a user's cluster."""

from pathlib import Path

import yaml

from app.settings import Settings
from reconciler.manifests.permissions import missing, needed

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "own-cluster.md"


def rules() -> list[dict[str, list[str]]]:
    block = GUIDE.read_text().partition("```yaml\n")[2].partition("```")[0]
    found: list[dict[str, list[str]]] = yaml.safe_load(block)["rules"]
    return found


def test_the_role_of_the_guide_allows_all_that_passes_do() -> None:
    assert missing(needed(Settings()), rules()) == []


def test_each_of_its_rules_is_needed() -> None:
    for number in range(len(rules())):
        others = [rule for place, rule in enumerate(rules()) if place != number]

        assert missing(needed(Settings()), others)
