"""A Cluster and an OpsRequest of KubeBlocks 0.9: what their CRDs make of what we send."""

from typing import Any

from tests.differential.request import Family, Request, apply, delete, get, grouped, patch, post
from tests.differential.requests.clustering import VERSION as NEWER
from tests.differential.requests.clustering import component

VERSION = "apps.kubeblocks.io/v1alpha1"
CLUSTERS, REQUESTS = grouped(VERSION, "clusters"), grouped(VERSION, "opsrequests")
DB = f"{CLUSTERS}/db"
DRY = {"dryRun": "All"}


def old_component(**more: Any) -> dict[str, Any]:
    """As the reconciler writes it; `more` replaces fields."""
    made = {
        **component(),
        "componentDefRef": "postgresql",
        "serviceAccountName": "db",
        "switchPolicy": {"type": "Noop"},
        **more,
    }
    del made["disableExporter"]
    return made


def cluster(**spec: Any) -> dict[str, Any]:
    """The same of the Cluster."""
    return {
        "apiVersion": VERSION,
        "kind": "Cluster",
        "metadata": {
            "name": "db",
            "labels": {
                "mooring.dev/resource": "db",
                "clusterdefinition.kubeblocks.io/name": "postgresql",
                "clusterversion.kubeblocks.io/name": "postgresql-14.8.0",
            },
        },
        "spec": {
            "clusterDefinitionRef": "postgresql",
            "clusterVersionRef": "postgresql-14.8.0",
            "terminationPolicy": "Delete",
            "affinity": {"podAntiAffinity": "Preferred", "tenancy": "SharedNode"},
            "componentSpecs": [old_component()],
            **spec,
        },
    }


def dry(name: str, body: Any, *read: str, path: str = CLUSTERS) -> Request:
    return post(name, path, body, *read, query=DRY)


def operation(**spec: Any) -> dict[str, Any]:
    wanted = {"clusterRef": "db", "type": "Stop", "ttlSecondsAfterSucceed": 600, **spec}
    return {
        "apiVersion": VERSION,
        "kind": "OpsRequest",
        "metadata": {"name": "stop"},
        "spec": wanted,
    }


FAMILY = Family(
    "clustering-old",
    (
        get("the newer version is not served", grouped(NEWER, "clusters")),
        apply(
            "a Cluster of 0.9 is accepted as it is",
            DB,
            cluster(),
            "spec",
            "metadata.generation",
            "metadata.managedFields",
            query=DRY,
        ),
        dry("a Cluster without a policy is refused", cluster(terminationPolicy=None)),
        dry(
            "a policy of its own is accepted",
            cluster(terminationPolicy="Halt"),
            "spec.terminationPolicy",
        ),
        dry("an unknown policy is refused", cluster(terminationPolicy="Keep")),
        dry(
            "a component without a name",
            cluster(componentSpecs=[{"componentDefRef": "postgresql", "replicas": 1}]),
        ),
        dry(
            "a component without replicas",
            cluster(componentSpecs=[{"componentDefRef": "p", "name": "p"}]),
            "spec.componentSpecs",
        ),
        dry(
            "a component twice is refused",
            cluster(componentSpecs=[old_component(), old_component()]),
        ),
        dry(
            "replicas of less than none are refused",
            cluster(componentSpecs=[old_component(replicas=-1)]),
        ),
        dry(
            "replicas that are text are refused",
            cluster(componentSpecs=[old_component(replicas="1")]),
        ),
        dry(
            "an unknown switch policy is refused",
            cluster(componentSpecs=[old_component(switchPolicy={"type": "Some"})]),
        ),
        dry(
            "an amount that is none is refused",
            cluster(componentSpecs=[old_component(resources={"limits": {"cpu": "x y"}})]),
        ),
        dry(
            "a definition of the wrong characters is refused",
            cluster(clusterDefinitionRef="Post gres"),
        ),
        dry("a version of the wrong characters is refused", cluster(clusterVersionRef="14 8")),
        dry(
            "an affinity that is unknown is refused", cluster(affinity={"podAntiAffinity": "Some"})
        ),
        dry("an unknown field is dropped with a Warning", cluster(color="blue"), "spec.color"),
        dry("a Cluster without a spec", {**cluster(), "spec": None}),
        apply("an applied unknown field is 500", DB, cluster(color="blue"), query=DRY),
        apply(
            "a newer field in a component is 500",
            DB,
            cluster(componentSpecs=[old_component(systemAccount="x")]),
            query=DRY,
        ),
        apply("a Cluster is applied", DB, cluster(), "metadata.generation"),
        patch("the definition does not change", DB, {"spec": {"clusterDefinitionRef": "mysql"}}),
        patch(
            "the policy may change",
            DB,
            {"spec": {"terminationPolicy": "DoNotTerminate"}},
            "spec.terminationPolicy",
        ),
        apply(
            "a policy of another manager's is a conflict",
            DB,
            {**cluster(), "spec": {"terminationPolicy": "WipeOut"}},
            manager="bob",
        ),
        patch(
            "the policy changes back",
            DB,
            {"spec": {"terminationPolicy": "Delete"}},
            "spec.terminationPolicy",
        ),
        dry("an operation is accepted", operation(), "spec", path=REQUESTS),
        dry(
            "an operation with the cluster's newer name is accepted",
            operation(clusterRef=None, clusterName="db"),
            "spec",
            path=REQUESTS,
        ),
        dry("an unknown operation is refused", operation(type="Fly"), path=REQUESTS),
        dry("an operation without a type is refused", operation(type=None), path=REQUESTS),
        dry(
            "an operation without a cluster is refused",
            operation(clusterRef=None),
            "spec",
            path=REQUESTS,
        ),
        dry("an operation of no spec", {**operation(), "spec": None}, "spec", path=REQUESTS),
        delete("a Cluster is deleted", DB, {"propagationPolicy": "Background"}),
        get("and goes", DB, until={"code": 404}),
    ),
    served=VERSION,
    unserved=NEWER,
)
