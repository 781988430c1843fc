"""Quantities in their canonical form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.quantity import amount, canonical, plus


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("0.02", "20m"),
        ("1000m", "1"),
        ("1000", "1k"),
        ("2", "2"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("1e3", "1k"),
        ("0", "0"),
        ("4Gi", "4Gi"),
    ],
)
def test_canonical_form(text: str, form: str) -> None:
    assert canonical(text) == form


@pytest.mark.parametrize("text", ["", "x", "1 Gi", "1gi", "--1"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(.*)$"):
        canonical(text)


@pytest.mark.parametrize(
    ("first", "second", "total"),
    [
        ("0", "10Gi", "10Gi"),
        ("10Gi", "5120Mi", "15Gi"),
        ("1", "500m", "1500m"),
        ("1Gi", "1G", "2073741824"),
        ("2", "-2", "0"),
    ],
)
def test_a_sum_is_written_in_the_family_of_its_first(first: str, second: str, total: str) -> None:
    assert plus(first, second) == total


@given(
    st.integers(0, 10**6),
    st.sampled_from(["m", "", "k", "M", "G", "Ki", "Mi", "Gi"]),
)
def test_the_canonical_form_is_as_large_and_stays(number: int, suffix: str) -> None:
    text = f"{number}{suffix}"

    form = canonical(text)

    assert amount(form) == amount(text)
    assert canonical(form) == form
