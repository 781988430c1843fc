"""One request at a time: discovery, authentication, create, read, replace, patch, refuse."""

import pytest
from kubernetes_asyncio.client import ApiClient

from tests.integration.reconciler.simulator.conftest import (
    MERGE_PATCH,
    SETS,
    Cluster,
    config_map,
    configuration_of,
    stateful_set,
)
from tests.simulator import RunningSimulator

MAPS = "/api/v1/namespaces/{ns}/configmaps"
SECRETS = "/api/v1/namespaces/{ns}/secrets"
SERVICES = "/api/v1/namespaces/{ns}/services"


async def test_discovery_names_groups_kinds_and_verbs(cluster: Cluster) -> None:
    groups = await cluster.call("GET", "/apis")
    apps = await cluster.call("GET", "/apis/apps/v1")

    assert "gateway.networking.k8s.io" in [group["name"] for group in groups.body["groups"]]
    entry = next(item for item in apps.body["resources"] if item["name"] == "statefulsets")
    assert entry["kind"] == "StatefulSet"
    assert entry["namespaced"] is True
    assert {"get", "list", "watch", "create", "patch", "delete"} <= set(entry["verbs"])


async def test_a_group_that_is_not_served_is_a_plain_text_404(cluster: Cluster) -> None:
    answer = await cluster.call("GET", "/apis/example.com/v1/namespaces/{ns}/things")

    assert answer.code == 404
    assert answer.body == "404 page not found\n"
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_an_unknown_kind_of_a_known_group_is_a_status(cluster: Cluster) -> None:
    answer = await cluster.call("GET", "/apis/apps/v1/namespaces/{ns}/daemons")

    assert answer.code == 404
    assert answer.body["message"] == "the server could not find the requested resource"


async def test_an_unknown_kind_or_version_of_a_crds_group_is_plain_text(cluster: Cluster) -> None:
    answers = [
        await cluster.call("GET", "/apis/apps.kubeblocks.io/v1/namespaces/{ns}/things"),
        await cluster.call("GET", "/apis/apps.kubeblocks.io/v9/namespaces/{ns}/clusters"),
        await cluster.call("GET", "/apis/gateway.networking.k8s.io/v1/namespaces/{ns}/things"),
    ]

    assert {(one.code, one.body) for one in answers} == {(404, "404 page not found\n")}


async def test_a_wrong_token_is_401_and_none_is_403(simulator: RunningSimulator) -> None:
    async with ApiClient(configuration_of(simulator)) as client:
        anonymous = Cluster(client, "mooring")
        nothing = await anonymous.call("GET", MAPS)
        public = await anonymous.call("GET", "/readyz")
        client.set_default_header("Authorization", "Bearer wrong")
        wrong = await anonymous.call("GET", MAPS)

    assert (nothing.code, nothing.body["reason"]) == (403, "Forbidden")
    assert (public.code, public.body) == (200, "ok")
    assert (wrong.code, wrong.body["reason"]) == (401, "Unauthorized")


