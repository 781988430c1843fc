"""A database as KubeBlocks 1.0 and newer spell it: `apps.kubeblocks.io/v1`.

Written whenever that version is served: without a conversion webhook an object of the older one is
accepted and loses its fields. Replicas are never 0: the default claim policy would delete the data.
"""

from app.settings import Settings
from reconciler.manifests import database as common
from reconciler.manifests import sealos
from reconciler.manifests.database import COMPONENT, Database
from reconciler.manifests.identity import build
from reconciler.manifests.kinds import CLUSTER, Object

__all__ = ["CLUSTER", "account_secret", "objects", "service", "version"]


def objects(database: Database, live: Object | None, settings: Settings) -> list[Object]:
    """The Cluster: one component, running or stopped."""
    spec = {
        "clusterDef": "postgresql",
        # The only topology of the addon, also for one replica; immutable, as clusterDef is.
        "topology": "replication",
        "terminationPolicy": "Delete",
        "componentSpecs": [_component(database, live, settings)],
    }
    labels = sealos.of_database(database.owner.name, settings)
    return [build(CLUSTER, database.owner, database.owner.name, {"spec": spec}, labels=labels)]


def account_secret(name: str) -> str:
    """The Secret with `username` and `password` that the operator makes."""
    return f"{name}-{COMPONENT}-account-postgres"


def service(name: str) -> str:
    """The usual name of the primary's Service."""
    return f"{name}-{COMPONENT}-postgresql"


def version(live: Object) -> str:
    """The version of the component."""
    return common.words(common.component(live).get("serviceVersion"))


def _component(database: Database, live: Object | None, settings: Settings) -> Object:
    sent = {**common.spec_of(database, live, settings), "disableExporter": True}
    return sent if database.version is None else {**sent, "serviceVersion": database.version}
