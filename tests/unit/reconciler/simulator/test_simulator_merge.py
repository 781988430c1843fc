"""Merging, comparing and cutting values along the schema."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.fieldset import SELF, paths
from reconciler.simulator.merge import compare, everything, field_set, merge, remove
from reconciler.simulator.schema import Json, of

SET = of("StatefulSet")
MAP = of("ConfigMap")

names = st.lists(st.sampled_from("abcde"), unique=True, max_size=5)


def variables(found: list[str], value: str = "1") -> Json:
    env = [{"name": name, "value": value} for name in found]
    container = {"name": "c", "env": env}
    return {"spec": {"template": {"spec": {"containers": [container]}}}}


def env_of(body: Json) -> list[str]:
    container: Json = body["spec"]["template"]["spec"]["containers"][0]
    return [item["name"] for item in container["env"]]


@pytest.mark.parametrize(
    ("live", "applied", "merged"),
    [
        ("ab", "b", "ab"),
        ("anz", "o", "anzo"),
        ("ab", "ba", "ba"),
        ("abc", "cxa", "bcxa"),
        ("", "ab", "ab"),
    ],
)
def test_keyed_lists_keep_the_applied_order(live: str, applied: str, merged: str) -> None:
    result = merge(SET, variables(list(live)), variables(list(applied)))

    assert "".join(env_of(result)) == merged


@given(names, names)
def test_a_merge_has_every_item_once_and_the_applied_values(
    live: list[str], new: list[str]
) -> None:
    result = merge(SET, variables(live, "old"), variables(new, "new"))

    found = result["spec"]["template"]["spec"]["containers"][0]["env"]
    assert sorted(item["name"] for item in found) == sorted({*live, *new})
    assert {item["name"] for item in found if item["value"] == "new"} == set(new)


def test_an_atomic_list_is_replaced() -> None:
    live = {"spec": {"template": {"spec": {"tolerations": [{"key": "a"}]}}}}
    new = {"spec": {"template": {"spec": {"tolerations": [{"key": "b"}]}}}}

    assert merge(SET, live, new) == new


@given(st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"), max_size=3))
def test_comparing_with_itself_finds_nothing(data: dict[str, str]) -> None:
    assert compare(MAP, {"data": data}, {"data": dict(data)}) == ({}, {})


def test_a_comparison_tells_changed_from_removed() -> None:
    changed, removed = compare(
        MAP, {"data": {"same": "1", "new": "1", "gone": "1"}}, {"data": {"same": "1", "new": "2"}}
    )

    assert list(paths(changed)) == [("f:data", "f:new")]
    assert list(paths(removed)) == [("f:data", "f:gone")]


def test_what_go_always_writes_is_not_added_with_its_content() -> None:
    added = everything(SET, {"spec": {"selector": {"matchLabels": {"a": "b"}}}}, there=True)

    assert SELF not in added["f:spec"]
    assert SELF in added["f:spec"]["f:selector"]


def test_an_empty_map_is_owned_and_an_empty_keyed_list_is_not() -> None:
    value: Any = {"metadata": {"ownerReferences": []}, "data": {}}

    assert list(paths(field_set(MAP, value))) == [("f:data",)]


def test_removing_the_last_item_removes_its_container() -> None:
    body = variables(["a"])
    tree = field_set(SET, {"spec": {"template": {"spec": {"containers": [{"name": "c"}]}}}})

    assert remove(SET, body, tree) is None