async def test_the_user_may_do_everything(cluster: Cluster) -> None:
    spec = {"resourceAttributes": {"namespace": "x", "verb": "get", "resource": "pods"}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

    answer = await cluster.call("POST", path, {"spec": spec})

    assert (answer.code, answer.body["status"]) == (201, {"allowed": True})


async def test_the_user_is_told_who_he_is_and_which_rules_are_his(cluster: Cluster) -> None:
    who = await cluster.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    rules = await cluster.call("POST", path, {"spec": {"namespace": "x"}})
    nowhere = await cluster.call("POST", path, {"spec": {}})
    read = await cluster.call("GET", path)

    assert (who.code, who.body["kind"]) == (201, "SelfSubjectReview")
    assert who.body["status"]["userInfo"]["username"] == "mooring-simulator"
    assert "system:authenticated" in who.body["status"]["userInfo"]["groups"]
    assert (rules.code, rules.body["spec"]) == (201, {})
    assert rules.body["status"]["resourceRules"] == [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    ]
    assert (nowhere.code, nowhere.body["message"]) == (400, "no namespace on request")
    assert read.code == 405


async def test_a_name_is_given_once(cluster: Cluster) -> None:
    first = await cluster.call("POST", MAPS, config_map("a", data={"k": "1"}))
    again = await cluster.call("POST", MAPS, config_map("a"))

    assert first.code == 201
    assert again.code == 409
    assert again.body["reason"] == "AlreadyExists"
    assert again.body["details"] == {"name": "a", "kind": "configmaps"}


async def test_generate_name_makes_a_new_name_each_time(cluster: Cluster) -> None:
    body = {"metadata": {"generateName": "g-"}}

    answers = [await cluster.call("POST", MAPS, body) for _ in range(2)]

    names = [answer.body["metadata"]["name"] for answer in answers]
    assert all(name.startswith("g-") and len(name) == 7 for name in names)
    assert names[0] != names[1]


async def test_a_dry_run_is_answered_and_not_stored(cluster: Cluster) -> None:
    answer = await cluster.call("POST", MAPS, config_map("dry"), dryRun="All")
    found = await cluster.call("GET", f"{MAPS}/dry")

    assert answer.code == 201
    assert "resourceVersion" not in answer.body["metadata"]
    assert found.code == 404


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ({"metadata": {"name": "Bad_Name"}}, 422, "a lowercase RFC 1123 subdomain"),
        ({"metadata": {"name": "l", "labels": {"a": "b c"}}}, 422, "a valid label must be"),
        ({"metadata": {"name": "f", "finalizers": ["x"]}}, 422, "fully qualified"),
        ({"metadata": {}}, 422, "name or generateName is required"),
        ({"metadata": {"name": "n", "namespace": "other"}}, 400, "does not match the namespace"),
        ({"metadata": {"name": "d"}, "data": {"k": 1}}, 400, "cannot unmarshal number"),
    ],
)
async def test_what_is_no_object_is_refused(
    cluster: Cluster, body: dict[str, object], code: int, text: str
) -> None:
    answer = await cluster.call("POST", MAPS, body)

    assert answer.code == code
    assert text in answer.body["message"]


async def test_an_unknown_field_is_dropped_with_a_warning(cluster: Cluster) -> None:
    answer = await cluster.call("POST", MAPS, config_map("w", dta={"k": "1"}))

    assert answer.code == 201
    assert "dta" not in answer.body
    assert answer.headers["Warning"] == '299 - "unknown field \\"dta\\""'


async def test_a_replace_of_an_older_version_is_a_conflict(cluster: Cluster) -> None:
    made = await cluster.call("POST", MAPS, config_map("a", data={"k": "1"}))
    body = {**made.body, "data": {"k": "2"}}

    first = await cluster.call("PUT", f"{MAPS}/a", body)
    second = await cluster.call("PUT", f"{MAPS}/a", {**body, "data": {"k": "3"}})

    assert first.code == 200
    assert int(first.version) > int(made.version)
    assert (second.code, second.body["reason"]) == (409, "Conflict")


async def test_a_merge_patch_adds_and_removes(cluster: Cluster) -> None:
    await cluster.call("POST", MAPS, config_map("a", data={"k": "1", "l": "2"}))

    patch = {"data": {"k": None, "m": "3"}}
    answer = await cluster.call("PATCH", f"{MAPS}/a", patch, MERGE_PATCH)

    assert answer.body["data"] == {"l": "2", "m": "3"}


async def test_a_missing_namespace_is_named(cluster: Cluster) -> None:
    path = "/api/v1/namespaces/not-there/configmaps"

    answer = await cluster.apply(path, config_map("a"))

    assert answer.code == 404
    assert answer.body["details"] == {"name": "not-there", "kind": "namespaces"}


