"""ResourceQuota, LimitRange and Pod Security: who is let in, in the words of the real ones.

The texts were compared with kube-apiserver and controller manager 1.36.2.
"""

from typing import Any
from uuid import uuid4

import pytest

from tests.integration.reconciler.simulator.conftest import (
    MERGE_PATCH,
    SETS,
    Answer,
    Cluster,
    Json,
    ready,
    stateful_set,
)

PODS = "/api/v1/namespaces/{ns}/pods"
CLAIMS = "/api/v1/namespaces/{ns}/persistentvolumeclaims"
QUOTAS = "/api/v1/namespaces/{ns}/resourcequotas"
RANGES = "/api/v1/namespaces/{ns}/limitranges"
EVENTS = "/api/v1/namespaces/{ns}/events"
RESOURCES = {"requests": {"cpu": "20m", "memory": "25Mi"}, "limits": {"cpu": "2", "memory": "4Gi"}}
GOOD = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
ESCALATION = (
    'allowPrivilegeEscalation != false (container "sandbox" must set'
    " securityContext.allowPrivilegeEscalation=false)"
)
UNRESTRICTED = (
    f"{ESCALATION}, unrestricted capabilities"
    ' (container "sandbox" must set securityContext.capabilities.drop=["ALL"]),'
    ' runAsNonRoot != true (pod or container "sandbox" must set securityContext.runAsNonRoot=true),'
    ' seccompProfile (pod or container "sandbox" must set securityContext.seccompProfile.type to'
    ' "RuntimeDefault" or "Localhost")'
)


def pod(name: str = "p", *, spec: Json | None = None, **container: Any) -> Json:
    whole = {"name": "sandbox", "image": "image:1", **container}
    return {"metadata": {"name": name}, "spec": {"containers": [whole], **(spec or {})}}


def quota(name: str = "q", **hard: str) -> Json:
    return {"metadata": {"name": name}, "spec": {"hard": hard}}


def of_compute(name: str = "q", **more: str) -> Json:
    return quota(name, **{"pods": "1", "requests.cpu": "30m", "limits.memory": "8Gi", **more})


async def labelled(cluster: Cluster, **labels: str) -> Cluster:
    """The cluster in a new namespace with these Pod Security labels."""
    prefix = "pod-security.kubernetes.io/"
    marked = {f"{prefix}{key.replace('_', '-')}": value for key, value in labels.items()}
    name = f"test-{uuid4().hex[:8]}"
    await cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": marked}})
    return Cluster(cluster.client, name)


def refusal(answer: Answer) -> str:
    assert (answer.code, answer.body["reason"]) == (403, "Forbidden")
    message: str = answer.body["message"]
    return message


async def used(cluster: Cluster, expected: Json, name: str = "q") -> None:
    def holds(answer: Answer) -> bool:
        return bool(answer.body["status"].get("used") == expected)

    await cluster.until(f"{QUOTAS}/{name}", holds)


# -- quota ----------------------------------------------------------------------------------------
async def test_a_quota_says_what_is_asked_used_and_allowed(cluster: Cluster) -> None:
    await cluster.call("POST", QUOTAS, of_compute())
    first = await cluster.call("POST", PODS, pod("a", resources=RESOURCES))

    second = await cluster.call("POST", PODS, pod("b", resources=RESOURCES))

    assert first.code == 201
    assert refusal(second) == (
        'pods "b" is forbidden: exceeded quota: q, requested: pods=1,requests.cpu=20m,'
        " used: pods=1,requests.cpu=20m, limited: pods=1,requests.cpu=30m"
    )
    assert second.body["details"] == {"name": "b", "kind": "pods"}


async def test_a_dry_run_is_refused_alike_and_consumes_nothing(cluster: Cluster) -> None:
    await cluster.call("POST", QUOTAS, of_compute())

    tries = [
        await cluster.call("POST", PODS, pod("a", resources=RESOURCES), dryRun="All")
        for _ in range(3)
    ]
    made = await cluster.call("POST", PODS, pod("a", resources=RESOURCES))
    refused = await cluster.call("POST", PODS, pod("b", resources=RESOURCES), dryRun="All")

    assert [one.code for one in tries] == [201, 201, 201]
    assert made.code == 201
    assert "exceeded quota: q" in refusal(refused)


