"""What a database is made from, and what is the same in both dialects of KubeBlocks.

`kubeblocks_v1` is that of 1.0 and newer, `kubeblocks_v1alpha1` that of 0.8 and 0.9; both are a
`Dialect` (kubernetes.md section 4). In both `componentSpecs` is one atomic list under server-side
apply, so it is always sent whole.
"""

from dataclasses import dataclass
from typing import Protocol

from app.settings import Settings
from reconciler.manifests.identity import Owner
from reconciler.manifests.kinds import Kind, Object
from reconciler.manifests.workload import requests

COMPONENT = "postgresql"
PORT = 5432
# The database that the operator's addon makes.
DATABASE = "postgres"
INSTANCE = "app.kubernetes.io/instance"
# The selector of what the operator made, for whichever Cluster (KubeBlocks: GetCompLabels, and the
# template of 0.8's connection credential).
OPERATORS = "app.kubernetes.io/managed-by=kubeblocks"
_REQUESTS = {"cpu": "100m", "memory": "102Mi"}
# What the operator fills in where it is left out.
_WRITTEN = ("componentDef", "serviceVersion")


@dataclass(frozen=True, slots=True)
class Database:
    """What a database is made from; version None is the operator's choice.

    stop None: the release has no such field, and is told by an OpsRequest.
    """

    owner: Owner
    stop: bool | None
    version: str | None
    replicas: int
    cpu: str
    memory: str
    storage: str


class Dialect(Protocol):
    """How one generation of KubeBlocks spells a database: a module."""

    @property
    def CLUSTER(self) -> Kind:  # noqa: N802 - a constant of the modules
        """The kind of its main object."""

    def objects(self, database: Database, live: Object | None, settings: Settings) -> list[Object]:
        """All that is applied, in order, the Cluster last. What the operator wrote into the `live`
        one is sent along: to take it out would be a change, which the operator undoes, and the
        database would not be RUNNING meanwhile."""

    def account_secret(self, name: str) -> str:
        """The Secret with `username` and `password` that the operator makes."""

    def service(self, name: str) -> str:
        """The usual name of the primary's Service."""

    def version(self, live: Object) -> str:
        """The PostgreSQL version that the operator chose or was told; "" while it has none."""


def spec_of(database: Database, live: Object | None, settings: Settings) -> Object:
    """What the component has in every dialect, and what the operator wrote into it."""
    limits = {"cpu": database.cpu, "memory": database.memory}
    written = component(live) if live else {}
    sent: Object = {
        **{name: written[name] for name in _WRITTEN if name in written},
        "name": COMPONENT,
        "replicas": database.replicas,
        "resources": {"requests": requests(_REQUESTS, limits), "limits": limits},
        "volumeClaimTemplates": [_data(database, settings)],
    }
    return sent if database.stop is None else {**sent, "stop": database.stop}


def component(live: Object) -> Object:
    """The component of a live Cluster; empty when somebody took it out."""
    found: list[Object] = live["spec"].get("componentSpecs") or []
    return next((one for one in found if one.get("name") == COMPONENT), {})


def words(value: object) -> str:
    """What a cluster says, where it is text."""
    return value if isinstance(value, str) else ""


def is_told_to_stop(live: Object) -> bool:
    """Whether somebody has told it to stop, in the words of whichever release."""
    found = component(live)
    return bool(found.get("stop")) or found.get("replicas") == 0


def pods_of(name: str) -> dict[str, str]:
    """The labels that select the pods of a Cluster."""
    return {INSTANCE: name}


def of_cluster(name: str) -> str:
    """The selector of what the operator made for a Cluster."""
    return f"{INSTANCE}={name}"


def services_of(name: str) -> str:
    """The selector of the Services to the database of a Cluster."""
    return f"{INSTANCE}={name},apps.kubeblocks.io/component-name={COMPONENT}"


def _data(database: Database, settings: Settings) -> Object:
    spec: Object = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": database.storage}},
    }
    if settings.storage_class:
        spec["storageClassName"] = settings.storage_class
    return {"name": "data", "spec": spec}
