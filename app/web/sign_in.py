"""Signing in at a provider with a browser: there, back, and in.

`GET /auth/github` sends the browser there with what must come back sealed in a cookie; the provider
sends it to `/auth/github/callback`. To link another way, a program of the signed-in user's asks
`POST /auth/github/link` and opens the address that it gets: a link or a form of another site can
therefore not begin it, and only the browser that began it can end it.

The browser comes back signed in by cookie (`cookies`); no token is in an address.

What fails is told on a page with one of our words for it; the provider's own are not repeated.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from html import escape
from http import HTTPStatus
from string import Template
from typing import Final, Literal

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from app.auth import flow
from app.auth.entrance import Entrance, path_of
from app.auth.flow import Flow, Linking
from app.auth.outbound import ProviderError, Refused
from app.auth.provider import Provider
from app.auth.sessions import Credentials, Sessions
from app.db import accounts
from app.db.session import Database, Session
from app.db.sessions import SignIn as SignedIn
from app.domain import limits
from app.domain.errors import InvalidInput, MooringError, RateLimited, Unauthenticated
from app.domain.identities import Proof
from app.domain.viewer import API, Viewer
from app.secrets.keyring import KeyRing
from app.services import identities
from app.web.cookies import let_in
from app.web.headers import PAGE_HEADERS

log = structlog.get_logger(__name__)

# The prefix makes browsers refuse it from a sibling domain and without TLS (RFC 6265bis, 4.1.3.2).
COOKIE: Final = "__Host-mooring-sign-in"
_QUIET: Final = {"Cache-Control": "no-store"}

# What went wrong: the status, and what to say of it.
_SAID: Final = {
    "NOT_BEGUN": (400, "This sign-in was not begun in this browser, or too long ago."),
    "STATE": (400, "This is the answer to another sign-in than the last one of this browser."),
    "DENIED": (403, "The provider says that you did not agree."),
    "REFUSED": (403, "The provider refused."),
    "MIXED_UP": (403, "The answer is another provider's."),
    "BAD_ID_TOKEN": (403, "What the provider says of you cannot be trusted."),
    "UNKNOWN": (403, "Nobody here signs in this way, and new users do not come by it."),
    "NOT_ALLOWED": (409, "You have as many ways to sign in as there can be; unlink one first."),
    "TAKEN": (409, "This is another user's way to sign in."),
    "REVOKED": (403, "The session that wanted to link this way has ended."),
    "RATE_LIMITED": (
        429,
        "Too many sign-ins failed from here, or too many signed up. Wait a little.",
    ),
    "NONSENSE": (502, "The provider gave no answer that can be understood."),
    "UNREACHABLE": (502, "The provider cannot be reached."),
    "SILENT": (504, "The provider did not answer in time."),
}
_PAGE: Final = Template("""\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<title>Not signed in</title>
<style>body { max-width: 36rem; margin: 3rem auto; padding: 0 1.25rem;
  font: 16px/1.5 system-ui, sans-serif; }</style></head>
