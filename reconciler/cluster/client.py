"""One cluster through one credential: raw dicts in and out, every call with a time limit.

The typed models of kubernetes_asyncio raise on missing fields after a write has taken effect, so
everything is raw here. How a request gets to the server is the transport's: that of the operator's
own kubeconfig (`trusted`), or of a user's (`vetted`). Answers are bounded, whoever gives them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
import orjson

from reconciler.cluster.errors import ClusterError, Meaning, culprit_of, meaning_of
from reconciler.manifests.identity import MANAGER
from reconciler.manifests.kinds import EVENT, OPTIONAL, Kind, Object, kind_of

_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_PAGE = "500"
_NOT_SERVED_FOR = 600.0
# A busy cluster's budget is halved down to a tenth; each success lifts it again.
_SLOWEST, _FASTER = 0.1, 1.1
_NOT_THERE = frozenset({Meaning.NOT_FOUND, Meaning.NOT_SERVED, Meaning.NAMESPACE_MISSING})
# Seconds that an API server may ask to wait at most, and characters of what it says that are kept.
_LONGEST_WAIT, _LONGEST_WORDS = 600.0, 2000


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds for one request; requests per second and at once above that; bytes of one answer, and
    how many values are in it; pages of one list."""

    timeout: float
    rate: float
    burst: int
    longest: int = 64 * 2**20
    parts: int = 64 * 2**20
    pages: int = 1000


