"""The routes of a sandbox, as Ingresses or as HTTPRoutes (kubernetes.md section 3).

Two it always has, to the app and to the terminal; a user may open five more ports.

No class is assumed: without `ingress_class` the cluster's default one serves (ingress-nginx is
retired). There are no snippets: they run code in the ingress controller.
"""

from app.domain import hosts
from app.domain.hosts import TTYD
from app.domain.observation import Addresses
from app.settings import Settings
from reconciler.manifests import sealos
from reconciler.manifests.identity import build
from reconciler.manifests.kinds import HTTP_ROUTE, INGRESS, Object
from reconciler.manifests.workload import Sandbox

# The annotation that preceded ingressClassName; Sealos's Higress still reads it.
_LEGACY_CLASS = "kubernetes.io/ingress.class"
# cert-manager's ingress-shim makes the certificate of the Ingress's TLS block.
_ISSUER = "cert-manager.io/cluster-issuer"


def routes(sandbox: Sandbox, settings: Settings) -> list[Object]:
    """The routes to the app, to the terminal, and to each port that was opened."""
    make = _ingress if settings.route_mode == "ingress" else _http_route
    return [make(sandbox, route, port, settings) for route, port in sandbox.routes.items()]


def addresses(name: str, domain: str, settings: Settings) -> Addresses:
    """Where a sandbox of this object name is reached; no credential is in them."""
    scheme = "http" if settings.route_tls == "none" else "https"
    app, ttyd = (f"{scheme}://{hosts.label(name, route)}.{domain}" for route in hosts.OWN)
    return Addresses(public_url=app, ttyd_url=ttyd)


def _ingress(sandbox: Sandbox, route: str, _: int, settings: Settings) -> Object:
    owner = sandbox.owner
    label = hosts.label(owner.name, route)
    host = f"{label}.{sandbox.domain}"
    backend = {"service": {"name": owner.name, "port": {"name": route}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: Object = {"rules": [{"host": host, "http": {"paths": [path]}}]}
    annotations = dict(settings.ingress_annotations)
    if settings.ingress_class and settings.ingress_class_annotation:
        annotations[_LEGACY_CLASS] = settings.ingress_class
    elif settings.ingress_class:
        spec["ingressClassName"] = settings.ingress_class
    if settings.route_tls != "none":
        spec["tls"] = [{"hosts": [host], **_certificate(label, settings)}]
    if settings.route_tls == "cert-manager" and settings.route_issuer:
        annotations[_ISSUER] = settings.route_issuer
    labels = sealos.of_app(owner.name, settings, label)
    return build(INGRESS, owner, label, {"spec": spec}, annotations, labels=labels)


def _certificate(label: str, settings: Settings) -> Object:
    """The Secret of the certificate; without one the controller's default certificate serves."""
    if settings.route_tls == "cert-manager":
        return {"secretName": f"{label}-tls"}
    return {"secretName": settings.route_tls_secret} if settings.route_tls_secret else {}


def _http_route(sandbox: Sandbox, route: str, port: int, settings: Settings) -> Object:
    owner = sandbox.owner
    label = hosts.label(owner.name, route)
    parent = {"name": settings.gateway_name or "gateway"}
    if settings.gateway_namespace:
        parent["namespace"] = settings.gateway_namespace
    if settings.gateway_section:
        parent["sectionName"] = settings.gateway_section
    rule: Object = {"backendRefs": [{"name": owner.name, "port": port}]}
    if route == TTYD:
        rule["timeouts"] = {"request": "0s"}  # a terminal stays open: no limit (GEP-1742)
    spec = {
        "parentRefs": [parent],
        "hostnames": [f"{label}.{sandbox.domain}"],
        "rules": [rule],
    }
    labels = sealos.of_app(owner.name, settings, label)
    return build(HTTP_ROUTE, owner, label, {"spec": spec}, labels=labels)