async def test_status_is_written_apart_and_raises_no_generation(cluster: Cluster) -> None:
    made = await cluster.apply(SETS, stateful_set(replicas=0))
    await cluster.until(f"{SETS}/box", lambda answer: "observedGeneration" in answer.body["status"])

    patch = {"spec": {"replicas": 3}, "status": {"conditions": [{"type": "T", "status": "True"}]}}
    answer = await cluster.call("PATCH", f"{SETS}/box/status", patch, MERGE_PATCH)

    assert answer.body["metadata"]["generation"] == made.body["metadata"]["generation"]
    assert answer.body["spec"]["replicas"] == 0
    assert answer.body["status"]["conditions"][0]["type"] == "T"


async def test_generation_counts_changes_of_spec_alone(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set(replicas=0))

    annotated = {"metadata": {"annotations": {"a": "b"}}}
    same = await cluster.call("PATCH", f"{SETS}/box", annotated, MERGE_PATCH)
    scaled = await cluster.call("PATCH", f"{SETS}/box", {"spec": {"replicas": 1}}, MERGE_PATCH)

    assert same.body["metadata"]["generation"] == 1
    assert scaled.body["metadata"]["generation"] == 2


async def test_most_of_a_stateful_sets_spec_is_immutable(cluster: Cluster) -> None:
    await cluster.apply(SETS, stateful_set())

    answer = await cluster.apply(SETS, stateful_set(serviceName="other"))

    assert answer.code == 422
    assert "fields other than 'replicas', 'ordinals', 'template'" in answer.body["message"]


async def test_a_service_gets_an_address_and_keeps_it(cluster: Cluster) -> None:
    body = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}

    made = await cluster.call("POST", SERVICES, body)
    patch = {"spec": {"ports": [{"port": 81}]}}
    changed = await cluster.call("PATCH", f"{SERVICES}/web", patch, MERGE_PATCH)

    assert made.body["spec"]["type"] == "ClusterIP"
    assert made.body["spec"]["clusterIP"].startswith("10.96.")
    assert changed.body["spec"]["clusterIP"] == made.body["spec"]["clusterIP"]


async def test_a_service_name_is_a_dns_label(cluster: Cluster) -> None:
    body = {"metadata": {"name": "x" * 64}, "spec": {"ports": [{"port": 80}]}}

    answer = await cluster.call("POST", SERVICES, body)

    assert answer.code == 422
    assert "must be no more than 63 characters" in answer.body["message"]


async def test_a_secrets_plain_text_is_stored_encoded(cluster: Cluster) -> None:
    body = {"metadata": {"name": "s"}, "stringData": {"k": "x"}}

    answer = await cluster.call("POST", SECRETS, body)

    assert answer.body["data"] == {"k": "eA=="}
    assert answer.body["type"] == "Opaque"
    assert "stringData" not in answer.body


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/v1/namespaces/{ns}/persistentvolumeclaims", {"spec": {}}, "spec.accessModes"),
        ("/apis/apps/v1/namespaces/{ns}/statefulsets", {}, "spec.selector"),
        ("/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses", {}, "spec"),
        ("/api/v1/namespaces/{ns}/pods", {"spec": {}}, "spec.containers"),
        ("/api/v1/namespaces/{ns}/services", {"spec": {}}, "spec.ports"),
    ],
)
async def test_an_object_without_its_content_is_invalid_by_field(
    cluster: Cluster, path: str, body: dict[str, object], field: str
) -> None:
    answer = await cluster.call("POST", path, {"metadata": {"name": "empty"}, **body})

    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert field in [cause["field"] for cause in answer.body["details"]["causes"]]


async def test_a_patch_whose_result_is_no_object_is_422(cluster: Cluster) -> None:
    await cluster.call("POST", MAPS, config_map("a"))

    answer = await cluster.call("PATCH", f"{MAPS}/a", {"data": {"k": 5}}, MERGE_PATCH)

    assert (answer.code, answer.body["details"]["causes"][0]["field"]) == (422, "patch")


async def test_some_namespaces_stay(cluster: Cluster) -> None:
    answer = await cluster.call("DELETE", "/api/v1/namespaces/default")

    assert (answer.code, answer.body["reason"]) == (403, "Forbidden")