@dataclass(frozen=True, slots=True)
class Call:
    """One request, without what the way to the server adds to it."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Object | None = field(default=None, repr=False)
    media: str = _JSON


class Transport(Protocol):
    """Sends requests to one server, with one credential."""

    async def send(self, call: Call, timeout: float) -> aiohttp.ClientResponse:
        """The answer, whose content is not read yet. Raises what aiohttp does."""

    async def close(self) -> None:
        """Close the connections."""

    @property
    def host(self) -> str:
        """The name or address of the server."""


class Cluster:
    """Calls of one cluster, within `bounds`."""

    def __init__(self, transport: Transport, bounds: Bounds) -> None:
        self._transport = transport
        self._bounds = bounds
        self._rate = bounds.rate
        self._ready_at = 0.0
        self._absent: dict[Kind, float] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    @property
    def host(self) -> str:
        """The name or address of its server."""
        return self._transport.host

    async def review(self, path: str, spec: Object | None = None) -> Object:
        """What the server says to a question about oneself; nothing is made."""
        said: Object = await self._call("POST", path, {}, {"spec": spec} if spec else {})
        return said

    async def has_namespace(self, name: str) -> bool:
        """Whether there is such a namespace; where one may not ask, there is."""
        try:
            await self._call("GET", f"/api/v1/namespaces/{name}", {})
        except ClusterError as error:
            if error.meaning not in _NOT_THERE | {Meaning.FORBIDDEN}:
                raise
            return error.meaning is Meaning.FORBIDDEN
        return True

    async def serves(self, kind: Kind) -> bool:
        """Whether the server knows the kind; where one may not ask, it does."""
        if self._absent.get(kind, 0) > time.monotonic():
            return False
        try:
            known = await self._call("GET", kind.prefix, {})
        except ClusterError as error:
            if error.meaning is Meaning.FORBIDDEN:
                return True
            if error.meaning not in _NOT_THERE:
                raise
            return False
        return any(resource["name"] == kind.plural for resource in known["resources"])

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
        made by another process, and a resource without objects is forgotten. Whoever may not list
        a kind is told so before the server looks whether it is served, so that is asked then.
        """
        if self._absent.get(kind, 0) > time.monotonic():
            return []
        try:
            found, _ = await self.snapshot(kind, namespace, selector)
        except ClusterError as error:
            hidden = error.meaning is Meaning.FORBIDDEN and not await self.serves(kind)
            if error.meaning is not Meaning.NOT_SERVED and not hidden:
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
        for _ in range(self._bounds.pages):
            page = await self._call("GET", kind.path(namespace), query)
            found += page["items"]
            following = page["metadata"].get("continue")
            if not following:
                return found, page["metadata"]["resourceVersion"]
            query = query | {"continue": following}
        raise ClusterError(Meaning.UNAVAILABLE, 0, "A list of the API server does not end.")

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
        call = Call("GET", kind.path(namespace), query)
        response = await self._send(call, seconds + 30)
        try:
            if response.status != 200:
                content = await self._content(response)
                raise _refusal(response, content, call)
            buffered = b""
            async for chunk in response.content.iter_any():
                *lines, buffered = (buffered + chunk).split(b"\n")
                if len(buffered) > self._bounds.longest:
                    raise ClusterError(Meaning.UNAVAILABLE, 0, "An event is too long.")
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
        query: Mapping[str, str],
        body: Object | None = None,
        media: str = _JSON,
    ) -> Any:
        await self._budget()
        call = Call(method, path, query, body, media)
        response = await self._send(call, self._bounds.timeout)
        try:
            content = await self._content(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unanswered(error) from error
        finally:
            response.release()
        if response.status >= 300:
            raise self._slowed_by(_refusal(response, content, call))
        self._rate = min(self._bounds.rate, self._rate * _FASTER)
        return _decoded(content, self._bounds.parts)

    async def _send(self, call: Call, timeout: float) -> aiohttp.ClientResponse:
        try:
            return await self._transport.send(call, timeout)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unanswered(error) from error

    async def _content(self, response: aiohttp.ClientResponse) -> bytes:
        """The whole of an answer; one that is too long is given up with its connection."""
        parts: list[bytes] = []
        length = 0
        async for part in response.content.iter_any():
            parts.append(part)
            length += len(part)
            if length > self._bounds.longest:
                response.close()
                raise ClusterError(Meaning.UNAVAILABLE, 0, "The API server's answer is too long.")
        return b"".join(parts)

    def _slowed_by(self, error: ClusterError) -> ClusterError:
        """A cluster that is too busy gets half as many requests, and soon more again."""
        if error.meaning is Meaning.THROTTLED:
            self._rate = max(self._bounds.rate * _SLOWEST, self._rate / 2)
        return error

    async def _budget(self) -> None:
        now = time.monotonic()
        earliest = now - self._bounds.burst / self._rate
        self._ready_at = max(self._ready_at, earliest) + 1 / self._rate
        if self._ready_at > now:
            await asyncio.sleep(self._ready_at - now)


def _decoded(content: bytes, most: int) -> Any:
    """What an answer says. NUL is in no name or message of Kubernetes, and Postgres has none.

    Of empty lists alone it would be thirty times as large as it came.
    """
    if sum(content.count(mark) for mark in (b",", b"[", b"{")) > most:
        raise ClusterError(Meaning.UNAVAILABLE, 0, "The API server's answer has too many parts.")
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ClusterError(Meaning.UNAVAILABLE, 0, "the answer is not JSON") from error
    if b"\\u0000" in content:
        raise ClusterError(Meaning.UNAVAILABLE, 0, "the answer has characters that no name has")
    return said


def _refusal(response: aiohttp.ClientResponse, content: bytes, call: Call) -> ClusterError:
    """An answer that is no success, with what it says about the culprit and the wait."""
    try:
        body: object = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = content[:500].decode(errors="replace")
    if isinstance(body, dict):
        body["message"] = _words(str(body.get("message") or ""))
    else:
        body = _words(str(body))
    meaning = meaning_of(response.status, body)
    said = body["message"] if isinstance(body, dict) else body
    if meaning is Meaning.NOT_SERVED:
        said = f"{call.path} is not served: {said}"
    culprit = culprit_of(body, call.path)
    return ClusterError(
        meaning,
        response.status,
        str(said or f"HTTP {response.status}"),
        object=culprit and _words(culprit),
        reading=call.method == "GET",
        retry_after=_seconds(response.headers.get("Retry-After", "")),
    )


def _words(said: str) -> str:
    """As much of a server's words as a row keeps, without what Postgres has no place for."""
    return said[:_LONGEST_WORDS].replace("\0", "").strip()


def _seconds(retry_after: str) -> float:
    """API servers give whole seconds (RFC 9110 section 10.2.3 admits a date too)."""
    return min(float(retry_after), _LONGEST_WAIT) if retry_after.isdecimal() else 0.0


def _unanswered(error: Exception) -> ClusterError:
    said = "The API server did not answer in time." if isinstance(error, TimeoutError) else ""
    return ClusterError(Meaning.UNAVAILABLE, 0, said or _words(str(error)) or repr(error))
