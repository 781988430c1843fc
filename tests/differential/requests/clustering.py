"""A Cluster of KubeBlocks 1.0 and an OpsRequest: what their CRDs make of what we send."""

from typing import Any

from tests.differential.request import (
    MERGE,
    Family,
    Request,
    apply,
    delete,
    get,
    grouped,
    patch,
    post,
)

VERSION = "apps.kubeblocks.io/v1"
OPERATIONS = "operations.kubeblocks.io/v1alpha1"
CLUSTERS, REQUESTS = grouped(VERSION, "clusters"), grouped(OPERATIONS, "opsrequests")
DB = f"{CLUSTERS}/db"
DRY = {"dryRun": "All"}
AMOUNTS = {"cpu": "100m", "memory": "102Mi"}


def component(**more: Any) -> dict[str, Any]:
    """`more` replaces fields."""
    storage = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "3Gi"}}}
    return {
        "name": "postgresql",
        "replicas": 1,
        "disableExporter": True,
        "stop": False,
        "resources": {"requests": AMOUNTS, "limits": {"cpu": "1", "memory": "1Gi"}},
        "volumeClaimTemplates": [{"name": "data", "spec": storage}],
        **more,
    }


def cluster(name: str = "db", **spec: Any) -> dict[str, Any]:
    """As the reconciler writes it; `spec` replaces fields."""
    return {
        "apiVersion": VERSION,
        "kind": "Cluster",
        "metadata": {"name": name, "labels": {"mooring.dev/resource": name}},
        "spec": {
            "clusterDef": "postgresql",
            "topology": "replication",
            "terminationPolicy": "Delete",
            "componentSpecs": [component()],
            **spec,
        },
    }


def dry(name: str, body: Any, *read: str, path: str = CLUSTERS) -> Request:
    return post(name, path, body, *read, query=DRY)


def operation(name: str = "stop", **spec: Any) -> dict[str, Any]:
    wanted = {"clusterName": "db", "type": "Stop", **spec}
    return {
        "apiVersion": OPERATIONS,
        "kind": "OpsRequest",
        "metadata": {"name": name},
        "spec": wanted,
    }


SHAPED = (
    apply(
        "a Cluster is accepted as it is",
        DB,
        cluster(),
        "spec",
        "metadata.generation",
        "metadata.managedFields",
        query=DRY,
    ),
    dry(
        "replicas have a default",
        cluster(componentSpecs=[{"name": "postgresql"}]),
        "spec.componentSpecs",
    ),
    dry("a Cluster without a policy is refused", cluster(terminationPolicy=None)),
    dry("an unknown policy is refused", cluster(terminationPolicy="Halt")),
    dry("a Cluster without components is refused", cluster(componentSpecs=[])),
    dry("a component twice is refused", cluster(componentSpecs=[component(), component()])),
    dry(
        "a component's name with capitals is refused",
        cluster(componentSpecs=[component(name="Postgres")]),
    ),
    dry(
        "a component's name of 23 characters is refused",
        cluster(componentSpecs=[component(name="p" * 23)]),
    ),
    dry("replicas of less than none are refused", cluster(componentSpecs=[component(replicas=-1)])),
    dry("replicas that are text are refused", cluster(componentSpecs=[component(replicas="1")])),
    dry(
        "an amount that is none is refused",
        cluster(componentSpecs=[component(resources={"limits": {"cpu": "x y"}})]),
    ),
    dry(
        "an amount may be a number",
        cluster(componentSpecs=[component(resources={"limits": {"cpu": 2}})]),
        "spec.componentSpecs.0.resources",
    ),
    dry(
        "a volume without a name is refused",
        cluster(componentSpecs=[component(volumeClaimTemplates=[{"spec": {}}])]),
    ),
    dry("components that are a map are refused", cluster(componentSpecs={})),
    dry("a definition of the wrong characters is refused", cluster(clusterDef="Post gres")),
    dry("a topology of 33 characters is refused", cluster(topology="t" * 33)),
    dry("an unknown field is dropped with a Warning", cluster(color="blue"), "spec.color"),
    dry("a Cluster without a spec", {**cluster(), "spec": None}),
    apply("an applied unknown field is 500", DB, cluster(color="blue"), query=DRY),
    apply(
        "an unknown field in a component is 500",
        DB,
        cluster(componentSpecs=[component(color="b")]),
        query=DRY,
    ),
)

KEPT = (
    apply("a Cluster is applied", DB, cluster(), "metadata.generation"),
    patch("the definition does not change", DB, {"spec": {"clusterDef": "mysql"}}),
    patch("the topology does not change", DB, {"spec": {"topology": "standalone"}}),
    patch("the topology does not go", DB, {"spec": {"topology": None}}),
    patch(
        "the policy may change",
        DB,
        {"spec": {"terminationPolicy": "DoNotTerminate"}},
        "spec.terminationPolicy",
    ),
    apply(
        "another manager's policy is a conflict",
        DB,
        {**cluster(), "spec": {"terminationPolicy": "WipeOut"}},
        manager="bob",
    ),
    get("items of a list have their kind", CLUSTERS, "kind", "items.*.kind"),
    patch(
        "the policy changes back",
        DB,
        {"spec": {"terminationPolicy": "Delete"}},
        "spec.terminationPolicy",
    ),
)

OPERATED = (
    dry("an operation is accepted", operation(), "spec", path=REQUESTS),
    dry("an unknown operation is refused", operation(type="Fly"), path=REQUESTS),
    dry("an operation without a type is refused", operation(type=None), path=REQUESTS),
    dry(
        "an operation's unknown field is dropped", operation(clusterRef="db"), "spec", path=REQUESTS
    ),
    apply(
        "an applied operation's unknown field is 500",
        f"{REQUESTS}/stop",
        operation(clusterRef="db"),
    ),
    Request("a patch of no operation is 404", "PATCH", f"{REQUESTS}/none", {}, MERGE),
    delete("a Cluster is deleted", DB, {"propagationPolicy": "Background"}),
    get("and goes", DB, until={"code": 404}),
)

NOT_BESIDE = "a simulator of KubeBlocks 1.0 serves v1 alone, where a real one lists v1alpha1 too"
BESIDE = (
    get(
        "the older version is listed beside",
        "/apis/apps.kubeblocks.io",
        "preferredVersion.version",
        "versions.*.version",
        differs={"body.versions.*.version": NOT_BESIDE},
    ),
    post(
        "a Cluster of the older version is accepted and loses its fields",
        CLUSTERS.replace("/v1/", "/v1alpha1/"),
        {
            **cluster(),
            "spec": {
                "clusterDefinitionRef": "postgresql",
                "clusterVersionRef": "postgresql-14.8.0",
                "terminationPolicy": "Delete",
                "componentSpecs": [component()],
            },
            "apiVersion": "apps.kubeblocks.io/v1alpha1",
        },
        "spec.clusterDefinitionRef",
        "spec.clusterVersionRef",
        "spec.terminationPolicy",
        "spec.componentSpecs.0.name",
        query=DRY,
        differs=dict.fromkeys(
            ("code", "text", "body.spec.terminationPolicy", "body.spec.componentSpecs.0.name"),
            NOT_BESIDE,
        ),
    ),
)

FAMILY = Family("clustering", (*SHAPED, *KEPT, *OPERATED, *BESIDE), served=VERSION)
