"""What KubeBlocks 0.9 and 0.8 make for a Cluster, where it is not as in 1.0. Pure.

Names and keys of release 0.9.5 for a Cluster by `clusterDefinitionRef`. Nothing is written back
into it, and `replicas: 0` keeps the claims (pkg/controller/component of 0.8 and 0.9: "scale in to
0, keep all PVCs").
"""

from reconciler.simulator.controllers import clusterparts as newer
from reconciler.simulator.controllers.clusterparts import (
    ACCOUNT,
    UnresolvableError,
    full_name,
)
from reconciler.simulator.schema import Json
from reconciler.simulator.stored import Stored

DEFINITION = "clusterDefinitionRef"
# What the addon of 0.9 offers.
VERSIONS = (
    *("12.14.0", "12.14.1", "12.15.0", "14.7.2", "14.8.0", "15.7.0", "16.4.0"),
    *("14.9.0", "15.8.0", "16.9.0"),
)


def resolved(spec: Json) -> Json:
    """The spec as it is. Raises UnresolvableError."""
    if spec.get(DEFINITION) != "postgresql":
        missing = spec.get(DEFINITION, "")
        raise UnresolvableError(f'ClusterDefinition.apps.kubeblocks.io "{missing}" not found')
    if version_of(spec) not in VERSIONS:
        missing = spec.get("clusterVersionRef", "")
        raise UnresolvableError(f'ClusterVersion.apps.kubeblocks.io "{missing}" not found')
    return spec


def version_of(spec: Json) -> str:
    return str(spec.get("clusterVersionRef", "")).removeprefix("postgresql-")


def account_secret(cluster: Stored, _: Json) -> str:
    return f"{cluster.name}-conn-credential"


def services(cluster: Stored, component: Json) -> list[Json]:
    return newer.services_named(cluster, component, full_name(cluster, component))


def credentials(cluster: Stored, component: Json) -> Json:
    host = f"{full_name(cluster, component)}.{cluster.namespace}.svc"
    return {
        "metadata": newer.meta(cluster, component, account_secret(cluster, component)),
        "stringData": {
            "username": ACCOUNT,
            "password": newer.new_password(),
            "host": host,
            "port": "5432",
            "endpoint": f"{host}:5432",
        },
    }


def workload(cluster: Stored, component: Json) -> Json:
    kept = bool(component.get("stop")) or component["replicas"] == 0
    return newer.stateful_set(cluster, component, version_of(cluster.body["spec"]), kept=kept)
