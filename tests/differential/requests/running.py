"""What the controllers of the server make of a sandbox: pods, claims, status, stop and removal."""

from tests.differential.objects import sandbox
from tests.differential.request import Family, apply, core, delete, get, grouped, post

SET = grouped("apps/v1", "statefulsets") + "/box"
POD, CLAIM = core("pods") + "/box-0", core("persistentvolumeclaims") + "/home-box-0"
OURS = {"labelSelector": "mooring.dev/resource=box"}
COUNTS = (
    "replicas",
    "readyReplicas",
    "currentReplicas",
    "updatedReplicas",
    "availableReplicas",
    "collisionCount",
    "observedGeneration",
)
STATUS = tuple(f"status.{count}" for count in COUNTS)
LONG = "n" * 53

FAMILY = Family(
    "running",
    (
        apply(
            "a sandbox is applied",
            SET,
            sandbox("box"),
            "metadata.generation",
            "status",
            keep={"uid": "metadata.uid"},
        ),
        get(
            "its status counts a ready pod",
            SET,
            *STATUS,
            until={
                "status.readyReplicas": 1,
                "status.availableReplicas": 1,
                "status.observedGeneration": 1,
            },
            keep={"revision": "status.updateRevision"},
        ),
        get(
            "its pod is the set's",
            POD,
            "metadata.labels",
            "metadata.generateName",
            "metadata.ownerReferences",
            "status.phase",
            "status.qosClass",
            "spec.hostname",
            "spec.subdomain",
            "spec.volumes",
            "spec.serviceAccountName",
            "metadata.finalizers",
            keep={"pod": "metadata.uid"},
        ),
        get(
            "its claim goes with the set",
            CLAIM,
            "metadata.labels",
            "metadata.ownerReferences",
            "metadata.finalizers",
            "status.phase",
            "spec.storageClassName",
            "spec.resources",
        ),
        get("its pods are found by its label", core("pods"), "items.*.metadata.name", query=OURS),
        get(
            "its claims are found by its label",
            core("persistentvolumeclaims"),
            "items.*.metadata.name",
            query=OURS,
        ),
        apply("the same apply again changes nothing", SET, sandbox("box"), "metadata.generation"),
        apply(
            "another replica's worth of nothing stops it",
            SET,
            sandbox("box", replicas=0),
            "metadata.generation",
        ),
        get(
            "its status counts no pod, and leaves zeros out",
            SET,
            *STATUS,
            until={
                "status.observedGeneration": 2,
                "status.replicas": 0,
                "status.readyReplicas": None,
            },
        ),
        get("its pod is gone", POD, until={"code": 404}),
        get("its claim stays", CLAIM, "status.phase", "metadata.ownerReferences"),
        apply("it starts again", SET, sandbox("box"), "metadata.generation"),
        get(
            "it is ready again",
            SET,
            *STATUS,
            until={
                "status.readyReplicas": 1,
                "status.observedGeneration": 3,
                "status.availableReplicas": 1,
            },
        ),
        delete(
            "it is deleted in the foreground by its uid",
            SET,
            {"propagationPolicy": "Foreground", "preconditions": {"uid": "{uid}"}},
            "metadata.finalizers",
            "metadata.generation",
        ),
        get("it goes", SET, until={"code": 404}),
        get("its pod goes", POD, until={"code": 404}),
        get("its claim goes", CLAIM, until={"code": 404}),
        post(
            "a set whose name is too long for its pods is accepted",
            SET.removesuffix("/box"),
            sandbox(LONG),
            "kind",
        ),
        get(
            "and never makes one: an event says why",
            core("events"),
            "items.0.reason",
            "items.0.type",
            "items.0.involvedObject.kind",
            "items.0.source.component",
            query={"fieldSelector": f"involvedObject.name={LONG},reason=FailedCreate"},
            until={"items.0.reason": "FailedCreate"},
        ),
        delete("it is deleted again", SET.removesuffix("box") + LONG, None, "status"),
    ),
)
