"""A request for a resource: HTTP on one side, `verbs`, lists and watches on the other."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Send

from reconciler.simulator import bodies, list_options, parameters, pod_security, strategic
from reconciler.simulator.faults import Faults, Q, WatchCut, WatchExpired
from reconciler.simulator.kinds import INGRESS, Kind
from reconciler.simulator.listing import Lister, check_version
from reconciler.simulator.network_rules import ingress_warnings
from reconciler.simulator.patches import json_patched, merged
from reconciler.simulator.paths import Target
from reconciler.simulator.scale import scale, scaled
from reconciler.simulator.schema import Json, of
from reconciler.simulator.selectors import Selection, parse_fields, parse_labels
from reconciler.simulator.status import Refusal, bad_request, invalid_patch, no_version
from reconciler.simulator.stored import Stored
from reconciler.simulator.tables import as_asked
from reconciler.simulator.verbs import Verbs
from reconciler.simulator.watch import Watch, error_line, too_old

JSON = "application/json"


def answer(body: bytes, code: int = 200, warnings: list[str] | None = None) -> Response:
    response = Response(body, code, media_type=JSON)
    for text in warnings or ():
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.append("Warning", f'299 - "{quoted}"')
    return response


def method_not_allowed() -> Refusal:
    message = "the server does not allow this method on the requested resource"
    return Refusal(405, message, details={})


class WatchResponse(StreamingResponse):
    def __init__(self, watch: Watch, lines: AsyncIterator[bytes]) -> None:
        super().__init__(lines, media_type=JSON)
        self._watch = watch

    async def stream_response(self, send: Send) -> None:
        """Without its end if it is torn: then the server closes the connection."""

        async def unless_torn(message: Message) -> None:
            ends = message["type"] == "http.response.body" and not message.get("more_body")
            if not (ends and self._watch.torn):
                await send(message)

        await super().stream_response(unless_torn)


@dataclass
class Resources:
    verbs: Verbs
    lister: Lister
    faults: Faults
    watches: set[Watch] = field(default_factory=set)

    async def serve(self, request: Request, target: Target) -> Response:
        """Raises Refusal."""
        if target.subresource == "scale":
            return await self._scale(request, target)
        if target.name:
            acts: dict[str, Any] = {
                "GET": self._get,
                "PUT": self._replace,
                "PATCH": self._patch,
                "DELETE": self._delete,
            }
            act = (
                None
                if target.subresource and request.method == "DELETE"
                else acts.get(request.method)
            )
        else:
            acts = {"GET": self._list, "POST": self._create, "DELETE": self._delete_all}
            act = acts.get(request.method)
        if act is None:
            raise method_not_allowed()
        response: Response = await act(request, target)
        return as_asked(request, target.kind, response) if request.method == "GET" else response

    # -- reads -----------------------------------------------------------------------------------
    async def _get(self, request: Request, target: Target) -> Response:
        version = request.query_params.get("resourceVersion", "")
        check_version(version, self.verbs.store.version)
        return answer(self.verbs.get(target.kind, target.namespace, target.name).json)

    async def _list(self, request: Request, target: Target) -> Response:
        query = request.query_params
        selection = _selection(query, target)
        if parameters.flag(query, "watch"):
            return self._watch(request, target, selection)
        list_options.check_list(query)
        version = query.get("resourceVersion", "")
        check_version(version, self.verbs.store.version)
        exact = int(version) if query.get(list_options.MATCH) == list_options.EXACT else None
        limit = parameters.number(query, "limit") or 0
        page = self.lister.page(target.kind, selection, limit, query.get("continue", ""), exact)
        return answer(page)

    def _watch(self, request: Request, target: Target, selection: Selection) -> Response:
        query = request.query_params
        list_options.check_watch(query)
        store, kind = self.verbs.store, target.kind
        watch = Watch(kind, store.tables[kind].history, selection, lambda: store.version)
        version = _watch_version(query.get("resourceVersion", ""))
        lasting = self._lasting(watch, parameters.number(query, "timeoutSeconds"))
        bookmarks = parameters.flag(query, "allowWatchBookmarks")
        initial = parameters.flag(query, "sendInitialEvents")
        if version and not initial:
            try:
                self._not_expired(watch, version)
                watch.replay(version)
            except Refusal as refusal:
                return Response(error_line(refusal), media_type=JSON)
        else:
            watch.begin(self.lister.select(kind, selection), end_bookmark=bookmarks)
        return WatchResponse(watch, self._lines(watch, lasting, bookmarks))

    def _lasting(self, watch: Watch, seconds: int | None) -> float:
        """Without a number, upstream takes something between half an hour and an hour."""
        lasting: float = seconds or 1800 + secrets.randbelow(1800)
        rule = self._rule(WatchCut, watch)
        if rule is None:
            return lasting
        self.faults.happened(rule)
        watch.torn = rule.torn
        return min(lasting, rule.after)

    def _not_expired(self, watch: Watch, version: int) -> None:
        rule = self._rule(WatchExpired, watch)
        if rule is not None:
            self.faults.happened(rule)
            raise too_old(version, self.verbs.store.version + 1)

    def _rule(self, fault: type[Q], watch: Watch) -> Q | None:
        return self.faults.asked(fault, "watch", watch.kind.kind, watch.namespace)

    def cut_watches(self) -> None:
        """The rules have changed: those that are open and cut now end."""
        for watch in tuple(self.watches):
            expired = self._rule(WatchExpired, watch)
            rule = expired or self._rule(WatchCut, watch)
            if rule is None or watch.ending:
                continue
            current = self.verbs.store.version
            watch.torn = isinstance(rule, WatchCut) and rule.torn
            watch.end(too_old(current, current + 1) if expired else None)
            self.faults.happened(rule)

    async def _lines(self, watch: Watch, seconds: float, bookmarks: bool) -> Any:
        self.watches.add(watch)
        try:
            async for chunk in watch.lines(seconds, bookmarks=bookmarks):
                yield chunk
        finally:
            self.watches.discard(watch)

    def close_watches(self) -> None:
        for watch in tuple(self.watches):
            watch.close()

    # -- writes ----------------------------------------------------------------------------------
    async def _create(self, request: Request, target: Target) -> Response:
        kind = target.kind
        if kind.namespaced and not target.namespace:
            raise method_not_allowed()
        writer = parameters.writer(request.query_params, _agent(request), "CreateOptions")
        decoded = await _decoded(request, kind)
        stored = self.verbs.create(kind, target.namespace, decoded.body, writer)
        return answer(stored.json, 201, decoded.warnings + self._warnings(stored, created=True))

    async def _replace(self, request: Request, target: Target) -> Response:
        writer = parameters.writer(request.query_params, _agent(request), "UpdateOptions")
        decoded = await _decoded(request, target.kind)
        bodies.matching_name(decoded.body["metadata"].get("name"), target.name)
        live = self.verbs.get(target.kind, target.namespace, target.name)
        if target.kind.custom and not decoded.body["metadata"].get("resourceVersion"):
            raise no_version(target.kind, target.name)
        stored = self.verbs.update(live, decoded.body, writer, target.subresource)
        return answer(stored.json, 200, decoded.warnings + self._warnings(stored))

    async def _patch(self, request: Request, target: Target) -> Response:
        media = _media(request)
        data = await _read(request)
        if media == bodies.APPLY:
            return self._apply(request, target, data)
        bodies.check_patch(target.kind, media)
        query = request.query_params
        writer = parameters.writer(query, _agent(request), "PatchOptions")
        live = self.verbs.get(target.kind, target.namespace, target.name)
        body = _patched(live, data, media)
        try:
            decoded = bodies.read(target.kind, body, query.get("fieldValidation", "Warn"))
        except bodies.Undecodable as error:
            raise invalid_patch(body, str(error)) from None
        bodies.matching_name(decoded.body["metadata"].get("name"), target.name)
        stored = self.verbs.update(live, decoded.body, writer, target.subresource)
        return answer(stored.json, 200, decoded.warnings + self._warnings(stored))

    async def _scale(self, request: Request, target: Target) -> Response:
        query, data = request.query_params, await _read(request)
        live = self.verbs.get(target.kind, target.namespace, target.name)
        if request.method not in ("GET", "PUT", "PATCH"):
            raise method_not_allowed()
        if request.method != "GET":
            wanted = bodies.as_json(data)
            if request.method == "PATCH":
                wanted = merged(scale(live), wanted)
            writer = parameters.writer(query, _agent(request), "UpdateOptions")
            live = self.verbs.update(live, scaled(live, wanted), writer, target.subresource)
        return answer(orjson.dumps(scale(live)))

    def _apply(self, request: Request, target: Target, data: bytes) -> Response:
        kind, namespace = target.kind, target.namespace
        agent = _agent(request)
        writer = parameters.writer(request.query_params, agent, "PatchOptions", applies=True)
        config = bodies.applied(kind, target.name, data)
        given = config["metadata"].get("namespace", namespace)
        if given != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the"
                " request"
            )
        stored, created = self.verbs.apply(
            kind, namespace, target.name, config, writer, subresource=target.subresource
        )
        warnings = self._warnings(stored, created=created)
        return answer(stored.json, 201 if created else 200, warnings)

    def _warnings(self, stored: Stored, *, created: bool = False) -> list[str]:
        found = ingress_warnings(stored.body) if created and stored.kind is INGRESS else []
        store = self.verbs.store
        return found + pod_security.warnings(store, stored.kind, stored.namespace, stored.body)

    # -- deletes ---------------------------------------------------------------------------------
    async def _delete(self, request: Request, target: Target) -> Response:
        options = parameters.deletion(request.query_params, await _options(request))
        live = self.verbs.get(target.kind, target.namespace, target.name)
        left = self.verbs.delete(live, options)
        return answer(left.json if isinstance(left, Stored) else orjson.dumps(left))

    async def _delete_all(self, request: Request, target: Target) -> Response:
        if not target.kind.namespaced or not target.namespace:
            raise method_not_allowed()
        query = request.query_params
        options = parameters.deletion(query, await _options(request))
        selection = _selection(query, target)
        page = self.lister.page(target.kind, selection, 0, "")
        for live in self.lister.select(target.kind, selection):
            self.verbs.delete(live, options)
        return answer(page)


def _media(request: Request) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip()


def _agent(request: Request) -> str:
    return request.headers.get("User-Agent", "")


def _selection(query: parameters.Query, target: Target) -> Selection:
    return Selection(
        target.namespace,
        parse_labels(query.get("labelSelector", "")),
        parse_fields(target.kind, query.get("fieldSelector", "")),
    )


def _watch_version(text: str) -> int:
    try:
        return int(text or 0)
    except ValueError:
        message = (
            f'resourceVersion: Invalid value: "{text}": '
            f'strconv.ParseUint: parsing "{text}": invalid syntax'
        )
        raise Refusal(500, message) from None


async def _read(request: Request) -> bytes:
    data = await request.body()
    if len(data) > bodies.LIMIT_BYTES:
        message = f"Request entity too large: limit is {bodies.LIMIT_BYTES}"
        raise Refusal(413, message, "RequestEntityTooLarge")
    return data


async def _decoded(request: Request, kind: Kind) -> bodies.Decoded:
    data = await _read(request)
    found = bodies.parsed(data, request.headers.get("Content-Type", ""), kind)
    return bodies.typed(kind, found, request.query_params.get("fieldValidation", "Warn"))


async def _options(request: Request) -> Json:
    data = await _read(request)
    if not data:
        return {}
    try:
        options = orjson.loads(data)
    except ValueError as error:
        why = bodies.syntax_fault(error)
        raise bad_request(f"couldn't get version/kind; json parse error: {why}") from None
    if not isinstance(options, dict):
        raise bad_request("couldn't get version/kind; json parse error: an object is expected")
    return options


def _patched(live: Stored, data: bytes, media: str) -> Json:
    patch = bodies.as_json(data)
    if media == bodies.JSON_PATCH:
        return json_patched(live.body, patch)
    if not isinstance(patch, dict):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal array into Go value of type"
            " map[string]interface {}"
        )
    if media == bodies.STRATEGIC_PATCH:
        return _strategic(live, patch)
    body: Json = merged(live.body, patch)
    return body


def _strategic(live: Stored, patch: Json) -> Json:
    try:
        body: Json = strategic.merged(of(live.kind.shape), live.body, patch)
    except KeyError as error:
        raise Refusal(500, error.args[0]) from None
    except ValueError as error:
        raise bad_request(str(error)) from None
    return body