async def test_what_a_quota_counts_must_be_stated(cluster: Cluster) -> None:
    await cluster.call("POST", QUOTAS, of_compute())

    refused = await cluster.call("POST", PODS, pod(resources={"limits": {"cpu": "1"}}))
    plain = await cluster.call("POST", PODS, pod())

    assert refusal(refused) == (
        'pods "p" is forbidden: failed quota: q: must specify limits.memory for: sandbox'
    )
    assert refusal(plain) == (
        'pods "p" is forbidden: failed quota: q: must specify limits.memory for: sandbox;'
        " requests.cpu for: sandbox"
    )


async def test_an_init_container_counts_where_it_needs_more(cluster: Cluster) -> None:
    await cluster.call("POST", QUOTAS, quota(**{"requests.cpu": "1"}))
    init = {"name": "i", "image": "i", "resources": {"requests": {"cpu": "2"}}}

    refused = await cluster.call(
        "POST", PODS, pod(spec={"initContainers": [init]}, resources=RESOURCES)
    )

    assert "requested: requests.cpu=2, used: requests.cpu=0" in refusal(refused)


async def test_a_quotas_status_follows_what_comes_and_goes(cluster: Cluster) -> None:
    hard = {
        "pods": "5",
        "persistentvolumeclaims": "5",
        "requests.storage": "0.5Ti",
        "services": "3",
    }
    hard |= {"count/statefulsets.apps": "2"}
    made = await cluster.call("POST", QUOTAS, quota(**hard))
    nothing = {**dict.fromkeys(hard, "0")}
    await used(cluster, nothing)

    await cluster.apply(SETS, stateful_set())
    await used(
        cluster,
        {
            **nothing,
            "pods": "1",
            "persistentvolumeclaims": "1",
            "requests.storage": "10Gi",
            "count/statefulsets.apps": "1",
        },
    )
    await cluster.call("DELETE", f"{SETS}/box")

    await used(cluster, nothing)
    assert made.body["spec"]["hard"]["requests.storage"] == "512Gi"


async def test_a_claim_grows_as_far_as_its_quota(cluster: Cluster) -> None:
    await cluster.call("POST", QUOTAS, quota(**{"requests.storage": "15Gi"}))
    await cluster.apply(SETS, stateful_set())
    await cluster.until(f"{SETS}/box", ready)

    def sized(size: str) -> Json:
        return {"spec": {"resources": {"requests": {"storage": size}}}}

    path = f"{CLAIMS}/home-box-0"
    grown = await cluster.call("PATCH", path, sized("12Gi"), MERGE_PATCH)
    refused = await cluster.call("PATCH", path, sized("16Gi"), MERGE_PATCH)

    assert grown.code == 200
    assert refusal(refused) == (
        'persistentvolumeclaims "home-box-0" is forbidden: exceeded quota: q,'
        " requested: requests.storage=4Gi, used: requests.storage=12Gi,"
        " limited: requests.storage=15Gi"
    )


@pytest.mark.parametrize(
    ("hard", "code", "said"),
    [("abc", 400, "quantities must match"), ("-1", 422, "must be greater than or equal to 0")],
)
async def test_a_quota_of_no_quantity_is_refused(
    cluster: Cluster, hard: str, code: int, said: str
) -> None:
    refused = await cluster.call("POST", QUOTAS, quota(pods=hard))

    assert refused.code == code
    assert said in refused.body["message"]


