"""Strategic merge patches, as kubectl makes them."""

from typing import Any

import pytest

from reconciler.simulator.schema import of
from reconciler.simulator.strategic import merged

Json = dict[str, Any]
LIVE: Json = {
    "metadata": {"name": "box", "finalizers": ["a/b"], "labels": {"a": "1", "b": "2"}},
    "spec": {
        "containers": [
            {"name": "one", "image": "one:1", "args": ["x", "y"], "env": [{"name": "A"}]},
            {"name": "two", "image": "two:1"},
        ],
        "volumes": [{"name": "home", "emptyDir": {"medium": "Memory"}}],
    },
}


def containers(patch: list[Json]) -> list[Json]:
    found: list[Json] = merged(of("Pod"), LIVE, {"spec": {"containers": patch}})["spec"][
        "containers"
    ]
    return found


def test_a_list_with_a_key_is_merged_by_it_and_another_is_replaced() -> None:
    one, two, three = containers(
        [{"name": "one", "args": ["z"], "env": [{"name": "B"}]}, {"name": "three", "image": "3"}]
    )

    assert one == {
        "name": "one",
        "image": "one:1",
        "args": ["z"],
        "env": [{"name": "A"}, {"name": "B"}],
    }
    assert two == LIVE["spec"]["containers"][1]
    assert three == {"name": "three", "image": "3"}


def test_maps_are_merged_null_removes_and_sets_are_united() -> None:
    patch = {"metadata": {"labels": {"a": None, "c": "3"}, "finalizers": ["c/d", "a/b"]}}

    meta = merged(of("Pod"), LIVE, patch)["metadata"]

    assert meta == {"name": "box", "finalizers": ["a/b", "c/d"], "labels": {"b": "2", "c": "3"}}


@pytest.mark.parametrize(
    ("patch", "names"),
    [
        ([{"name": "one", "$patch": "delete"}], ["two"]),
        ([{"$patch": "replace"}, {"name": "three"}], ["three"]),
        ([], ["one", "two"]),
    ],
)
def test_directives_of_a_list_delete_and_replace(patch: list[Json], names: list[str]) -> None:
    assert [one["name"] for one in containers(patch)] == names


def test_directives_of_a_map_replace_retain_and_delete_from_a_set() -> None:
    patch = {
        "metadata": {
            "$deleteFromPrimitiveList/finalizers": ["a/b"],
            "labels": {"$patch": "replace", "z": "9"},
            "$setElementOrder/finalizers": [],
        },
        "spec": {"volumes": [{"name": "home", "$retainKeys": ["name", "secret"], "secret": {}}]},
    }

    found = merged(of("Pod"), LIVE, patch)

    assert found["metadata"]["finalizers"] == []
    assert found["metadata"]["labels"] == {"z": "9"}
    assert found["spec"]["volumes"] == [{"name": "home", "secret": {}}]


def test_what_is_live_stays_as_it_is() -> None:
    before = repr(LIVE)

    merged(of("Pod"), LIVE, {"metadata": {"labels": {"a": "9"}}, "spec": {"containers": []}})

    assert repr(LIVE) == before


def test_a_list_without_its_key_and_an_unknown_directive_are_refused() -> None:
    with pytest.raises(KeyError):
        containers([{"image": "x"}])
    with pytest.raises(ValueError, match="unknown patch directive"):
        merged(of("Pod"), LIVE, {"metadata": {"$patch": "shuffle"}})
