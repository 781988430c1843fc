"""One cluster through one credential: raw dicts in and out, every call with a time limit.

The typed models of kubernetes_asyncio raise on missing fields after a write has taken effect, so
everything goes through `ApiClient.call_api` without them. The kubeconfig is the operator's own and
trusted; users' clusters will need redirects and proxies switched off.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson
from kubernetes_asyncio import config
from kubernetes_asyncio.client import ApiClient

from app.settings import SettingsError
from reconciler.cluster.errors import ClusterError, Meaning, culprit_of, meaning_of
from reconciler.manifests.identity import MANAGER
from reconciler.manifests.kinds import EVENT, OPTIONAL, Kind, Object, kind_of

_APPLY = "application/apply-patch+yaml"
_PAGE = "500"
_NOT_SERVED_FOR = 600.0
# A busy cluster's budget is halved down to a tenth; each success lifts it again.
_SLOWEST, _FASTER = 0.1, 1.1
# As kubernetes_asyncio's own session has it: objects of 1.5 MiB are longer than aiohttp's default.
_BUFFER = 2**21


class Cluster:
    """Calls of one cluster, within a budget of `rate` requests per second and a `burst`."""

    def __init__(self, api: ApiClient, *, timeout: float, rate: float, burst: int) -> None:
        self._api = api
        self._timeout = timeout
        self._rate = self._full_rate = rate
        self._burst = burst
        self._ready_at = 0.0
        self._absent: dict[Kind, float] = {}
        api.user_agent = f"mooring/{version('mooring')}"

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def apply(self, body: Object) -> Object:
        """Server-side apply, forced: the object as it is afterwards."""
        kind, meta = kind_of(body), body["metadata"]
        path = kind.path(meta["namespace"], meta["name"])
        query = {"fieldManager": MANAGER, "force": "true"}
        applied: Object = await self._call("PATCH", path, query, body, _APPLY)
        return applied

    async def admit(self, body: Object) -> None:
        """Ask whether quota and Pod Security admit this pod; nothing is made or counted."""
        path = kind_of(body).path(body["metadata"]["namespace"])
        await self._call("POST", path, {"dryRun": "All", "fieldManager": MANAGER}, body)

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """One object; None when there is none."""
        try:
            found: Object = await self._call("GET", kind.path(namespace, name), {})
        except ClusterError as error:
            if error.meaning in (Meaning.NOT_FOUND, Meaning.NOT_SERVED):
                return None
            raise
        return found

    async def list_all(self, kind: Kind, namespace: str, selector: str) -> Sequence[Object]:
        """All objects that match; a kind that is not served has none.

        That is remembered for kinds that only others write: of ours there may be an object by now,
        made by another process, and a resource without objects is forgotten.
        """
        if self._absent.get(kind, 0) > time.monotonic():
            return []
        try:
            found, _ = await self.snapshot(kind, namespace, selector)
        except ClusterError as error:
            if error.meaning != Meaning.NOT_SERVED:
                raise
            if kind not in OPTIONAL:
                self._absent[kind] = time.monotonic() + _NOT_SERVED_FOR
            return []
        return found

    async def snapshot(
        self, kind: Kind, namespace: str, selector: str
    ) -> tuple[Sequence[Object], str]:
        """All objects that match, and the resourceVersion to watch from."""
        query = {"labelSelector": selector, "limit": _PAGE}
        found: list[Object] = []
        while True:
            page = await self._call("GET", kind.path(namespace), query)
            found += page["items"]
            following = page["metadata"].get("continue")
            if not following:
                return found, page["metadata"]["resourceVersion"]
            query = query | {"continue": following}

    async def events(self, namespace: str, uid: str) -> Sequence[Object]:
        """Events about the object with this uid; they are a hint, and may be forbidden."""
        query = {"fieldSelector": f"involvedObject.uid={uid}", "limit": _PAGE}
        try:
            page = await self._call("GET", EVENT.path(namespace), query)
        except ClusterError as error:
            if error.meaning not in (Meaning.FORBIDDEN, Meaning.NOT_FOUND, Meaning.NOT_SERVED):
                raise
            return []
        found: Sequence[Object] = page["items"]
        return found

    async def delete(self, kind: Kind, body: Object) -> None:
        """Delete just this object (by uid), after what it owns; gone already is a success."""
        meta = body["metadata"]
        options = {
            "propagationPolicy": "Foreground",
            "preconditions": {"uid": meta["uid"]},
        }
        try:
            await self._call("DELETE", kind.path(meta["namespace"], meta["name"]), {}, options)
        except ClusterError as error:
            if error.meaning not in (Meaning.NOT_FOUND, Meaning.CONFLICT):
                raise

    async def watch(
        self, kind: Kind, namespace: str, selector: str, since: str, seconds: float
    ) -> AsyncIterator[Object]:
        """Events after `since` for at most `seconds`, bookmarks included."""
        query = {
            "watch": "true",
            "labelSelector": selector,
            "resourceVersion": since,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(int(seconds)),
        }
        response = await self._send("GET", kind.path(namespace), query, None, None, seconds + 30)
        try:
            if response.status != 200:
                raise _refusal(response, await response.read(), "GET", kind.path(namespace))
            buffered = b""
            async for chunk in response.content.iter_any():
                *lines, buffered = (buffered + chunk).split(b"\n")
                for line in filter(None, lines):
                    yield orjson.loads(line)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unanswered(error) from error
        finally:
            response.close()

    async def _call(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: Object | None = None,
        media: str | None = None,
    ) -> Any:
        await self._budget()
        response = await self._send(method, path, query, body, media, self._timeout)
        try:
            content = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unanswered(error) from error
        finally:
            response.release()
        if response.status >= 300:
            raise self._slowed_by(_refusal(response, content, method, path))
        self._rate = min(self._full_rate, self._rate * _FASTER)
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise ClusterError(Meaning.UNAVAILABLE, 0, "the answer is not JSON") from error

    async def _send(  # noqa: PLR0917 - one HTTP request
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: Object | None,
        media: str | None,
        timeout: float,
    ) -> Any:
        try:
            return await self._api.call_api(
                path,
                method,
                query_params=list(query.items()),
                header_params={
                    "Content-Type": media or "application/json",
                    "Accept": "application/json",
                },
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _request_timeout=timeout,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unanswered(error) from error

    def _slowed_by(self, error: ClusterError) -> ClusterError:
        """A cluster that is too busy gets half as many requests, and soon more again."""
        if error.meaning is Meaning.THROTTLED:
            self._rate = max(self._full_rate * _SLOWEST, self._rate / 2)
        return error

    async def _budget(self) -> None:
        now = time.monotonic()
        earliest = now - self._burst / self._rate
        self._ready_at = max(self._ready_at, earliest) + 1 / self._rate
        if self._ready_at > now:
            await asyncio.sleep(self._ready_at - now)


def _refusal(response: Any, content: bytes, method: str, path: str) -> ClusterError:
    """An answer that is no success, with what it says about the culprit and the wait."""
    try:
        body: object = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = content[:500].decode(errors="replace").strip()
    meaning = meaning_of(response.status, body)
    said = body.get("message") if isinstance(body, dict) else body
    if meaning is Meaning.NOT_SERVED:
        said = f"{path} is not served: {said}"
    return ClusterError(
        meaning,
        response.status,
        str(said or f"HTTP {response.status}"),
        object=culprit_of(body, path),
        reading=method == "GET",
        retry_after=_seconds(response.headers.get("Retry-After", "")),
    )


def _seconds(retry_after: str) -> float:
    """API servers give whole seconds (RFC 9110 section 10.2.3 admits a date too)."""
    return float(retry_after) if retry_after.isdecimal() else 0.0


def _unanswered(error: Exception) -> ClusterError:
    said = "The API server did not answer in time." if isinstance(error, TimeoutError) else ""
    return ClusterError(Meaning.UNAVAILABLE, 0, said or str(error) or repr(error))


async def connect(kubeconfig: Path, *, timeout: float, rate: float, burst: int) -> Cluster:
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
    return Cluster(api, timeout=timeout, rate=rate, burst=burst)


def _read_environment_once(api: ApiClient) -> None:
    """Look for a proxy now: the client's session would, and for ~/.netrc, on each request.

    Each in a thread of its own: half of a reconciler's processor time (bench/).
    """
    rest, session = api.rest_client, api.rest_client.pool_manager
    server = urlsplit(api.configuration.host)
    if rest.proxy is None and not proxy_bypass(server.hostname or ""):
        rest.proxy = getproxies().get(server.scheme)
    rest.pool_manager = aiohttp.ClientSession(connector=session.connector, read_bufsize=_BUFFER)
    session.detach()
