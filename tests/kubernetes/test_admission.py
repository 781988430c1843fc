"""What a namespace's quota, its Pod Security or a rule of the cluster refuses: said, and healed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from app.domain.reasons import Reason
from reconciler.manifests.kinds import POD, STATEFUL_SET, Kind
from tests.integration.reconciler.stage import explains
from tests.kubernetes.plane import NAMESPACE, Json, Place, Refused, cannot
from tests.kubernetes.stage import Project, Stage, until

QUOTA = Kind("", "v1", "ResourceQuota", "resourcequotas")
RANGE = Kind("", "v1", "LimitRange", "limitranges")
_GROUP = "admissionregistration.k8s.io"
POLICY = Kind(_GROUP, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies")
BINDING = Kind(
    _GROUP, "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"
)
CHANGE = Kind(_GROUP, "v1", "MutatingAdmissionPolicy", "mutatingadmissionpolicies")
CHANGE_BINDING = Kind(
    _GROUP, "v1", "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"
)
WEBHOOK = Kind(_GROUP, "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations")
PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
OWNED = "has(object.metadata.ownerReferences) || object.metadata.name == 'probe'"


def hard(**most: str) -> Json:
    """A ResourceQuota."""
    return {"spec": {"hard": {key.replace("__", "/").replace("_", "."): most[key] for key in most}}}


@dataclass(frozen=True)
class Limit:
    """What a namespace admits, and what a sandbox that is more than that ends in."""

    name: str
    kind: Kind
    content: Json
    reason: Reason
    said: str
    culprit: str
    workload: bool = False

    def __str__(self) -> str:
        return self.name


SMALL, SAID = "ResourceQuota/small", "exceeded quota: small"
CPU = {"limits": [{"type": "Container", "max": {"cpu": "1m"}}]}
DISK = {"limits": [{"type": "PersistentVolumeClaim", "max": {"storage": "1Mi"}}]}
LIMITS = [
    Limit("pods", QUOTA, hard(pods="0"), Reason.QUOTA_EXCEEDED, SAID, SMALL),
    Limit("cpu", QUOTA, hard(limits_cpu="1m"), Reason.QUOTA_EXCEEDED, SAID, SMALL),
    Limit("secrets", QUOTA, hard(secrets="0"), Reason.QUOTA_EXCEEDED, SAID, SMALL),
    Limit("services", QUOTA, hard(services="0"), Reason.QUOTA_EXCEEDED, SAID, SMALL),
    Limit(
        "claims", QUOTA, hard(persistentvolumeclaims="0"), Reason.QUOTA_EXCEEDED, SAID, SMALL, True
    ),
    Limit("storage", QUOTA, hard(requests_storage="1Gi"), Reason.QUOTA_EXCEEDED, SAID, SMALL, True),
    Limit(
        "range of cpu",
        RANGE,
        {"spec": CPU},
        Reason.ADMISSION_DENIED,
        "cpu usage per Container",
        "Pod/",
    ),
    Limit(
        "range of disk",
        RANGE,
        {"spec": DISK},
        Reason.ADMISSION_DENIED,
        "storage usage per PersistentVolumeClaim",
        "StatefulSet/",
        True,
    ),
]


@pytest.mark.parametrize("limit", LIMITS, ids=str)
async def test_what_the_namespace_has_no_room_for_is_told_until_it_has(
    stage: Stage, limit: Limit
) -> None:
    stage.place.plane.needs_administrator()
    await stage.place.create(limit.kind, "small", limit.content)

    async with stage.running():
        await stage.sandbox()
        failed = await stage.shows("ERROR", limit.reason)
        made = await stage.place.list(STATEFUL_SET)
        await stage.place.delete(limit.kind, "small")
        await stage.shows("RUNNING")

    explains(failed, limit.said, limit.culprit)
    assert bool(made) is limit.workload


async def test_a_quota_that_only_the_controller_meets_is_told_by_its_events(stage: Stage) -> None:
    stage.place.plane.needs_administrator()

    async with stage.running(starting_deadline=3600):
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        await stage.place.create(QUOTA, "small", hard(pods="0"))
        [pod] = await stage.pods(project)
        await stage.place.delete(POD, pod["metadata"]["name"])
        failed = await stage.shows("ERROR", Reason.QUOTA_EXCEEDED)
        await stage.place.delete(QUOTA, "small")
        await stage.shows("RUNNING")

    explains(failed, "failed error: pods", SMALL)


async def test_pods_that_the_cluster_makes_insecure_are_told_until_the_level_is_lowered(
    stage: Stage,
) -> None:
    stage.place.plane.needs_administrator()
    level = "pod-security.kubernetes.io/enforce"
    await labelled(stage.place, {level: "restricted"})

    async with (
        meddling(stage.place, "Object{spec: Object.spec{hostNetwork: true}}"),
        stage.running(),
    ):
        await stage.sandbox()
        failed = await stage.shows("ERROR", Reason.POD_SECURITY_VIOLATION)
        await labelled(stage.place, {level: "privileged"})
        await stage.shows("RUNNING")

    explains(failed, 'violates PodSecurity "restricted:latest"', f"Namespace/{stage.place.name}")


@pytest.mark.parametrize("reason", ["Invalid", "Forbidden"])
async def test_a_policy_of_the_cluster_that_refuses_pods_is_told_until_it_goes(
    stage: Stage, reason: str
) -> None:
    stage.place.plane.needs_administrator()

    async with stage.running():
        async with policy(stage.place, "has(object.metadata.labels.cost)", reason):
            await stage.sandbox()
            failed = await stage.shows("ERROR", Reason.ADMISSION_DENIED)
        await stage.shows("RUNNING")

    explains(failed, "no cost centre", "Pod/")


async def test_a_policy_that_only_the_controller_meets_is_told_by_its_events(stage: Stage) -> None:
    stage.place.plane.needs_administrator()

    async with stage.running(starting_deadline=3600):
        async with policy(stage.place, f"!({OWNED})", "Invalid"):
            await stage.sandbox()
            failed = await stage.shows("ERROR", Reason.ADMISSION_DENIED)
        await stage.shows("RUNNING")

    explains(failed, "no cost centre", "StatefulSet/")


async def test_a_webhook_that_does_not_answer_is_told_until_it_does(stage: Stage) -> None:
    stage.place.plane.needs_administrator()

    async with stage.running():
        async with webhook(stage.place):
            await stage.sandbox()
            failed = await stage.shows("ERROR", Reason.CREATE_FAILED)
        await stage.shows("RUNNING")

    assert "failed calling webhook" in (failed.message or "")


async def test_a_webhook_that_only_the_controller_meets_is_told_by_its_events(
    stage: Stage,
) -> None:
    stage.place.plane.needs_administrator()
    theirs = {"name": "theirs", "expression": OWNED}

    async with stage.running():
        async with webhook(stage.place, theirs):
            await stage.sandbox()
            failed = await stage.shows("ERROR", Reason.CREATE_FAILED)
        await stage.shows("RUNNING")

    explains(failed, "failed calling webhook", "StatefulSet/")


async def labelled(place: Place, labels: Json) -> None:
    """The namespace has these labels."""
    change = {"metadata": {"labels": labels}}
    path = f"{NAMESPACE.prefix}/{NAMESPACE.plural}/{place.name}"
    await place.plane.call("PATCH", path, change, "application/merge-patch+json")


def matching(place: Place) -> Json:
    """Pods that are made in the namespace, and nobody else's."""
    selector = {"matchLabels": {"kubernetes.io/metadata.name": place.name}}
    return {"resourceRules": [PODS], "namespaceSelector": selector}


