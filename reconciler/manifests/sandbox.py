"""All objects of a sandbox, in the order in which they are applied."""

from app.settings import Settings
from reconciler.manifests import parts
from reconciler.manifests.kinds import Object
from reconciler.manifests.network import network_policy, service
from reconciler.manifests.routes import routes
from reconciler.manifests.workload import Sandbox, secret, stateful_set


def objects(sandbox: Sandbox, settings: Settings) -> list[Object]:
    """Secret, Service, StatefulSet, routes, NetworkPolicy."""
    policy = [network_policy(sandbox, settings)] if sandbox.confined else []
    passing = [*routes(sandbox, settings), *policy]
    return [
        secret(sandbox),
        service(sandbox, settings),
        stateful_set(sandbox, settings, parts.mark(passing)),
        *passing,
    ]
