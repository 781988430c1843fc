"""Lists and watches: selectors, pages, replay, bookmarks, and what has become too old."""

import asyncio
from pathlib import Path

import pytest

from tests.integration.reconciler.simulator.conftest import (
    MERGE_PATCH,
    Cluster,
    Connect,
    Json,
    Watching,
    config_map,
)
from tests.simulator import running_simulator

MAPS = "/api/v1/namespaces/{ns}/configmaps"
EVENTS = "/api/v1/namespaces/{ns}/events"


async def labelled(cluster: Cluster) -> None:
    for name, labels in (("a", {"x": "1", "y": "1"}), ("b", {"x": "2"}), ("c", {})):
        await cluster.call("POST", MAPS, config_map(name, metadata={"labels": labels}))


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("x=1", ["a"]),
        ("x==2", ["b"]),
        ("x!=1", ["b", "c"]),
        ("x in (1,2)", ["a", "b"]),
        ("x notin (1)", ["b", "c"]),
        ("x", ["a", "b"]),
        ("!x", ["c"]),
        ("x,y=1", ["a"]),
        ("x>1", ["b"]),
        ("", ["a", "b", "c"]),
    ],
)
async def test_label_selectors(cluster: Cluster, selector: str, names: list[str]) -> None:
    await labelled(cluster)

    answer = await cluster.call("GET", MAPS, labelSelector=selector)

    assert answer.names == names


@pytest.mark.parametrize("selector", ["x in (1", "x y", "=1", ",", "x=1,"])
async def test_a_malformed_selector_is_refused(cluster: Cluster, selector: str) -> None:
    answer = await cluster.call("GET", MAPS, labelSelector=selector)

    assert answer.code == 400


async def test_field_selectors(cluster: Cluster) -> None:
    await labelled(cluster)
    involved = {"kind": "Pod", "name": "p", "namespace": cluster.namespace, "uid": "u-1"}
    event: Json = {"metadata": {"name": "e"}, "involvedObject": involved, "type": "Warning"}
    await cluster.call("POST", EVENTS, event)

    named = await cluster.call("GET", MAPS, fieldSelector="metadata.name!=a")
    warned = await cluster.call("GET", EVENTS, fieldSelector="involvedObject.uid=u-1,type=Warning")
    unknown = await cluster.call("GET", MAPS, fieldSelector="data.k=1")

    assert named.names == ["b", "c"]
    assert warned.names == ["e"]
    assert unknown.code == 400


async def test_pages_show_the_moment_of_the_first(cluster: Cluster) -> None:
    await labelled(cluster)

    first = await cluster.call("GET", MAPS, limit="2")
    await cluster.call("DELETE", f"{MAPS}/c")
    await cluster.call("POST", MAPS, config_map("d"))
    token = first.body["metadata"]["continue"]
    second = await cluster.call("GET", MAPS, limit="2", **{"continue": token})

    assert (first.names, first.body["metadata"]["remainingItemCount"]) == (["a", "b"], 1)
    assert second.names == ["c"]
    assert second.version == first.version
    assert "continue" not in second.body["metadata"]


async def test_a_watch_without_version_begins_with_what_is_there(cluster: Cluster) -> None:
    await labelled(cluster)

    events = await cluster.watch(MAPS, 3)

    assert [event["type"] for event in events] == ["ADDED"] * 3
    assert [event["object"]["metadata"]["name"] for event in events] == ["a", "b", "c"]


async def test_a_watch_replays_from_a_version_and_goes_on(cluster: Cluster) -> None:
    made = await cluster.call("POST", MAPS, config_map("a"))
    await cluster.call("PATCH", f"{MAPS}/a", {"data": {"k": "1"}}, MERGE_PATCH)
    response = await cluster.open("GET", MAPS, watch="true", resourceVersion=made.version)

    async with Watching(response) as watching:
        replayed = await watching.event()
        await cluster.call("DELETE", f"{MAPS}/a")
        followed = await watching.event()

    assert (replayed["type"], replayed["object"]["data"]) == ("MODIFIED", {"k": "1"})
    assert followed["type"] == "DELETED"
    versions = [
        int(event["object"]["metadata"]["resourceVersion"]) for event in (replayed, followed)
    ]
    assert versions[0] < versions[1]


async def test_entering_and_leaving_a_selector_is_added_and_deleted(cluster: Cluster) -> None:
    made = await cluster.call("POST", MAPS, config_map("a", metadata={"labels": {"x": "1"}}))
    query = {"labelSelector": "x=1", "resourceVersion": made.version}
    response = await cluster.open("GET", MAPS, watch="true", **query)

    async with Watching(response) as watching:
        for value in ("2", "1"):
            patch = {"metadata": {"labels": {"x": value}}}
            await cluster.call("PATCH", f"{MAPS}/a", patch, MERGE_PATCH)
        events = [await watching.event() for _ in range(2)]

    assert [event["type"] for event in events] == ["DELETED", "ADDED"]
    assert [event["object"]["metadata"]["labels"]["x"] for event in events] == ["1", "1"]


async def test_a_watch_ends_in_time_with_a_bookmark(cluster: Cluster) -> None:
    made = await cluster.call("POST", MAPS, config_map("a"))
    query = {"timeoutSeconds": "1", "allowWatchBookmarks": "true", "resourceVersion": made.version}
    response = await cluster.open("GET", MAPS, watch="true", **query)

    async with asyncio.timeout(10), Watching(response) as watching:
        bookmark = await watching.event()
        rest = await response.content.read()

    assert bookmark["type"] == "BOOKMARK"
    assert int(bookmark["object"]["metadata"]["resourceVersion"]) >= int(made.version)
    assert rest == b""


async def test_a_version_that_is_forgotten_is_an_error_event(
    tmp_path: Path, connect: Connect
) -> None:
    async with running_simulator(tmp_path, "--history", "2") as simulator:
        cluster = await connect(simulator)
        made = await cluster.call("POST", MAPS, config_map("a"))
        for value in ("1", "2", "3"):
            await cluster.call("PATCH", f"{MAPS}/a", {"data": {"k": value}}, MERGE_PATCH)

        (event,) = await cluster.watch(MAPS, 1, resourceVersion=made.version)

    assert event["type"] == "ERROR"
    assert event["object"]["code"] == 410
    assert event["object"]["reason"] == "Expired"


async def test_a_page_of_a_forgotten_list_is_410_with_a_token_to_go_on(
    tmp_path: Path, connect: Connect
) -> None:
    async with running_simulator(tmp_path, "--history", "1") as simulator:
        cluster = await connect(simulator)
        await labelled(cluster)
        first = await cluster.call("GET", MAPS, limit="1")
        for value in ("1", "2"):
            await cluster.call("PATCH", f"{MAPS}/c", {"data": {"k": value}}, MERGE_PATCH)

        token = {"continue": first.body["metadata"]["continue"]}
        gone = await cluster.call("GET", MAPS, limit="1", **token)
        inconsistent = {"continue": gone.body["metadata"]["continue"]}
        rest = await cluster.call("GET", MAPS, **inconsistent)

    assert (gone.code, gone.body["reason"]) == (410, "Expired")
    assert rest.names == ["b", "c"]
