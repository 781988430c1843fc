"""The HTTP application: who may come in, and which part answers a path."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reconciler.simulator import discovery, openapi
from reconciler.simulator.controls import PREFIX, Controls
from reconciler.simulator.disturbance import Disturbance, asked, forbidden
from reconciler.simulator.kinds import KINDS, Kind
from reconciler.simulator.paths import api_version, missing, target
from reconciler.simulator.resources import Resources, answer
from reconciler.simulator.reviews import review
from reconciler.simulator.schema import Json
from reconciler.simulator.status import NoPage, Refusal, not_found

log = structlog.get_logger(__name__)

# As upstream's system:public-info-viewer: open to who has no token.
PUBLIC = frozenset({"/healthz", "/livez", "/readyz", "/version"})
ANONYMOUS = "system:anonymous"
# Is answered for, and nothing more: not listed, not in discovery.
DEFINITION = Kind(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions"
)
DEFINITIONS = f"/apis/{DEFINITION.api_version}/{DEFINITION.plural}/"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


@dataclass
class Server:
    """token: the bearer token that every client must have. absent: versions of API groups that are
    not installed."""

    token: str
    resources: Resources
    controls: Controls
    disturbance: Disturbance
    absent: frozenset[str] = frozenset()

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._handle, methods=METHODS)])

    async def _handle(self, request: Request) -> Response:
        try:
            self._authenticate(request)
            if request.url.path.startswith(PREFIX):
                return await self._route(request)
            self.controls.requests[str(asked(request))] += 1
            return await self.disturbance.around(request, self._route)
        except Refusal as refusal:
            response = answer(orjson.dumps(refusal.body()), refusal.code)
            response.headers.update(refusal.headers)
            return response
        except NoPage:
            return PlainTextResponse("404 page not found\n", 404)
        except Exception as error:
            log.exception("request failed", method=request.method, path=request.url.path)
            failure = Refusal(500, f"Internal error occurred: {error}", "InternalError")
            return answer(orjson.dumps(failure.body()), 500)

    def _authenticate(self, request: Request) -> None:
        """Raises Refusal: 401 for a wrong token, 403 for none and for another user than ours."""
        given = request.headers.get("Authorization", "")
        if not given:
            if request.url.path in PUBLIC:
                return
            raise forbidden(asked(request), ANONYMOUS)
        scheme, _, token = given.partition(" ")
        right = hmac.compare_digest(token.strip().encode(), self.token.encode())
        if scheme.lower() != "bearer" or not right:
            raise Refusal(401, "Unauthorized")
        if impersonated := request.headers.get("Impersonate-User"):
            raise forbidden(asked(request), impersonated)

    async def _route(self, request: Request) -> Response:
        path = request.url.path
        fixed = self._fixed().get(path.rstrip("/") or "/")
        if path.startswith(DEFINITIONS):
            fixed = self._definition
        if fixed is not None:
            return await fixed(request)
        segments = [part for part in path.split("/") if part]
        if segments[:2] == ["openapi", "v3"]:
            return _document(segments[2:])
        group = segments[1] if segments[:1] == ["apis"] and len(segments) > 1 else ""
        if group and len(segments) == 2:
            return _found(discovery.group(group, self._hidden))
        if group and self._hidden("/".join(segments[1:3])):
            raise NoPage
        version, below = api_version(segments)
        if not below:
            return _found(discovery.resources(version, self.resources.faults.hides))
        if version in discovery.REVIEWS:
            return await review(request, version, below, self.resources.faults)
        found = target(version, below)
        if self.resources.faults.hides(found.kind.group, found.kind.kind):
            raise missing(found.kind.group)
        return await self.resources.serve(request, found)

    def _fixed(self) -> dict[str, Callable[[Request], Awaitable[Response]]]:
        return {
            "/healthz": _ok,
            "/livez": _ok,
            "/readyz": _ok,
            "/version": _version,
            "/api": _core,
            "/apis": self._groups,
            "/openapi/v2": _openapi_v2,
            "/openapi/v3": self._openapi,
            **self.controls.paths(),
        }

    def _hidden(self, version: str) -> bool:
        """Whether nothing of a version is served."""
        hides, group = self.controls.faults.hides, version.rpartition("/")[0]
        kinds = [kind.kind for kind in KINDS if kind.api_version == version]
        none = bool(kinds) and all(hides(group, kind) for kind in kinds)
        return version in self.absent or hides(group) or none

    async def _definition(self, request: Request) -> Response:
        """A CustomResourceDefinition, of which no more is told than that it is there."""
        name = request.url.path.removeprefix(DEFINITIONS)
        kinds = [kind for kind in KINDS if kind.custom and f"{kind.plural}.{kind.group}" == name]
        if not any(
            kind.api_version not in self.absent
            and not self.controls.faults.hides(kind.group, kind.kind, undefined=True)
            for kind in kinds
        ):
            raise not_found(DEFINITION, name)
        body = {"kind": DEFINITION.kind, "apiVersion": DEFINITION.api_version}
        return answer(orjson.dumps({**body, "metadata": {"name": name}}))

    async def _openapi(self, _: Request) -> Response:
        return answer(orjson.dumps(openapi.index(self._hidden)))

    async def _groups(self, _: Request) -> Response:
        return answer(orjson.dumps(discovery.groups(self._hidden)))


def _document(segments: list[str]) -> Response:
    found = openapi.document("/".join(segments))
    if found is None:
        raise NoPage
    return answer(found)


def _found(body: Json | None) -> Response:
    if body is None:
        raise NoPage
    return answer(orjson.dumps(body))


async def _ok(_: Request) -> Response:
    return PlainTextResponse("ok")


async def _openapi_v2(_: Request) -> Response:
    return Response(openapi.protobuf(), media_type=openapi.PROTOBUF)


async def _version(_: Request) -> Response:
    return answer(orjson.dumps(discovery.VERSION))


async def _core(request: Request) -> Response:
    return answer(orjson.dumps(discovery.core(request.url.netloc)))
