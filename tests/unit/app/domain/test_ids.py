"""Identifiers and cursors: what is given out comes back, and nothing else is accepted."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.domain import cursors, ids
from app.domain.cursors import StreamCursor
from app.domain.ids import NodeType

NUMBERS = st.integers(min_value=0, max_value=2**62)


@given(st.sampled_from(NodeType), st.uuids(), st.none() | NUMBERS)
def test_a_global_id_comes_back(kind: NodeType, key: UUID, suffix: int | None) -> None:
    assert ids.decode(ids.encode(kind, key, suffix)) == (kind, key, suffix)


@given(st.text())
def test_no_other_text_is_a_global_id(text: str) -> None:
    found = ids.decode(text)

    assert found is None or ids.encode(*found) == text


def test_keys_are_uuids_of_version_7_in_order_of_creation() -> None:
    made = [ids.new_id() for _ in range(100)]

    assert {key.version for key in made} == {7}
    assert [key.int >> 80 for key in made] == sorted(key.int >> 80 for key in made)


@given(NUMBERS, st.dictionaries(NUMBERS, NUMBERS, max_size=20))
def test_a_cursor_comes_back(epoch: int, seqs: dict[int, int]) -> None:
    cursor = StreamCursor(epoch, seqs)

    assert cursors.decode(cursors.encode(cursor)) == cursor


@given(st.text() | st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"))
def test_no_other_text_is_a_cursor(text: str) -> None:
    found = cursors.decode(text)

    assert found is None or cursors.encode(found) == text
