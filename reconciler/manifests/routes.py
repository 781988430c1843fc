"""The two routes of a sandbox, as Ingresses or as HTTPRoutes (kubernetes.md section 3).

No class is assumed: without `ingress_class` the cluster's default one serves (ingress-nginx is
retired). There are no snippets: they run code in the ingress controller.
"""

from app.domain.observation import Addresses
from app.settings import Settings
from reconciler.manifests.identity import Owner, build
from reconciler.manifests.kinds import HTTP_ROUTE, INGRESS, Object

APP = "app"
TTYD = "ttyd"
PORTS = {APP: 3000, TTYD: 7681}

# The annotation that preceded ingressClassName; Sealos's Higress still reads it.
_LEGACY_CLASS = "kubernetes.io/ingress.class"
# cert-manager's ingress-shim makes the certificate of the Ingress's TLS block.
_ISSUER = "cert-manager.io/cluster-issuer"


def routes(owner: Owner, settings: Settings) -> list[Object]:
    """The routes to the app and to the terminal."""
    make = _ingress if settings.route_mode == "ingress" else _http_route
    return [make(owner, port, settings) for port in PORTS]


def addresses(name: str, settings: Settings) -> Addresses:
    """Where a sandbox of this object name is reached; no credential is in them."""
    scheme = "http" if settings.route_tls == "none" else "https"
    app, ttyd = (f"{scheme}://{_host(name, port, settings)}" for port in PORTS)
    return Addresses(public_url=app, ttyd_url=ttyd)


def _host(name: str, port: str, settings: Settings) -> str:
    return f"{name}-{port}.{settings.sandbox_domain}"


def _ingress(owner: Owner, port: str, settings: Settings) -> Object:
    host = _host(owner.name, port, settings)
    backend = {"service": {"name": owner.name, "port": {"name": port}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: Object = {"rules": [{"host": host, "http": {"paths": [path]}}]}
    annotations = dict(settings.ingress_annotations)
    if settings.ingress_class and settings.ingress_class_annotation:
        annotations[_LEGACY_CLASS] = settings.ingress_class
    elif settings.ingress_class:
        spec["ingressClassName"] = settings.ingress_class
    if settings.route_tls != "none":
        spec["tls"] = [{"hosts": [host], **_certificate(owner.name, port, settings)}]
    if settings.route_tls == "cert-manager" and settings.route_issuer:
        annotations[_ISSUER] = settings.route_issuer
    return build(INGRESS, owner, f"{owner.name}-{port}", {"spec": spec}, annotations)


def _certificate(name: str, port: str, settings: Settings) -> Object:
    """The Secret of the certificate; without one the controller's default certificate serves."""
    if settings.route_tls == "cert-manager":
        return {"secretName": f"{name}-{port}-tls"}
    return {"secretName": settings.route_tls_secret} if settings.route_tls_secret else {}


def _http_route(owner: Owner, port: str, settings: Settings) -> Object:
    parent = {"name": settings.gateway_name or "gateway"}
    if settings.gateway_namespace:
        parent["namespace"] = settings.gateway_namespace
    rule: Object = {"backendRefs": [{"name": owner.name, "port": PORTS[port]}]}
    if port == TTYD:
        rule["timeouts"] = {"request": "0s"}  # a terminal stays open: no limit (GEP-1742)
    spec = {
        "parentRefs": [parent],
        "hostnames": [_host(owner.name, port, settings)],
        "rules": [rule],
    }
    return build(HTTP_ROUTE, owner, f"{owner.name}-{port}", {"spec": spec})
