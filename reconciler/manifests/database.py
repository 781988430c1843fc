"""The KubeBlocks Cluster of a database, and the names of what the operator makes of it: `kb-v1`.

This is the dialect of KubeBlocks 1.0 and newer (kubernetes.md section 4): where another is served,
a module with the same functions stands beside this one. `componentSpecs` is one atomic list under
server-side apply, so it is always sent whole, with `stop`. Replicas are never 0: the operator's
default claim policy would delete the data.
"""

from dataclasses import dataclass

from app.settings import Settings
from reconciler.manifests.identity import Owner, build
from reconciler.manifests.kinds import CLUSTER, Object
from reconciler.manifests.workload import requests

COMPONENT = "postgresql"
PORT = 5432
# The database and the account that the operator's addon makes.
DATABASE = "postgres"
_REQUESTS = {"cpu": "100m", "memory": "102Mi"}
# What the operator fills in where it is left out.
_OPERATORS = ("componentDef", "serviceVersion")


@dataclass(frozen=True, slots=True)
class Database:
    """What a database is made from; version None is the operator's newest."""

    owner: Owner
    stop: bool
    version: str | None
    replicas: int
    cpu: str
    memory: str
    storage: str


def cluster(database: Database, live: Object | None, settings: Settings) -> Object:
    """The Cluster: one component, running or stopped.

    What the operator wrote into the component of the `live` one is sent along: to take it out would
    be a change, which the operator undoes, and the database would not be RUNNING meanwhile.
    """
    limits = {"cpu": database.cpu, "memory": database.memory}
    written = component(live) if live else {}
    sent: Object = {
        **{name: written[name] for name in _OPERATORS if name in written},
        "name": COMPONENT,
        "replicas": database.replicas,
        "disableExporter": True,
        "stop": database.stop,
        "resources": {"requests": requests(_REQUESTS, limits), "limits": limits},
        "volumeClaimTemplates": [_data(database, settings)],
    }
    if database.version is not None:
        sent["serviceVersion"] = database.version
    spec = {
        "clusterDef": "postgresql",
        # The only topology of the addon, also for one replica; immutable, as clusterDef is.
        "topology": "replication",
        "terminationPolicy": "Delete",
        "componentSpecs": [sent],
    }
    return build(CLUSTER, database.owner, database.owner.name, {"spec": spec})


def component(live: Object) -> Object:
    """The component of a live Cluster; empty when somebody took it out."""
    found: list[Object] = live["spec"].get("componentSpecs") or []
    return next((one for one in found if one.get("name") == COMPONENT), {})


def account_secret(name: str) -> str:
    """The Secret with `username` and `password` that the operator makes."""
    return f"{name}-{COMPONENT}-account-postgres"


def host(name: str, namespace: str) -> str:
    """The host of the primary's Service."""
    return f"{name}-{COMPONENT}-postgresql.{namespace}.svc"


def pods_of(name: str) -> dict[str, str]:
    """The labels that select the pods of a Cluster."""
    return {"app.kubernetes.io/instance": name}


def _data(database: Database, settings: Settings) -> Object:
    spec: Object = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": database.storage}},
    }
    if settings.storage_class:
        spec["storageClassName"] = settings.storage_class
    return {"name": "data", "spec": spec}