async def test_a_set_that_is_refused_its_pod_says_so_and_tries_again(cluster: Cluster) -> None:
    await cluster.call("POST", QUOTAS, quota(pods="0"))
    applied = await cluster.apply(SETS, stateful_set())
    uid = applied.body["metadata"]["uid"]

    def counted(answer: Answer) -> bool:
        return any(event["count"] >= 3 for event in answer.body["items"])

    field = f"involvedObject.uid={uid},reason=FailedCreate,type=Warning"
    events = await cluster.until(EVENTS, counted, fieldSelector=field)
    found = await cluster.until(
        f"{SETS}/box", lambda one: "observedGeneration" in one.body["status"]
    )
    more = {"spec": {"hard": {"pods": "1"}}}
    await cluster.call("PATCH", f"{QUOTAS}/q", more, MERGE_PATCH)

    (event,) = events.body["items"]
    assert event["message"] == (
        'Create Pod box-0 in StatefulSet box failed error: pods "box-0" is forbidden:'
        " exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0"
    )
    assert event["source"] == {"component": "statefulset-controller"}
    assert (found.body["status"]["replicas"], found.body["status"]["observedGeneration"]) == (0, 1)
    await cluster.until(f"{SETS}/box", ready)


async def test_a_set_that_is_refused_its_claim_says_it_of_both(cluster: Cluster) -> None:
    await cluster.call("POST", QUOTAS, quota(**{"requests.storage": "1Gi"}))
    await cluster.apply(SETS, stateful_set())

    events = await cluster.until(EVENTS, lambda one: len(one.body["items"]) >= 2)

    why = (
        'persistentvolumeclaims "home-box-0" is forbidden: exceeded quota: q,'
        " requested: requests.storage=10Gi, used: requests.storage=0,"
        " limited: requests.storage=1Gi"
    )
    assert {event["message"] for event in events.body["items"]} == {
        f"Create Claim home-box-0 for Pod box-0 in StatefulSet box failed error: {why}",
        f"Create Pod box-0 in StatefulSet box failed error: failed to create PVC home-box-0: {why}",
    }


# -- Pod Security ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "why"),
    [
        (pod(), UNRESTRICTED),
        (
            pod(securityContext=GOOD, spec={"hostNetwork": True, "hostPID": True}),
            "host namespaces (hostNetwork=true, hostPID=true)",
        ),
        (
            pod(securityContext={**GOOD, "privileged": True, "allowPrivilegeEscalation": True}),
            'privileged (container "sandbox" must not set securityContext.privileged=true), '
            + ESCALATION,
        ),
        (
            pod(securityContext={**GOOD, "runAsUser": 0, "runAsNonRoot": False}),
            'runAsNonRoot != true (container "sandbox" must not set'
            ' securityContext.runAsNonRoot=false), runAsUser=0 (container "sandbox" must not set'
            " runAsUser=0)",
        ),
        (
            pod(
                securityContext={
                    **GOOD,
                    "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN", "NET_BIND_SERVICE"]},
                }
            ),
            'unrestricted capabilities (container "sandbox" must not include "SYS_ADMIN" in'
            " securityContext.capabilities.add)",
        ),
        (
            pod(securityContext={**GOOD, "seccompProfile": {"type": "Unconfined"}}),
            'seccompProfile (container "sandbox" must not set'
            ' securityContext.seccompProfile.type to "Unconfined")',
        ),
        (
            pod(
                securityContext=GOOD,
                spec={
                    "volumes": [
                        {"name": "a", "hostPath": {"path": "/"}},
                        {"name": "b", "nfs": {"server": "s", "path": "/"}},
                    ]
                },
            ),
            'restricted volume types (volumes "a", "b" use restricted volume types'
            ' "hostPath", "nfs")',
        ),
        (
            pod(securityContext=GOOD, ports=[{"containerPort": 80, "hostPort": 8080}]),
            'hostPort (container "sandbox" uses hostPort 8080)',
        ),
    ],
)
async def test_restricted_names_everything_that_is_wrong(
    cluster: Cluster, body: Json, why: str
) -> None:
    restricted = await labelled(cluster, enforce="restricted")

    refused = await restricted.call("POST", PODS, body, dryRun="All")

    assert (
        refusal(refused)
        == f'pods "p" is forbidden: violates PodSecurity "restricted:latest": {why}'
    )


