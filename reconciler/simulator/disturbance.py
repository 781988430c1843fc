"""Faults of the API server itself: what comes between a request and its answer.

Late, never, refused before or after it took effect. Watches end in `resources`, pods and objects
suffer in `controllers`. Bodies are those of kube-apiserver 1.36.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from reconciler.simulator import discovery, status
from reconciler.simulator.faults import Answer, Faults, Hang, Latency, Q, RequestRule
from reconciler.simulator.kinds import NAMESPACE
from reconciler.simulator.parameters import flag
from reconciler.simulator.paths import Target, api_version, target
from reconciler.simulator.status import NoPage, Refusal

Act = Callable[[Request], Awaitable[Response]]

VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch"}
# As the kubeconfig calls him.
USER = "mooring-simulator"
# What the API server says of itself, or of its etcd, when it has no more to say.
MESSAGES = {
    429: "Too many requests, please try again later.",
    500: "etcdserver: request timed out",
    503: "the server is currently unable to handle the request",
    504: "Timeout: request did not complete within the requested timeout"
    " - context deadline exceeded",
}
# Those that have one beside `status.REASONS`; 500 of etcd has none.
REASONS = {429: "TooManyRequests", 503: "ServiceUnavailable"}


@dataclass(frozen=True)
class Asked:
    """A request as a rule sees it; target None: for no resource, and `name` is the path.

    A review of oneself has its kind and `group` in place of a target.
    """

    verb: str
    name: str
    target: Target | None = None
    review: str = ""
    group: str = ""

    def __str__(self) -> str:
        """As `list pods`."""
        return f"{self.verb} {self.target.kind.plural if self.target else self.name}"

    @property
    def kind(self) -> str:
        return self.target.kind.kind if self.target else self.review

    @property
    def namespace(self) -> str:
        return self.target.namespace if self.target else ""


def asked(request: Request) -> Asked:
    path = request.url.path
    segments = [part for part in path.split("/") if part]
    verb = VERBS.get(request.method, request.method.lower())
    try:
        version, below = api_version(segments)
        if version in discovery.REVIEWS and below:
            group = version.partition("/")[0]
            return Asked(verb, "", None, discovery.REVIEWS[version].get(below[0], ""), group)
        found = target(version, below) if below else None
    except (Refusal, NoPage):
        found = None
    if found is None:
        return Asked(verb, path)
    if not found.name and verb == "get":
        verb = "watch" if flag(request.query_params, "watch") else "list"
    if not found.name and verb == "delete":
        verb = "deletecollection"
    return Asked(verb, found.name, found)


class Disturbance:
    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    async def around(self, request: Request, act: Act) -> Response:
        """The answer of `act`, or what a fault makes of it. Raises Refusal."""
        if not any(isinstance(rule, RequestRule) for rule in self._faults.rules):
            return await act(request)
        wanted = asked(request)
        latency = self._rule(Latency, wanted)
        if latency is not None:
            self._faults.happened(latency)
            await asyncio.sleep(latency.seconds)
        hang = self._rule(Hang, wanted)
        if hang is not None:
            return await self._hung(request, wanted, hang, act)
        answer = self._rule(Answer, wanted)
        if answer is None:
            return await act(request)
        self._faults.happened(answer)
        if answer.applied:
            await _applied(request, act)
        return refused(answer, wanted)

    def _rule(self, fault: type[Q], wanted: Asked) -> Q | None:
        return self._faults.asked(fault, wanted.verb, wanted.kind, wanted.namespace, wanted.name)

    async def _hung(self, request: Request, wanted: Asked, hang: Hang, act: Act) -> Response:
        """Until the rules are set anew and none hangs this any more, or the client leaves."""
        await request.body()
        response = await _applied(request, act) if hang.applied else None
        self._faults.happened(hang)
        leaving = asyncio.ensure_future(_left(request))
        try:
            while True:
                released = asyncio.ensure_future(self._faults.released.wait())
                await asyncio.wait((leaving, released), return_when=asyncio.FIRST_COMPLETED)
                released.cancel()
                if leaving.done():
                    return Response(status_code=499)
                if self._rule(Hang, wanted) is None:
                    return response or await act(request)
        finally:
            leaving.cancel()


async def _applied(request: Request, act: Act) -> Response | None:
    """Done, and not told; None if it was refused."""
    with contextlib.suppress(Refusal):
        return await act(request)
    return None


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def refused(rule: Answer, wanted: Asked) -> Response:
    """The answer with this code as the API server writes it for such a request."""
    wait = rule.retry_after
    if rule.code == 429:
        # Priority and fairness, and the limit of requests in flight, answer in plain text.
        headers = {"Retry-After": str(1 if wait is None else wait)}
        text = (rule.message or MESSAGES[429]) + "\n"
        return PlainTextResponse(text, 429, headers)
    refusal = _refusal(rule, wanted)
    body = refusal.body()
    headers = {}
    if wait is not None:
        body["details"] = {**body.get("details", {}), "retryAfterSeconds": wait}
        headers = {"Retry-After": str(wait)}
    if rule.message:
        body["message"] = rule.message
    return Response(orjson.dumps(body), rule.code, headers, "application/json")


def _refusal(rule: Answer, wanted: Asked) -> Refusal:
    code, found = rule.code, wanted.target
    if code == 401:
        return Refusal(401, "Unauthorized")
    if code == 403:
        return forbidden(wanted)
    if found is not None and code == 404:
        return status.not_found(found.kind, wanted.name)
    if found is not None and code == 409:
        if wanted.verb == "create":
            return status.already_exists(found.kind, wanted.name, terminating=False)
        return status.conflict(found.kind, wanted.name)
    return Refusal(code, MESSAGES.get(code, f"the server answers {code}"), REASONS.get(code))


def forbidden(wanted: Asked, user: str = USER) -> Refusal:
    """What RBAC refuses (handlers/responsewriters/errors.go): it sees the path, before anybody
    looks whether there is such a resource.
    """
    if wanted.review:
        return _forbidden(wanted.verb, _Meant(wanted.group, f"{wanted.review.lower()}s"), user)
    found = wanted.target
    if found is None:
        meant = _meant(wanted.name)
        if meant is None:
            message = f'forbidden: User "{user}" cannot {wanted.verb} path "{wanted.name}"'
            return Refusal(403, message, details={})
        verb = "list" if wanted.verb == "get" and not meant.name else wanted.verb
        return _forbidden(verb, meant, user)
    kind = found.kind
    # A namespace's own path is in it.
    namespace = wanted.name if kind is NAMESPACE else found.namespace
    meant = _Meant(kind.group, kind.plural, namespace, wanted.name, found.subresource)
    return _forbidden(wanted.verb, meant, user)


@dataclass(frozen=True)
class _Meant:
    """A resource as a path names it."""

    group: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def _meant(path: str) -> _Meant | None:
    parts = [part for part in path.split("/") if part]
    begin = {"apis": 3, "api": 2}.get(parts[0] if parts else "", 0)
    if not begin or len(parts) <= begin:
        return None
    group, below = parts[1] if begin == 3 else "", parts[begin:]
    namespace = ""
    if below[0] == "namespaces" and len(below) > 2:
        namespace, below = below[1], below[2:]
    plural, name, subresource = [*below, "", ""][:3]
    return _Meant(group, plural, namespace, name, subresource)


def _forbidden(verb: str, meant: _Meant, user: str) -> Refusal:
    resource = f"{meant.plural}/{meant.subresource}" if meant.subresource else meant.plural
    qualified = f"{meant.plural}.{meant.group}" if meant.group else meant.plural
    of = f'{qualified} "{meant.name}"' if meant.name else qualified
    place = f'in the namespace "{meant.namespace}"' if meant.namespace else "at the cluster scope"
    message = (
        f'{of} is forbidden: User "{user}" cannot {verb} resource "{resource}"'
        f' in API group "{meant.group}" {place}'
    )
    named = {"name": meant.name, "group": meant.group, "kind": meant.plural}
    return Refusal(403, message, details={key: text for key, text in named.items() if text})
