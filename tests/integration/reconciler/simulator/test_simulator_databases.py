"""KubeBlocks clusters: from intent to Running, stopped and started, changed, and deleted."""

from base64 import b64decode
from typing import Any

from tests.integration.reconciler.simulator.conftest import Answer, Cluster, Json

CLUSTERS = "/apis/apps.kubeblocks.io/v1/namespaces/{ns}/clusters"
CORE = "/api/v1/namespaces/{ns}"
OURS = f"{CORE}/{{}}?labelSelector=app.kubernetes.io/instance=db"


def database(**component: Any) -> Json:
    volume = {
        "name": "data",
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "3Gi"}},
        },
    }
    return {
        "apiVersion": "apps.kubeblocks.io/v1",
        "kind": "Cluster",
        "metadata": {"name": "db", "labels": {"mooring.dev/resource": "db"}},
        "spec": {
            "clusterDef": "postgresql",
            "topology": "replication",
            "terminationPolicy": "Delete",
            "componentSpecs": [
                {
                    "name": "postgresql",
                    "replicas": 1,
                    "disableExporter": True,
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "102Mi"},
                        "limits": {"cpu": "1", "memory": "1Gi"},
                    },
                    "volumeClaimTemplates": [volume],
                    **component,
                }
            ],
        },
    }


def in_phase(phase: str) -> Any:
    """A test of an answer: in this phase, and seen since the last change."""

    def holds(answer: Answer) -> bool:
        status = answer.body.get("status", {})
        observed = status.get("observedGeneration", 0) >= answer.body["metadata"]["generation"]
        return bool(observed and status.get("phase") == phase)

    return holds


async def test_a_database_comes_to_running_with_credentials(cluster: Cluster) -> None:
    made = await cluster.apply(CLUSTERS, database())

    found = await cluster.until(f"{CLUSTERS}/db", in_phase("Running"))
    secret = await cluster.call("GET", f"{CORE}/secrets/db-postgresql-account-postgres")
    service = await cluster.call("GET", f"{CORE}/services/db-postgresql-postgresql")
    headless = await cluster.call("GET", f"{CORE}/services/db-postgresql-headless")

    assert made.code == 201
    assert "status" not in made.body
    assert found.body["metadata"]["finalizers"] == ["cluster.kubeblocks.io/finalizer"]
    component = found.body["status"]["components"]["postgresql"]
    assert component["phase"] == "Running"
    assert component["observedGeneration"] == found.body["metadata"]["generation"]
    assert b64decode(secret.body["data"]["username"]) == b"postgres"
    assert len(b64decode(secret.body["data"]["password"])) == 10
    assert service.body["spec"]["ports"][0]["port"] == 5432
    assert headless.body["spec"]["clusterIP"] == "None"
    ready = [one for one in found.body["status"]["conditions"] if one["type"] == "Ready"]
    assert [one["status"] for one in ready] == ["True"]
