"""What a reconciler's process holds, put together as `reconciler.__main__` does."""

from app.db.session import Database
from app.domain.states import ResourceKind
from app.settings import Settings
from reconciler.cluster.client import Cluster
from reconciler.clusters import Clusters
from reconciler.databases import DatabaseReconciler
from reconciler.namespaces import Namespaces
from reconciler.resources import Resources
from reconciler.sandboxes import SandboxReconciler
from tests.integration.world import KEYS


def resources_of(
    database: Database, cluster: Cluster, settings: Settings, clusters: Clusters | None = None
) -> Resources:
    """Reconciles resources of every kind, in the operator's `cluster` and in users'."""
    kinds = {
        ResourceKind.SANDBOX: lambda one: (
            SandboxReconciler(database, one, KEYS, settings).reconcile
        ),
        ResourceKind.DATABASE: lambda one: (
            DatabaseReconciler(database, one, KEYS, settings).reconcile
        ),
    }
    known = clusters or Clusters(cluster, database, KEYS, settings)
    namespaces = Namespaces(cluster, database, settings)
    return Resources(kinds, known, namespaces, database, settings)
