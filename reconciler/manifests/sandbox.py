"""All objects of a sandbox, in the order in which they are applied."""

from app.settings import Settings
from reconciler.manifests.kinds import Object
from reconciler.manifests.network import network_policy, service
from reconciler.manifests.routes import routes
from reconciler.manifests.workload import Sandbox, secret, stateful_set


def objects(sandbox: Sandbox, settings: Settings) -> list[Object]:
    """Secret, Service, StatefulSet, routes, NetworkPolicy."""
    policy = (
        [network_policy(sandbox.owner, sandbox.databases, settings)]
        if settings.network_policy
        else []
    )
    return [
        secret(sandbox),
        service(sandbox.owner, settings),
        stateful_set(sandbox, settings),
        *routes(sandbox.owner, settings),
        *policy,
    ]
