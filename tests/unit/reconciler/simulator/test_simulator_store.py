"""The store and its journal: indexes that agree with what is there, and a file that survives."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.simulator import journal as journal_module
from reconciler.simulator.journal import Loaded, UnreadableError, read
from reconciler.simulator.kinds import CONFIG_MAP
from reconciler.simulator.schema import Json
from reconciler.simulator.store import BEGIN, Store, opened

names = st.sampled_from(["a", "b", "c"])
steps = st.lists(
    st.tuples(names, st.one_of(st.none(), st.dictionaries(st.sampled_from("xy"), names))),
    max_size=20,
)


def body(name: str, **meta: Any) -> Json:
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "n", "uid": f"uid-{name}", **meta},
    }


def put(store: Store, name: str, **meta: Any) -> None:
    store.put(CONFIG_MAP, "n", name, body(name, **meta))


@given(steps)
def test_the_indexes_agree_with_the_objects(found: list[tuple[str, dict[str, str] | None]]) -> None:
    store = Store(Loaded())
    wanted: dict[str, dict[str, str]] = {}

    for name, labels in found:
        known = store.get(CONFIG_MAP, "n", name)
        if labels is not None:
            put(store, name, labels=labels)
            wanted[name] = labels
        elif known is not None:
            store.drop(known)
            del wanted[name]

    table = store.tables[CONFIG_MAP]
    assert [stored.name for stored in table.select("n")] == sorted(wanted)
    for key in "xy":
        for value in "abc":
            having = sorted(name for name, labels in wanted.items() if labels.get(key) == value)
            assert [item.name for item in table.select("n", (key, value))] == having
            assert [item.name for item in table.select("", (key, value))] == having
    assert table.select("other") == []


def test_dependents_follow_the_owner_references() -> None:
    store = Store(Loaded())
    put(store, "owner")

    put(store, "owned", ownerReferences=[{"uid": "uid-owner"}])
    before = [stored.name for stored in store.dependents("uid-owner")]
    put(store, "owned")

    assert before == ["owned"]
    assert store.dependents("uid-owner") == []


def test_a_state_file_is_read_back_as_it_was(tmp_path: Path) -> None:
    store, token = opened(tmp_path / "state", "secret")
    put(store, "a", labels={"x": "1"})
    put(store, "b")
    gone = store.get(CONFIG_MAP, "n", "b")
    assert gone is not None
    store.drop(gone)
    store.close()

    again, kept = opened(tmp_path / "state", "other")

    assert (token, kept) == ("secret", "secret")
    assert again.version == store.version == BEGIN + 3
    assert [item.body for item in again.tables[CONFIG_MAP].select("n")] == [
        item.body for item in store.tables[CONFIG_MAP].select("n")
    ]


@settings(deadline=None)
@given(st.data())
def test_a_file_cut_anywhere_is_a_state_that_once_was(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("cut") / "state"
    store, _ = opened(path, "secret")
    start = path.stat().st_size
    for name in ("a", "b", "c"):
        put(store, name)
    store.close()
    whole = path.read_bytes()

    path.write_bytes(whole[: data.draw(st.integers(start, len(whole)))])
    again, token = opened(path, "other")

    found = [stored.name for stored in again.tables[CONFIG_MAP].select("n")]
    assert token == "secret"
    assert found == ["a", "b", "c"][: len(found)]
    assert again.version == BEGIN + len(found)
    again.close()


def test_a_file_of_dead_lines_is_rewritten_and_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "REWRITE_BYTES", 1000)
    path = tmp_path / "state"
    store, _ = opened(path, "secret")

    for number in range(200):
        put(store, "a", annotations={"n": str(number)})
    store.close()

    assert path.stat().st_size < 10_000
    loaded = read(path)
    assert loaded.version == BEGIN + 200
    (stored,) = loaded.objects.values()
    assert stored.body["metadata"]["annotations"] == {"n": "199"}


def test_a_damaged_file_is_refused_by_name_and_line(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("KEY secret 0\nnonsense\n")

    with pytest.raises(UnreadableError) as refused:
        read(path)

    assert f"{path}, line 2" in str(refused.value)
    assert "move the file away" in str(refused.value)
