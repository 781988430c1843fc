"""Identifiers and cursors: what is given out comes back, and nothing else is accepted."""

import time
from itertools import pairwise
from uuid import RFC_4122, UUID

import pytest
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


def test_keys_are_uuids_of_version_7_of_now() -> None:
    before = time.time_ns() // 1_000_000
    made = ids.new_id()

    assert made.version == 7
    assert made.variant == RFC_4122
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000 + 1


def test_keys_are_in_order_of_creation_within_a_millisecond_too() -> None:
    made = [ids.new_id() for _ in range(10_000)]

    assert all(earlier < later for earlier, later in pairwise(made))


def test_keys_stay_in_order_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids.new_id()

    monkeypatch.setattr(time, "time_ns", lambda: 0)
    after = [ids.new_id(), ids.new_id()]

    assert before < after[0] < after[1]


@given(NUMBERS, st.dictionaries(NUMBERS, NUMBERS, max_size=20))
def test_a_cursor_comes_back(epoch: int, seqs: dict[int, int]) -> None:
    cursor = StreamCursor(epoch, seqs)

    assert cursors.decode(cursors.encode(cursor)) == cursor


@given(st.text() | st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"))
def test_no_other_text_is_a_cursor(text: str) -> None:
    found = cursors.decode(text)

    assert found is None or cursors.encode(found) == text
