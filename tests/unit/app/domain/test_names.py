"""Names: what is the same without regard to case."""

import pytest

from app.domain.names import folded


@pytest.mark.parametrize(
    ("one", "other"),
    [("Shop", "sHOP"), ("STRASSE", "Straße"), ("ΟΔΟΣ", "οδος"), ("Ж", "ж"), ("Ä", "a\u0308")],
)
def test_case_and_composition_make_no_difference(one: str, other: str) -> None:
    assert folded(one) == folded(other)
