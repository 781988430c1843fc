"""Merge patch and JSON patch by their RFCs' rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.patches import json_patched, merged
from reconciler.simulator.status import Refusal

documents: Any = st.recursive(
    st.integers() | st.text(max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(documents, documents)
def test_a_merge_patch_twice_is_as_once(value: Any, patch: Any) -> None:
    once = merged(value, patch)

    assert merged(once, patch) == once


@pytest.mark.parametrize(
    ("value", "patch", "result"),
    [
        ({"a": "b"}, {"a": None}, {}),
        ({"a": {"b": "c"}}, {"a": {"d": "e"}}, {"a": {"b": "c", "d": "e"}}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ({"a": 1}, {"b": {"c": None}}, {"a": 1, "b": {}}),
    ],
)
def test_merge_patch(value: Any, patch: Any, result: Any) -> None:
    assert merged(value, patch) == result


def test_json_patch_operations() -> None:
    body = {"a": {"b": [1, 2]}, "c~/d": 1}
    operations = [
        {"op": "test", "path": "/a/b/0", "value": 1},
        {"op": "add", "path": "/a/b/1", "value": 9},
        {"op": "add", "path": "/a/b/-", "value": 3},
        {"op": "replace", "path": "/c~0~1d", "value": 2},
        {"op": "copy", "from": "/a/b/0", "path": "/e"},
        {"op": "move", "from": "/e", "path": "/f"},
        {"op": "remove", "path": "/a/b/0"},
    ]

    assert json_patched(body, operations) == {"a": {"b": [9, 2, 3]}, "c~/d": 2, "f": 1}
    assert body == {"a": {"b": [1, 2]}, "c~/d": 1}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "remove", "path": "/b"},
        {"op": "replace", "path": "/b", "value": 1},
        {"op": "bogus", "path": "/a", "from": "/a"},
        {"op": "add", "path": "/a/b", "value": 1},
    ],
)
def test_an_operation_that_does_not_fit_is_422(operation: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        json_patched({"a": 1}, [operation])

    assert refused.value.code == 422
