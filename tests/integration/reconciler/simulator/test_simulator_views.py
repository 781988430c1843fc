"""What kubectl asks beside objects: Tables, the scale of a set, strategic patches, running pods."""

from tests.integration.reconciler.simulator.conftest import (
    MERGE_PATCH,
    SETS,
    Cluster,
    Watching,
    config_map,
    stateful_set,
)

MAPS = "/api/v1/namespaces/{ns}/configmaps"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
BARE = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1,application/json"
STRATEGIC = "application/strategic-merge-patch+json"


async def test_lists_objects_and_watches_are_tables_when_asked_for(cluster: Cluster) -> None:
    await cluster.call("POST", MAPS, config_map("a", data={"k": "1"}))
    initial = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}

    listed = await cluster.call("GET", MAPS, accept=TABLE)
    one = await cluster.call("GET", f"{MAPS}/a", accept=TABLE, includeObject="Object")
    watch = {"watch": "true", "allowWatchBookmarks": "true", **initial}
    async with Watching(await cluster.open("GET", MAPS, accept=TABLE, **watch)) as watching:
        added, mark = await watching.event(), await watching.event()

    for table in (listed.body, one.body, added["object"], mark["object"]):
        assert table["kind"] == "Table"
        assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert listed.body["rows"][0]["cells"][:2] == ["a", 1]
    assert listed.body["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert one.body["rows"][0]["object"]["data"] == {"k": "1"}
    assert added["object"]["rows"][0]["cells"][0] == "a"
    assert (mark["type"], mark["object"]["rows"]) == ("BOOKMARK", [])


async def test_lists_and_watches_are_bare_when_asked_for(cluster: Cluster) -> None:
    nothing = await cluster.call("GET", MAPS, accept=BARE.format("List"))
    await cluster.call("POST", MAPS, config_map("a", data={"k": "1"}))
    initial = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}

    listed = await cluster.call("GET", MAPS, accept=BARE.format("List"))
    watch = {"watch": "true", "allowWatchBookmarks": "true", **initial}
    asked = await cluster.open("GET", MAPS, accept=BARE.format(""), **watch)
    async with Watching(asked) as watching:
        added = await watching.event()

    [item] = listed.body["items"]
    assert nothing.body["items"] is None
    assert listed.body["kind"] == "PartialObjectMetadataList"
    for bare in (item, added["object"]):
        assert sorted(bare) == ["apiVersion", "kind", "metadata"]
        assert bare["metadata"]["name"] == "a"


async def test_an_error_is_never_a_table(cluster: Cluster) -> None:
    missing = await cluster.call("GET", f"{MAPS}/none", accept=TABLE)

    assert (missing.code, missing.body["kind"]) == (404, "Status")


async def test_a_scale_is_read_changed_and_refused_when_it_is_old(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set())
    path = f"{SETS}/box/scale"
    read = await cluster.call("GET", path)

    patched = await cluster.call("PATCH", path, {"spec": {"replicas": 3}}, MERGE_PATCH)
    old = await cluster.call("PUT", path, read.body)
    nonsense = await cluster.call("PUT", path, {"spec": {"replicas": "many"}})
    found = await cluster.call("GET", f"{SETS}/box")

    assert (read.body["kind"], read.body["spec"]) == ("Scale", {"replicas": 1})
    assert patched.body["spec"] == {"replicas": 3}
    assert [old.code, nonsense.code] == [409, 400]
    assert found.body["spec"]["replicas"] == 3


async def test_nothing_can_be_asked_of_a_running_pod(cluster: Cluster) -> None:
    answers = [
        await cluster.call("GET", f"/api/v1/namespaces/{{ns}}/pods/box-0/{what}")
        for what in ("log", "exec", "attach", "portforward")
    ]

    assert {(one.code, one.body["reason"]) for one in answers} == {(501, "NotImplemented")}
    assert all("no pod really runs" in one.body["message"] for one in answers)


async def test_a_strategic_patch_merges_a_list_by_its_key(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set())
    container = {"name": "sandbox", "image": "image:2"}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    patched = await cluster.call("PATCH", f"{SETS}/box", patch, STRATEGIC)
    container.pop("name")
    refused = await cluster.call("PATCH", f"{SETS}/box", patch, STRATEGIC)

    (found,) = patched.body["spec"]["template"]["spec"]["containers"]
    assert (found["image"], found["env"]) == ("image:2", [{"name": "A", "value": "1"}])
    assert refused.code == 500
    assert "declared merge key: name" in refused.body["message"]


async def test_a_kind_of_a_crd_takes_no_strategic_patch(cluster: Cluster) -> None:
    path = "/apis/apps.kubeblocks.io/v1/namespaces/{ns}/clusters/db"

    refused = await cluster.call("PATCH", path, {"spec": {}}, STRATEGIC)

    assert refused.code == 415
    assert "application/merge-patch+json" in refused.body["message"]