@asynccontextmanager
async def ruled(place: Place, *rules: tuple[Kind, Json]) -> AsyncIterator[None]:
    """These objects of the whole cluster are there for the block, named for the namespace."""
    made: list[str] = []
    try:
        for kind, content in rules:
            if not await place.plane.serves(kind):
                cannot(f"the cluster has no {kind.kind}")
            path = f"{kind.prefix}/{kind.plural}"
            body = {"metadata": {"name": f"{place.name}.test"}, **content}
            await place.plane.call("POST", path, body)
            made.append(f"{path}/{place.name}.test")
        await until(lambda: refuses(place))
        yield
    finally:
        for path in made:
            await place.plane.call("DELETE", path)


async def refuses(place: Place) -> bool:
    """Whether the rules are in force by now: the API servers hear of them within some seconds."""
    secure = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "probe", "image": "probe", "securityContext": secure}
    body = {"metadata": {"name": "probe"}, "spec": {"containers": [container]}}
    try:
        await place.plane.call("POST", f"{POD.path(place.name)}?dryRun=All", body)
    except Refused as refused:
        # A new namespace has no ServiceAccount yet, and then no pods.
        return "serviceaccount" not in str(refused)
    return False


@asynccontextmanager
async def policy(place: Place, holds: str, reason: str) -> AsyncIterator[None]:
    """Pods need what the expression says, for the block."""
    rule = {"expression": holds, "message": "no cost centre", "reason": reason}
    content = {"matchConstraints": matching(place), "validations": [rule]}
    binding = {"policyName": f"{place.name}.test", "validationActions": ["Deny"]}
    async with ruled(place, (POLICY, {"spec": content}), (BINDING, {"spec": binding})):
        yield