async def test_a_pod_as_restricted_wants_it_is_let_in(cluster: Cluster) -> None:
    restricted = await labelled(cluster, enforce="restricted", enforce_version="v1.36")

    own = await restricted.call("POST", PODS, pod(securityContext=GOOD))
    refused = await restricted.call("POST", PODS, pod("q"))

    assert own.code == 201
    assert "Warning" not in own.headers
    assert 'violates PodSecurity "restricted:v1.36": ' in refusal(refused)


async def test_baseline_lets_a_plain_pod_in_and_no_privileged_one(cluster: Cluster) -> None:
    baseline = await labelled(cluster, enforce="baseline")

    plain = await baseline.call("POST", PODS, pod())
    refused = await baseline.call("POST", PODS, pod("q", securityContext={"privileged": True}))

    assert plain.code == 201
    assert refusal(refused).endswith(
        'violates PodSecurity "baseline:latest": privileged'
        ' (container "sandbox" must not set securityContext.privileged=true)'
    )


async def test_a_workload_is_warned_of_and_its_pods_are_refused(cluster: Cluster) -> None:
    restricted = await labelled(cluster, enforce="restricted")

    applied = await restricted.apply(SETS, stateful_set())
    events = await restricted.until(EVENTS, lambda one: one.body["items"] != [])

    text = f'would violate PodSecurity "restricted:latest": {UNRESTRICTED}'
    quoted = text.replace('"', '\\"')
    assert applied.code == 201
    assert applied.headers["Warning"] == f'299 - "{quoted}"'
    (event,) = events.body["items"]
    assert event["reason"] == "FailedCreate"
    assert 'pods "box-0" is forbidden: violates PodSecurity "restricted:latest"' in event["message"]


async def test_a_namespace_may_warn_and_let_in(cluster: Cluster) -> None:
    warned = await labelled(cluster, warn="baseline")

    made = await warned.call("POST", PODS, pod(spec={"hostIPC": True}))

    assert made.code == 201
    assert "host namespaces (hostIPC=true)" in made.headers["Warning"]


# -- LimitRange -----------------------------------------------------------------------------------
async def test_a_limit_range_fills_in_what_is_not_stated(cluster: Cluster) -> None:
    item = {"type": "Container", "default": {"memory": "1Gi"}, "defaultRequest": {"cpu": "0.1"}}
    await cluster.call("POST", RANGES, {"metadata": {"name": "r"}, "spec": {"limits": [item]}})

    made = await cluster.call("POST", PODS, pod(resources={"limits": {"cpu": "1"}}))

    (container,) = made.body["spec"]["containers"]
    assert container["resources"] == {
        "limits": {"cpu": "1", "memory": "1Gi"},
        "requests": {"cpu": "1", "memory": "1Gi"},
    }
    assert made.body["metadata"]["annotations"] == {
        "kubernetes.io/limit-ranger": "LimitRanger plugin set: memory request for container"
        " sandbox; memory limit for container sandbox"
    }


async def test_a_limit_range_refuses_what_is_out_of_it(cluster: Cluster) -> None:
    items = [
        {"type": "Container", "min": {"cpu": "50m"}, "max": {"memory": "2Gi"}},
        {"type": "PersistentVolumeClaim", "max": {"storage": "5Gi"}},
    ]
    await cluster.call("POST", RANGES, {"metadata": {"name": "r"}, "spec": {"limits": items}})

    refused = await cluster.call("POST", PODS, pod(resources=RESOURCES))
    await cluster.apply(SETS, stateful_set())
    events = await cluster.until(EVENTS, lambda one: one.body["items"] != [])

    assert refusal(refused) == (
        'pods "p" is forbidden: [minimum cpu usage per Container is 50m, but request is 20m,'
        " maximum memory usage per Container is 2Gi, but limit is 4Gi]"
    )
    assert "maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 10Gi" in str(
        events.body
    )
