"""One cluster through one credential: raw dicts in and out, every call with a time limit.

The typed models of kubernetes_asyncio raise on missing fields after a write has taken effect, so
everything is raw here. How a request gets to the server is the transport's: that of the operator's
own kubeconfig (`trusted`), or of a user's (`vetted`). Answers are bounded, whoever gives them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import aiohttp

from reconciler import metrics
from reconciler.cluster import answers
from reconciler.cluster.answers import an_event, an_object, nonsense
from reconciler.cluster.budget import Budget
from reconciler.cluster.calls import APPLY, JSON, Call, noted
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.cluster.index import Index
from reconciler.manifests.identity import MANAGER
from reconciler.manifests.kinds import DEFINITION, EVENT, Kind, Object, kind_of

_MERGE = "application/merge-patch+json"
_PAGE = "500"
# Seconds for which it is taken to stay which versions of a group are served. After an upgrade an
# object that is written in an older one loses fields.
_SERVED_FOR = 5.0
# Seconds for which what was found out by trying is remembered.
_REMEMBERED_FOR = 600.0
# An apply with it makes an object and never changes one: those that are there have others. Seen on
# 1.36 (tests/kubernetes/test_objects.py).
_OF_NONE = {"resourceVersion": "1"}
_NOT_THERE = frozenset({Meaning.NOT_FOUND, Meaning.NOT_SERVED, Meaning.NAMESPACE_MISSING})


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds for one request; requests per second and at once above that; bytes of one answer, and
    how many values are in it; pages of one list; bytes of one event.

    An object has up to 1.5 MiB in etcd, and twice that as JSON with its managed fields.
    """

    timeout: float
    rate: float
    burst: int
    longest: int = 64 * 2**20
    parts: int = 64 * 2**20
    pages: int = 1000
    event: int = 8 * 2**20


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
    """Calls of one cluster, within `bounds`; `index`: what its watches have told, if it has any.

    `whose` it is, in the words of the metrics.
    """

    def __init__(
        self, transport: Transport, bounds: Bounds, whose: str = metrics.OPERATORS
    ) -> None:
        self._transport = transport
        self._whose = whose
        self._bounds = bounds
        self._budget = Budget(bounds.rate, bounds.burst)
        self._versions: dict[str, tuple[float, frozenset[str]]] = {}
        self._remembered: dict[str, float] = {}
        self._dated = "", 0.0
        self.index = Index()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    @property
    def host(self) -> str:
        """The name or address of its server."""
        return self._transport.host

    @property
    def clock(self) -> datetime | None:
        """What time it is there, by the last answer (RFC 9110 section 6.6.1, whole seconds); None
        where no answer says."""
        said, at = self._dated
        try:
            then = parsedate_to_datetime(said)
        except ValueError:
            return None
        return then.astimezone(UTC) + timedelta(seconds=time.monotonic() - at)

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
        try:
            known = await self._call("GET", kind.prefix, {})
        except ClusterError as error:
            if error.meaning is Meaning.FORBIDDEN:
                return True
            if error.meaning not in _NOT_THERE:
                raise
            return False
        listed = known.get("resources") if isinstance(known, dict) else None
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise nonsense()
        return any(resource.get("name") == kind.plural for resource in listed)

    async def defines(self, name: str) -> bool | None:
        """Whether there is a CustomResourceDefinition of this name, served or not: without one
        there are no objects of it. None where one may not know."""
        try:
            await self._call("GET", DEFINITION.path("", name), {})
        except ClusterError as error:
            if error.meaning not in (Meaning.NOT_FOUND, Meaning.NOT_SERVED, Meaning.FORBIDDEN):
                raise
            return False if error.meaning is Meaning.NOT_FOUND else None
        return True

    async def versions(self, group: str) -> frozenset[str]:
        """The versions of an API group that are served, remembered for some seconds; none, which is
        not, where there is no such group."""
        until, known = self._versions.get(group, (0.0, frozenset()))
        if until > time.monotonic():
            return known
        try:
            said = await self._call("GET", f"/apis/{group}", {})
        except ClusterError as error:
            if error.meaning not in _NOT_THERE:
                raise
            return frozenset()
        listed = said.get("versions") if isinstance(said, dict) else None
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise nonsense()
        known = frozenset(str(one.get("version")) for one in listed)
        self._versions[group] = (time.monotonic() + _SERVED_FOR, known)
        return known

    def forget(self, group: str) -> None:
        """An API group is not as it was."""
        self._versions.pop(group, None)

    def remember(self, fact: str) -> None:
        """Something was found out about the cluster, which holds for ten minutes."""
        self._remembered[fact] = time.monotonic() + _REMEMBERED_FOR

    def remembers(self, fact: str) -> bool:
        """Whether that was found out lately."""
        return self._remembered.get(fact, 0) > time.monotonic()

    async def apply(self, body: Object, *, new: bool = False) -> Object:
        """Server-side apply, forced: the object as it is afterwards.

        `new`: CONFLICT where an object of the name is there already.
        """
        if new:
            body = body | {"metadata": body["metadata"] | _OF_NONE}
        kind, meta = kind_of(body), body["metadata"]
        path = kind.path(meta.get("namespace", ""), meta["name"])
        query = {"fieldManager": MANAGER, "force": "true"}
        before = self.index.before(body)
        applied = an_object(await self._call("PATCH", path, query, body, APPLY))
        self.index.applied(body, applied, before)
        return applied

    async def patch(self, kind: Kind, live: Object, change: Object) -> Object:
        """Merge `change` into just this object (by uid), as RFC 7386 says."""
        meta = live["metadata"]
        path = kind.path(meta["namespace"], meta["name"])
        change = {**change, "metadata": {**change.get("metadata", {}), "uid": meta["uid"]}}
        patched: Object = await self._call("PATCH", path, {"fieldManager": MANAGER}, change, _MERGE)
        return patched

    async def admit(self, body: Object) -> None:
        """Ask whether quota and Pod Security admit this pod; nothing is made or counted."""
        path = kind_of(body).path(body["metadata"]["namespace"])
        await self._call("POST", path, {"dryRun": "All", "fieldManager": MANAGER}, body)

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """One object; None when there is none. Of a kind that is not served there may be one."""
        try:
            return an_object(await self._call("GET", kind.path(namespace, name), {}))
        except ClusterError as error:
            if error.meaning not in (Meaning.NOT_FOUND, Meaning.NAMESPACE_MISSING):
                raise
            return None

    async def named(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The same as `get`, for a kind of which listing is all that one may."""
        query = {"fieldSelector": f"metadata.name={name}"}
        found, _ = answers.a_page(await self._call("GET", kind.path(namespace), query))
        return next(iter(found), None)

    async def list_all(self, kind: Kind, namespace: str, selector: str) -> Sequence[Object]:
        """All objects that match; a kind that is not served has none to show."""
        return await self.listed(kind, namespace, selector) or []

    async def listed(self, kind: Kind, namespace: str, selector: str) -> Sequence[Object] | None:
        """The same; None where the kind is not served: what is stored of it nobody sees then."""
        try:
            pages = self.snapshot(kind, namespace, selector)
            return [body async for page, _ in pages for body in page]
        except ClusterError as error:
            if not await self._is_unserved(kind, error):
                raise
            return None

    async def pages(
        self, kind: Kind, namespace: str, selector: str
    ) -> AsyncIterator[Sequence[Object]]:
        """The same as `list_all`, a page at a time: no more than one is held."""
        try:
            async for items, _ in self.snapshot(kind, namespace, selector):
                yield items
        except ClusterError as error:
            if not await self._is_unserved(kind, error):
                raise

    async def snapshot(
        self, kind: Kind, namespace: str, selector: str, *, bare: bool = False
    ) -> AsyncIterator[tuple[Sequence[Object], str]]:
        """All objects that match, a page at a time, each with the resourceVersion to watch from;
        `bare`: of each only its metadata."""
        query = {"labelSelector": selector, "limit": _PAGE}
        for _ in range(self._bounds.pages):
            said = await self._asked(Call("GET", kind.path(namespace), query, bare=bare))
            items, meta = answers.a_page(said)
            yield items, meta.get("resourceVersion", "")
            following = meta.get("continue")
            if not following:
                return
            query = query | {"continue": following}
        raise nonsense("A list of the API server does not end.")

    async def _is_unserved(self, kind: Kind, error: ClusterError) -> bool:
        """Whoever may not list a kind is told so before the server looks whether it is served."""
        hidden = error.meaning is Meaning.FORBIDDEN and not await self.serves(kind)
        return hidden or error.meaning is Meaning.NOT_SERVED

    async def events(self, namespace: str, uid: str) -> Sequence[Object]:
        """Events about the object with this uid; they are a hint, and may be forbidden."""
        query = {"fieldSelector": f"involvedObject.uid={uid}", "limit": _PAGE}
        try:
            found, _ = answers.a_page(await self._call("GET", EVENT.path(namespace), query))
        except ClusterError as error:
            if error.meaning not in (Meaning.FORBIDDEN, Meaning.NOT_FOUND, Meaning.NOT_SERVED):
                raise
            return []
        return found

    async def delete(self, kind: Kind, body: Object, *, exact: bool = False) -> None:
        """Delete just this object (by uid), after what it owns; gone already is a success.

        `exact`: only as it was seen; CONFLICT when somebody has changed it since.
        """
        meta = body["metadata"]
        seen = {"uid": meta["uid"]}
        if exact:
            seen["resourceVersion"] = meta["resourceVersion"]
        options = {"propagationPolicy": "Foreground", "preconditions": seen}
        try:
            path = kind.path(meta.get("namespace", ""), meta["name"])
            await self._call("DELETE", path, {}, options)
        except ClusterError as error:
            moved = error.meaning is Meaning.CONFLICT and not exact
            if error.meaning not in _NOT_THERE and not moved:
                raise

    async def release(self, kind: Kind, body: Object, finalizers: Collection[str]) -> None:
        """Take these finalizers off just this object, as it was seen; one that has moved since, or
        is gone, is left for another look."""
        meta = body["metadata"]
        kept = [name for name in meta.get("finalizers") or [] if name not in finalizers]
        seen = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        change = {"metadata": {**seen, "finalizers": kept}}
        path = kind.path(meta["namespace"], meta["name"])
        try:
            await self._call("PATCH", path, {"fieldManager": MANAGER}, change, _MERGE)
        except ClusterError as error:
            if error.meaning not in (Meaning.NOT_FOUND, Meaning.CONFLICT):
                raise

    async def watch(
        self,
        kind: Kind,
        namespace: str,
        selector: str,
        since: str,
        seconds: float,
        *,
        bare: bool = False,
    ) -> AsyncIterator[Object]:
        """Events after `since` for at most `seconds`, bookmarks included; `bare`: of each object
        only its metadata."""
        query = {
            "watch": "true",
            "labelSelector": selector,
            "resourceVersion": since,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(int(seconds)),
        }
        call = Call("GET", kind.path(namespace), query, bare=bare)
        with noted(call, self._whose):
            response = await self._begun(call, seconds + self._bounds.timeout)
        try:
            async for line in answers.lines(response.content.iter_any(), self._bounds.event):
                yield an_event(line, self._bounds.parts)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise answers.unanswered(error) from error
        finally:
            response.close()

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | None = None,
        media: str = JSON,
    ) -> Any:
        return await self._asked(Call(method, path, query, body, media))

    async def _asked(self, call: Call) -> Any:
        await self._budget.spend()
        with noted(call, self._whose):
            return await self._answer(call)

    async def _answer(self, call: Call) -> Any:
        response = await self._send(call, self._bounds.timeout)
        try:
            content = await self._content(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise answers.unanswered(error) from error
        finally:
            response.release()
        self._dated = response.headers.get("Date", ""), time.monotonic()
        if not 200 <= response.status < 300:
            refused = answers.refusal(response, content, call.method, call.path)
            if refused.meaning is Meaning.THROTTLED:
                self._budget.slower()
            raise refused
        self._budget.faster()
        return answers.decoded(content, response.content_type, self._bounds.parts)

    async def _begun(self, call: Call, timeout: float) -> aiohttp.ClientResponse:
        """A watch that the server has let begin; closing it is the caller's."""
        response = await self._send(call, timeout)
        if response.status == 200:
            return response
        try:
            content = await self._content(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise answers.unanswered(error) from error
        finally:
            response.close()
        raise answers.refusal(response, content, call.method, call.path)

    async def _send(self, call: Call, timeout: float) -> aiohttp.ClientResponse:
        """The head of an answer, which no call waits for longer than for a whole one."""
        try:
            async with asyncio.timeout(self._bounds.timeout):
                return await self._transport.send(call, timeout)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise answers.unanswered(error) from error

    async def _content(self, response: aiohttp.ClientResponse) -> bytes:
        """The whole of an answer; one that is too long is given up with its connection."""
        parts: list[bytes] = []
        length = 0
        async for part in response.content.iter_any():
            parts.append(part)
            length += len(part)
            if length > self._bounds.longest:
                response.close()
                raise nonsense("The API server's answer is too long.")
        return b"".join(parts)