@asynccontextmanager
async def meddling(place: Place, change: str) -> AsyncIterator[None]:
    """The cluster changes the namespace's pods so, for the block."""
    content = {
        "matchConstraints": matching(place),
        "reinvocationPolicy": "Never",
        "mutations": [
            {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": change}}
        ],
    }
    binding = {"policyName": f"{place.name}.test"}
    async with ruled(place, (CHANGE, {"spec": content}), (CHANGE_BINDING, {"spec": binding})):
        yield


@asynccontextmanager
async def webhook(place: Place, *conditions: Json) -> AsyncIterator[None]:
    """Somebody who never answers is asked about the namespace's pods, for the block."""
    hook = {
        "name": f"{place.name}.test.mooring.dev",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "timeoutSeconds": 1,
        # A port that nobody listens on (RFC 863's, discard).
        "clientConfig": {"url": "https://127.0.0.1:9/"},
        "rules": [PODS],
        "namespaceSelector": matching(place)["namespaceSelector"],
        "matchConditions": list(conditions),
    }
    async with ruled(place, (WEBHOOK, {"webhooks": [hook]})):
        yield


async def test_a_running_sandbox_is_changed_in_its_own_place_and_kept_where_the_next_has_none(
    stage: Stage,
) -> None:
    stage.place.plane.needs_administrator()
    await stage.place.create(QUOTA, "small", hard(pods="1", limits_cpu="2"))

    async with stage.running() as loop:
        project = await stage.sandbox(image="registry.test/sandbox:1", cpu="2")
        await stage.shows("RUNNING")

        await stage.changes(project, loop, image="registry.test/sandbox:2")
        await until(lambda: _runs(stage, project, "registry.test/sandbox:2"))
        await stage.shows("RUNNING")

        [before] = await stage.pods(project)
        await stage.changes(project, loop, image="registry.test/sandbox:3", cpu="4")
        failed = await stage.shows("ERROR", Reason.QUOTA_EXCEEDED)
        [after] = await stage.pods(project)

    explains(failed, SAID, SMALL)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert "deletionTimestamp" not in after["metadata"]


async def _runs(stage: Stage, project: Project, image: str) -> bool:
    pods = await stage.pods(project)
    return [pod["spec"]["containers"][0]["image"] for pod in pods] == [image]
