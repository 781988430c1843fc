"""Pages: cursors come back exactly, those of other lists are refused, arguments are named."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import opaque, pages
from app.domain.errors import BadRequest, InvalidCursor
from app.domain.pages import Asked, Key, Place, Window

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=100)
KEYS = (
    st.datetimes(timezones=st.just(UTC)) | st.integers(min_value=-(2**63), max_value=2**63 - 1)
) | TEXT
HERE = Place(7, UUID(int=1))


@given(st.text(st.characters(exclude_categories=["Cs"])), KEYS, st.uuids())
def test_a_cursor_comes_back_to_the_microsecond(scope: str, key: Key, tie: UUID) -> None:
    place = Place(key, tie)

    assert pages.decode(pages.encode(scope, place), scope, type(key)) == place


@given(KEYS, st.uuids())
def test_a_cursor_of_another_list_is_none(key: Key, tie: UUID) -> None:
    cursor = pages.encode("one list", Place(key, tie))

    assert pages.decode(cursor, "another list", type(key)) is None


def test_the_cursor_of_the_longest_name_is_taken() -> None:
    # Three characters after folding, of two bytes each; and one of four.
    for letter in ("ΐ", "𐐀"):
        place = Place((letter * 100).casefold(), UUID(int=0))

        assert pages.decode(pages.encode("list", place), "list", str) == place


@given(st.text() | st.binary().map(opaque.encode), st.sampled_from([str, int, datetime]))
def test_no_other_text_is_a_cursor(text: str, key: type[Key]) -> None:
    assert pages.decode(text, "list", key) is None


@given(st.binary(), st.sampled_from([str, int, datetime]))
def test_whatever_stands_behind_the_right_head_is_a_place_or_nothing(
    forged: bytes, key: type[Key]
) -> None:
    head = opaque.decode(pages.encode("list", Place("", UUID(int=0))), 100)
    assert head is not None

    found = pages.decode(opaque.encode(head + forged), "list", key)

    assert found is None or isinstance(found.key, key)


@pytest.mark.parametrize(
    ("asked", "argument"),
    [
        (Asked(first=0), "first"),
        (Asked(first=-1), "first"),
        (Asked(first=101), "first"),
        (Asked(last=0), "last"),
        (Asked(last=-1), "last"),
        (Asked(last=101), "last"),
        (Asked(first=1, last=1), "last"),
    ],
)
def test_a_size_that_is_none_is_refused_by_name(asked: Asked, argument: str) -> None:
    with pytest.raises(BadRequest) as refused:
        asked.window("list", int)

    assert refused.value.facts["field"] == [argument]


@pytest.mark.parametrize("cursor", ["", "x", "\ud800", "A" * 100_000, pages.encode("other", HERE)])
def test_what_is_no_cursor_of_this_list_is_refused_by_name(cursor: str) -> None:
    for asked, argument in ((Asked(after=cursor), "after"), (Asked(before=cursor), "before")):
        with pytest.raises(InvalidCursor) as refused:
            asked.window("list", int)

        assert refused.value.facts == {"field": [argument]}


def test_at_its_limits_a_size_is_taken_and_left_out_it_is_20() -> None:
    sizes = [Asked(first=1), Asked(first=100), Asked(last=1), Asked(last=100), Asked()]

    windows = [asked.window("list", int) for asked in sizes]

    assert windows == [Window(1), Window(100), Window(1, True), Window(100, True), Window(20)]
