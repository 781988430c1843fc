"""The way to the operator's own cluster: his kubeconfig, or the ServiceAccount of our own pod.

His kubeconfig is trusted, and does what kubectl's does: it may run programs and read files, and a
proxy of the environment is used. So nothing that a user gave comes here: that is `vetted`.
"""

from collections.abc import Mapping
from importlib.metadata import version
from os import environ
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson
from kubernetes_asyncio import config
from kubernetes_asyncio.client import ApiClient, Configuration
from kubernetes_asyncio.config.incluster_config import InClusterConfigLoader
from yarl import URL

from app.settings import Settings, SettingsError
from reconciler.cluster.calls import Call
from reconciler.cluster.client import Bounds, Cluster

# As kubernetes_asyncio's own session has it: objects of 1.5 MiB are longer than aiohttp's default.
_BUFFER = 2**21
# Where the kubelet puts what a pod needs to speak to its own cluster.
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


async def operators(settings: Settings) -> Cluster:
    """The operator's cluster; without a kubeconfig the one that we run in. Raises SettingsError."""
    bounds = Bounds(settings.cluster_timeout, settings.cluster_rate, settings.cluster_burst)
    if settings.kubeconfig is None:
        return await connect_inside(bounds)
    return await connect(settings.kubeconfig, bounds)


class Trusted:
    """Requests through kubernetes_asyncio, which renews what expires."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        api.user_agent = f"mooring/{version('mooring')}"

    async def send(self, call: Call, timeout: float) -> aiohttp.ClientResponse:
        """The answer, not decoded: the typed models raise on missing fields."""
        headers = {"Accept": "application/json", **self._api.default_headers, **call.headers}
        query = list(call.query.items())
        # This is what renews a token that expires; it writes to both.
        await self._api.update_params_for_auth(headers, query, ["BearerToken"])
        rest = self._api.rest_client
        asked = f"?{urlencode(query)}" if query else ""
        sent: dict[str, Any] = {
            "method": call.method,
            "url": URL(f"{self._api.configuration.host}{call.path}{asked}", encoded=True),
            "headers": headers,
            "timeout": aiohttp.ClientTimeout(total=timeout),
            "data": None if call.body is None else orjson.dumps(call.body),
            "proxy": rest.proxy,
            "proxy_headers": rest.proxy_headers,
            "server_hostname": rest.server_hostname,
        }
        response: aiohttp.ClientResponse = await rest.pool_manager.request(**sent)
        return response

    @property
    def host(self) -> str:
        """The name or address of the server."""
        return urlsplit(str(self._api.configuration.host)).hostname or ""

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()


async def connect(kubeconfig: Path, bounds: Bounds) -> Cluster:
    """The cluster of the operator's own kubeconfig, which is trusted.

    SettingsError when it is none that works: the loader raises whatever it stumbles over.
    """
    try:
        api = await config.new_client_from_config(str(kubeconfig))
    except Exception as error:
        raise SettingsError(
            f"MOORING_KUBECONFIG: {kubeconfig} does not work ({type(error).__name__}). "
            "Give one that works with kubectl"
        ) from error
    _read_environment_once(api)
    return Cluster(Trusted(api), bounds)


async def connect_inside(
    bounds: Bounds, folder: Path = _ACCOUNT, variables: Mapping[str, str] = environ
) -> Cluster:
    """The cluster that we run in, as the ServiceAccount of our pod.

    The kubelet replaces the token before it expires; the file is read again every minute.
    SettingsError where this is no pod, or one that got no token.
    """
    configuration = Configuration()
    loader = InClusterConfigLoader(
        str(folder / "token"), str(folder / "ca.crt"), environ=dict(variables)
    )
    try:
        loader.load_and_set(configuration)
    except (config.ConfigException, OSError) as error:
        raise SettingsError(
            "Set MOORING_KUBECONFIG to the file of the operator's cluster, or run in a pod of it "
            f"with a ServiceAccount's token ({error})"
        ) from error
    api = ApiClient(configuration)
    _read_environment_once(api)
    return Cluster(Trusted(api), bounds)


def _read_environment_once(api: ApiClient) -> None:
    """Look for a proxy now: the client's session would, and for ~/.netrc, on each request.

    Each in a thread of its own: half of a reconciler's processor time (bench/).
    """
    rest, session = api.rest_client, api.rest_client.pool_manager
    server = urlsplit(api.configuration.host)
    if rest.proxy is None and not proxy_bypass(server.hostname or ""):
        rest.proxy = getproxies().get(server.scheme)
    rest.pool_manager = _Direct(session.connector)  # type: ignore[assignment]
    session.detach()


class _Direct:
    """In the place of kubernetes_asyncio's session: follows no redirect and unpacks nothing."""

    def __init__(self, connector: aiohttp.BaseConnector | None) -> None:
        self._session = aiohttp.ClientSession(
            connector=connector,
            read_bufsize=_BUFFER,
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def request(self, **asked: Any) -> aiohttp.ClientResponse:
        return await self._session.request(**asked, allow_redirects=False)

    async def close(self) -> None:
        await self._session.close()
