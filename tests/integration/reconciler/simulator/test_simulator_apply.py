"""Server-side apply: who owns what, what is a conflict, what is removed, what changes nothing."""

from typing import Any

from tests.integration.reconciler.simulator.conftest import (
    MERGE_PATCH,
    SETS,
    Cluster,
    Json,
    config_map,
    stateful_set,
)

MAPS = "/api/v1/namespaces/{ns}/configmaps"


def container_of(body: Json) -> Json:
    container: Json = body["spec"]["template"]["spec"]["containers"][0]
    return container


def fields_of(body: Json, manager: str) -> Json:
    entries: list[Json] = body["metadata"].get("managedFields", [])
    found: Any = [entry for entry in entries if entry["manager"] == manager]
    fields: Json = found[0]["fieldsV1"] if found else {}
    return fields


async def test_an_apply_creates_and_owns_what_it_names(cluster: Cluster) -> None:
    answer = await cluster.apply(SETS, stateful_set(replicas=0))

    spec = fields_of(answer.body, "mooring")["f:spec"]
    container = spec["f:template"]["f:spec"]["f:containers"]['k:{"name":"sandbox"}']
    assert answer.code == 201
    assert "f:replicas" in spec
    assert "f:updateStrategy" not in spec
    assert container["f:env"] == {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}}
    assert 'k:{"containerPort":3000,"protocol":"TCP"}' in container["f:ports"]


async def test_the_same_apply_again_changes_nothing(cluster: Cluster) -> None:
    made = await cluster.apply(MAPS, config_map("a", data={"k": "1"}))

    again = await cluster.apply(MAPS, config_map("a", data={"k": "1"}))
    other = await cluster.apply(MAPS, config_map("b"))
    (event,) = await cluster.watch(MAPS, 1, resourceVersion=made.version)

    assert again.code == 200
    assert again.body == made.body
    assert event["object"] == other.body


async def test_another_spelling_of_a_quantity_changes_nothing(cluster: Cluster) -> None:
    body = stateful_set(replicas=0)
    container_of(body)["resources"] = {"limits": {"cpu": "0.5", "memory": "1024Mi"}}
    await cluster.apply(SETS, body)
    observed = await cluster.until(f"{SETS}/box", lambda one: "currentRevision" in str(one.body))

    again = await cluster.apply(SETS, body)

    limits = container_of(again.body)["resources"]["limits"]
    assert limits == {"cpu": "500m", "memory": "1Gi"}
    assert again.version == observed.version


async def test_another_managers_field_is_a_conflict_unless_forced(cluster: Cluster) -> None:
    await cluster.apply(MAPS, config_map("a", data={"k": "1"}), manager="first")

    refused = await cluster.apply(MAPS, config_map("a", data={"k": "2"}), manager="second")
    forced = await cluster.apply(
        MAPS, config_map("a", data={"k": "2"}), manager="second", force="true"
    )

    assert refused.code == 409
    assert refused.body["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "first"', "field": ".data.k"}
    ]
    assert forced.body["data"] == {"k": "2"}
    assert fields_of(forced.body, "first") == {}


async def test_a_field_no_longer_applied_goes_unless_another_owns_it(cluster: Cluster) -> None:
    await cluster.apply(MAPS, config_map("a", data={"k": "1", "l": "2", "m": "3"}), manager="one")
    await cluster.apply(MAPS, config_map("a", data={"l": "2"}), manager="two")

    answer = await cluster.apply(MAPS, config_map("a", data={"m": "3"}), manager="one")

    assert answer.body["data"] == {"l": "2", "m": "3"}


async def test_a_probe_no_longer_applied_goes_with_its_defaults(cluster: Cluster) -> None:
    body = stateful_set(replicas=0)
    container_of(body)["readinessProbe"] = {"tcpSocket": {"port": 7681}}
    made = await cluster.apply(SETS, body)
    del container_of(body)["readinessProbe"]

    answer = await cluster.apply(SETS, body)

    assert container_of(made.body)["readinessProbe"]["periodSeconds"] == 10
    assert "readinessProbe" not in container_of(answer.body)


async def test_keyed_lists_of_two_managers_are_merged(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set(replicas=0))
    other: Json = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "box"},
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {"name": "sandbox", "env": [{"name": "B", "value": "2"}]},
                        {"name": "side", "image": "side:1"},
                    ]
                }
            }
        },
    }

    merged = await cluster.apply(SETS, other, manager="other")
    mine = await cluster.apply(SETS, stateful_set(replicas=0))

    containers = merged.body["spec"]["template"]["spec"]["containers"]
    assert [item["name"] for item in containers] == ["sandbox", "side"]
    assert [item["name"] for item in containers[0]["env"]] == ["A", "B"]
    assert mine.body["spec"] == merged.body["spec"]


async def test_a_plain_update_takes_fields_and_an_apply_notices(cluster: Cluster) -> None:
    await cluster.apply(MAPS, config_map("a", data={"k": "1"}))
    await cluster.call("PATCH", f"{MAPS}/a", {"data": {"k": "9"}}, MERGE_PATCH, fieldManager="hand")

    refused = await cluster.apply(MAPS, config_map("a", data={"k": "1"}))

    assert refused.code == 409
    assert refused.body["details"]["causes"][0]["message"] == 'conflict with "hand" using v1'


async def test_an_unknown_field_is_an_error_of_the_schema(cluster: Cluster) -> None:
    body = stateful_set()
    container_of(body)["imagee"] = "x"

    answer = await cluster.apply(SETS, body)

    assert answer.code == 500
    assert answer.body["message"] == (
        "failed to create typed patch object (/box; apps/v1, Kind=StatefulSet):"
        ' .spec.template.spec.containers[name="sandbox"].imagee: field not declared in schema'
    )


async def test_an_apply_needs_a_manager(cluster: Cluster) -> None:
    path, media = f"{MAPS}/a", "application/apply-patch+yaml"

    answer = await cluster.call("PATCH", path, config_map("a"), media)

    assert answer.code == 422
    assert "fieldManager: Required value" in answer.body["message"]


async def test_an_apply_with_a_uid_never_makes_a_new_object(cluster: Cluster) -> None:
    body = config_map("a", metadata={"uid": "0d4fd1f3-2a68-4a5c-8f5b-4cb0f6d2f0aa"})

    answer = await cluster.apply(MAPS, body)
    found = await cluster.call("GET", f"{MAPS}/a")

    assert (answer.code, answer.body["reason"]) == (409, "Conflict")
    assert found.code == 404


async def test_an_apply_to_a_terminating_object_is_accepted(cluster: Cluster) -> None:
    held = {"finalizers": ["mooring.dev/held"]}
    await cluster.call("POST", MAPS, config_map("a", metadata=held))
    await cluster.call("DELETE", f"{MAPS}/a")

    answer = await cluster.apply(MAPS, config_map("a", data={"k": "1"}))

    assert answer.code == 200
    assert "deletionTimestamp" in answer.body["metadata"]


async def test_an_unknown_field_in_an_atomic_list_is_named_by_its_place(cluster: Cluster) -> None:
    path = "/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses"
    body: Json = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "i"},
        "spec": {"rules": [{"host": "a"}, {"hots": "b"}]},
    }

    answer = await cluster.apply(path, body)

    assert answer.code == 500
    assert ".spec.rules[1].hots: field not declared in schema" in answer.body["message"]
