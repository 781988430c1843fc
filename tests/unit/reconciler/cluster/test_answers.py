"""Answers of an API server, whole and split, and everything else that JSON can say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cluster.answers import a_page, an_event, an_object, lines
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.manifests.kinds import Object

NAMES = st.sampled_from(
    ["type", "object", "metadata", "labels", "items", "name", "resourceVersion", "spec", "continue"]
)
SAID = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["ERROR", "ADDED", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)


async def chunks(parts: list[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def read(parts: list[bytes], longest: int) -> list[bytes]:
    async def all_of_them() -> list[bytes]:
        return [line async for line in lines(chunks(parts), longest)]

    return asyncio.run(all_of_them())


@given(written=st.lists(st.binary(max_size=20), max_size=6), data=st.data())
def test_lines_may_be_split_anywhere(written: list[bytes], data: st.DataObject) -> None:
    wanted = [line.replace(b"\n", b"") for line in written]
    text = b"".join(line + b"\n" for line in wanted)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    parts = [text[begin:end] for begin, end in pairwise([0, *cuts, len(text)])]

    assert read(parts, longest=20) == [line for line in wanted if line]


def test_the_rest_of_a_line_that_was_cut_off_is_none() -> None:
    assert read([b"one\ntw", b"o\nthr"], longest=20) == [b"one", b"two"]


def test_a_line_without_end_is_given_up_however_it_comes() -> None:
    with pytest.raises(ClusterError, match="too long"):
        read([b"x"] * 21, longest=20)


def test_a_list_of_metadata_says_null_where_it_is_empty() -> None:
    bare: Object = {"kind": "PartialObjectMetadataList", "metadata": {}, "items": None}

    assert a_page(bare) == ([], {})
    with pytest.raises(ClusterError):
        a_page(bare | {"kind": "SecretList"})


@given(said=SAID)
def test_whatever_is_said_is_understood_or_named(said: object) -> None:
    with suppress(ClusterError):
        found = an_event(orjson.dumps(said), most=1000)
        assert isinstance(found["type"], str)
        assert (
            found["type"] == "ERROR" or found["object"]["metadata"]["resourceVersion"] is not None
        )
    with suppress(ClusterError):
        assert is_whole(an_object(said))
    with suppress(ClusterError):
        items, meta = a_page(said)
        assert all(is_whole(item) for item in items)
        assert isinstance(meta.get("continue", ""), str)


def is_whole(said: Object) -> bool:
    """Whether there is what watch and index read."""
    meta = said["metadata"]
    none = (meta.get("labels") or {}).get("x") is None
    return none and bool(meta["name"]) and isinstance(meta["resourceVersion"], str)


def test_what_is_cut_off_is_no_event() -> None:
    with pytest.raises(ClusterError) as caught:
        an_event(b'{"type": "ADDED", "object": {"meta', most=1000)

    assert caught.value.meaning is Meaning.NONSENSE
