"""What Sealos' own dashboards look for on objects, so that they show what Mooring made.

A setting (`sealos_profile`) adds it; nothing of ours reads it. The names are those of applaunchpad
and dbprovider in labring/sealos.
"""

from typing import Final

from app.domain.servers import BadServerError, read_server
from app.settings import Settings

_APP: Final = "cloud.sealos.io/app-deploy-manager"
_DOMAIN: Final = "cloud.sealos.io/app-deploy-manager-domain"
_DATABASE: Final = "sealos-db-provider-cr"


def of_app(name: str, settings: Settings, host_label: str | None = None) -> dict[str, str]:
    """Labels of a sandbox's workload, Service and routes; of a route with the label of its host."""
    if not settings.sealos_profile:
        return {}
    return {_APP: name, **({} if host_label is None else {_DOMAIN: host_label})}


def of_database(name: str, settings: Settings) -> dict[str, str]:
    """Labels of a database's Cluster."""
    return {_DATABASE: name} if settings.sealos_profile else {}


def of_workload(image: str, storage: str, settings: Settings) -> dict[str, str]:
    """Annotations of a sandbox's workload."""
    if not settings.sealos_profile:
        return {}
    return {
        "originImageName": image,
        "deploy.cloud.sealos.io/minReplicas": "1",
        "deploy.cloud.sealos.io/maxReplicas": "1",
        "deploy.cloud.sealos.io/resize": storage,
    }


def domain(server: str | None, settings: Settings) -> str:
    """The domain of a sandbox's hosts: of one in a user's cluster that of Sealos there.

    `server` is the URL of a user's API server, None the operator's.
    """
    if not settings.sealos_profile or server is None:
        return settings.sandbox_domain
    try:
        host = read_server(server).host
    except BadServerError:
        return settings.sandbox_domain
    return settings.sealos_domains.get(host, host)
