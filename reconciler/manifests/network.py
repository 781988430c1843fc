"""Service and NetworkPolicy of a sandbox: what reaches it, and what it reaches.

The policy lets a sandbox out to the internet and to DNS, and not to the cluster, its nodes or the
cloud's metadata service: the user's code runs in there.
"""

from collections.abc import Sequence

from app.domain import hosts
from app.domain.hosts import TTYD
from app.settings import Settings
from reconciler.manifests import sealos
from reconciler.manifests.database import PORT, pods_of
from reconciler.manifests.identity import build
from reconciler.manifests.kinds import NETWORK_POLICY, SERVICE, Object
from reconciler.manifests.workload import Sandbox

# RFC 1918, carrier-grade NAT (6598), link-local with cloud metadata (3927); unique local (4193),
# link-local (4291), site-local (3879); what stands for IPv4: NAT64 (6052, 8215) and 6to4 (3056).
_PRIVATE_4 = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"]
_PRIVATE_6 = [
    *("fc00::/7", "fe80::/10", "fec0::/10"),
    *("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16"),
]
_NAMESPACE_NAME = "kubernetes.io/metadata.name"  # set by the API server on every namespace
DNS: Object = {"ports": [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]}


def namespaces(names: Sequence[str]) -> Object:
    """All pods of these namespaces, as a peer in a policy."""
    some = {"key": _NAMESPACE_NAME, "operator": "In", "values": list(names)}
    return {"namespaceSelector": {"matchExpressions": [some]}}


def service(sandbox: Sandbox, settings: Settings) -> Object:
    """The Service: its two ports and those that were opened, reachable before the pod is ready."""
    owner = sandbox.owner
    ports = [_port(route, port, settings) for route, port in sandbox.routes.items()]
    spec = {
        "type": "ClusterIP",
        "selector": owner.selector,
        "publishNotReadyAddresses": True,
        "ports": ports,
    }
    labels = sealos.of_app(owner.name, settings)
    return build(SERVICE, owner, owner.name, {"spec": spec}, labels=labels)


def network_policy(sandbox: Sandbox, settings: Settings) -> Object:
    """The NetworkPolicy; `ingress_namespaces` empty lets every namespace reach its ports."""
    owner, databases = sandbox.owner, sandbox.databases
    open_ports = [{"port": port, "protocol": "TCP"} for port in sandbox.routes.values()]
    arriving: Object = {"ports": open_ports}
    if settings.ingress_namespaces:
        arriving["from"] = [namespaces(settings.ingress_namespaces)]
    internet = [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": _PRIVATE_4}},
        {"ipBlock": {"cidr": "::/0", "except": _PRIVATE_6}},
    ]
    spec = {
        "podSelector": {"matchLabels": owner.selector},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [arriving],
        "egress": [DNS, {"to": internet}, *([_databases(databases)] if databases else [])],
    }
    return build(NETWORK_POLICY, owner, owner.name, {"spec": spec})


def _databases(names: Sequence[str]) -> Object:
    return {
        "to": [{"podSelector": {"matchLabels": pods_of(name)}} for name in names],
        "ports": [{"port": PORT, "protocol": "TCP"}],
    }


def _port(name: str, number: int, settings: Settings) -> Object:
    # The pod names its own two ports alone: what it does not name can be reached all the same, and
    # another name in its template would restart it.
    target = name if name in hosts.OWN else number
    port: Object = {"name": name, "port": number, "targetPort": target, "protocol": "TCP"}
    if name == TTYD and settings.route_mode == "gateway" and settings.gateway_app_protocol:
        # Tells gateways that the backend speaks websockets (KEP-3726).
        port["appProtocol"] = "kubernetes.io/ws"
    return port