<body><h1>Not signed in</h1><p>$said</p><p><code>$code</code></p>
<p><a href="$again">Try again</a></p></body>
</html>
""")


class SignIn:
    """The routes of all providers that are on."""

    def __init__(
        self,
        database: Database,
        entrance: Entrance,
        sessions: Sessions,
        keys: KeyRing,
        *,
        viewer_of: Callable[[Request], Awaitable[Viewer | None]],
        fresh: float,
    ) -> None:
        self._database = database
        self._entrance = entrance
        self._sessions = sessions
        self._keys = keys
        self._viewer_of = viewer_of
        self._fresh = fresh

    def routes(self) -> list[Route]:
        """Three for each provider."""
        made = []
        for provider in self._entrance.providers.values():
            path = path_of(provider.name)
            made += [
                Route(path, self._of(self._begin, provider), methods=["GET"]),
                Route(f"{path}/callback", self._of(self._finish, provider), methods=["GET"]),
                Route(f"{path}/link", self._of(self._link, provider), methods=["POST"]),
            ]
        return made

    def _of(
        self, answer: Callable[[Provider, Request], Awaitable[Response]], provider: Provider
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answering(request: Request) -> Response:
            try:
                return await answer(provider, request)
            except RateLimited as error:
                return _page(provider, "RATE_LIMITED", retry_after=str(error.facts["retryAfter"]))
            except (ProviderError, Refused) as error:
                return await self._failed(provider, error.reason, request)

        return answering

    async def _begin(self, provider: Provider, request: Request) -> Response:
        begun = Flow(provider.name, flow.local(request.query_params.get("return")))
        response = RedirectResponse(await provider.begin(begun), HTTPStatus.SEE_OTHER, _QUIET)
        return self._carrying(response, begun)

    async def _link(self, provider: Provider, request: Request) -> Response:
        try:
            viewer = await self._viewer_of(request)
            viewer = identities.may_change(viewer, self._fresh)
        except MooringError as error:
            return _errors(error)
        assert viewer.grant.session_id is not None
        linking = Linking(viewer.user_id, viewer.grant.session_id)
        begun = Flow(provider.name, flow.local(request.query_params.get("return")), linking)
        response = JSONResponse({"url": await provider.begin(begun)}, headers=_QUIET)
        return self._carrying(response, begun)

    async def _finish(self, provider: Provider, request: Request) -> Response:
        given = dict(request.query_params)
        carried = request.cookies.get(COOKIE, "")
        begun = flow.unseal(self._keys, provider.name, carried)
        if begun is None:
            return _page(provider, "NOT_BEGUN")
        if not begun.is_answered_by(given.get("state", "")):
            return _page(provider, "STATE")
        response = RedirectResponse(begun.return_to, HTTPStatus.SEE_OTHER, _QUIET)
        _forget(response)
        throttle = self._entrance.throttle
        async with throttle.signing_in(self._database, _address(request)):
            proof = await provider.finish(begun, given)
            if begun.linking is None:
                let_in(response, await self._arrive(proof, request))
            else:
                await self._linked(proof, begun.linking, request)
        return response

    async def _arrive(self, proof: Proof, request: Request) -> Credentials:
        address, device = _address(request), request.headers.get("user-agent", "")
        new_users = await self._entrance.admits(self._database, proof, address)
        sign_in = SignedIn(proof.provider, device[: limits.DEVICE] or None, address)

        async def arrive(session: Session) -> Credentials | None:
            found = await identities.arrive(
                session,
                self._keys,
                proof,
                address,
                new_users=new_users,
                prefix=self._entrance.namespace_prefix,
            )
            return await self._sessions.open(session, found, sign_in) if found else None

        opened = await self._database.transact(API, arrive)
        if opened is None:
            raise Refused("UNKNOWN")
        return opened

    async def _linked(self, proof: Proof, linking: Linking, request: Request) -> None:
        async def link(session: Session) -> None:
            viewer = await accounts.viewer(session, linking.user_id, linking.session_id)
            actor = replace(viewer.actor, address=_address(request))
            await identities.link(session, self._keys, actor, proof)

        try:
            await self._database.transact(API, link)
        except Unauthenticated as error:
            raise Refused("REVOKED") from error
        except InvalidInput as error:
            raise Refused(error.problems[0].code.value) from error

    async def _failed(self, provider: Provider, reason: str, request: Request) -> Response:
        log.info("a sign-in at a provider failed", provider=provider.name, reason=reason)
        if request.url.path.endswith("/callback"):
            # Only a browser with a seal of ours gets here, so that strangers cannot fill the audit.
            async def note(session: Session) -> None:
                identities.refuse_arrival(session, provider.name, reason, _address(request))

            await self._database.transact(API, note)
        return _page(provider, reason)

    def _carrying(self, response: Response, begun: Flow) -> Response:
        # Lax: the way back is a navigation that another site begins.
        _set(response, COOKIE, flow.seal(self._keys, begun), flow.LIFETIME, "lax")
        return response


def _set(
    response: Response, name: str, value: str, seconds: int, site: Literal["lax", "strict"]
) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite=site
    )


def _errors(error: MooringError) -> JSONResponse:
    status = 401 if isinstance(error, Unauthenticated) else 403
    body = {"errors": [{"message": error.message, "extensions": error.extensions}]}
    return JSONResponse(body, status, _QUIET)


def _page(provider: Provider, reason: str, **headers: str) -> Response:
    status, said = _SAID[reason]
    page = _PAGE.substitute(said=escape(said), code=reason, again=path_of(provider.name))
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    response = HTMLResponse(page, status, PAGE_HEADERS | _QUIET | more)
    _forget(response)
    return response


def _forget(response: Response) -> None:
    _set(response, COOKIE, "", 0, "lax")


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None
