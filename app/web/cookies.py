"""Signed in by cookie: what a browser is given instead of tokens that scripts could read.

`POST /auth/session` takes a refresh token and answers with cookies; `POST /auth/session/refresh`
renews them; `DELETE /auth/session` signs out. All three want what `app.auth.browsers` wants of
every request with cookies, so that no other site can sign a visitor in or out.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, Literal

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.auth import browsers
from app.auth.browsers import ACCESS, REFRESH
from app.auth.sessions import Credentials, Sessions
from app.db.session import Database
from app.domain.errors import BadRequest, ErrorCode, MooringError, Unauthenticated

_QUIET: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_STATUS: Final = {ErrorCode.UNAUTHENTICATED: 401, ErrorCode.FORBIDDEN: 403}
# A body holds one token.
_LIMIT: Final = 8192


def let_in(response: Response, credentials: Credentials) -> None:
    """Sign the browser in that gets `response`."""
    _set(response, ACCESS, credentials.access_token, credentials.expires_at, "lax")
    _set(response, REFRESH, credentials.refresh_token, credentials.refresh_expires_at, "strict")


def let_out(response: Response) -> None:
    """Take the cookies away."""
    for name in (ACCESS, REFRESH):
        response.delete_cookie(name, path="/", secure=True, httponly=True)


class Cookies:
    """The routes."""

    def __init__(self, database: Database, sessions: Sessions, public_url: str | None) -> None:
        self._database = database
        self._sessions = sessions
        self._public_url = public_url

    def routes(self) -> list[Route]:
        """`/auth/session` and `/auth/session/refresh`."""
        return [
            Route("/auth/session", self._guarded(self._enter), methods=["POST"]),
            Route("/auth/session", self._guarded(self._leave), methods=["DELETE"]),
            Route("/auth/session/refresh", self._guarded(self._refresh), methods=["POST"]),
        ]

    def _guarded(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answering(request: Request) -> Response:
            try:
                browsers.check_request(request.headers, self._public_url)
                return await answer(request)
            except MooringError as error:
                body = {"errors": [{"message": str(error), "extensions": error.extensions}]}
                response = JSONResponse(body, _STATUS.get(error.code, 400), _QUIET)
                if isinstance(error, Unauthenticated):
                    let_out(response)
                return response

        return answering

    async def _enter(self, request: Request) -> Response:
        return await self._renewed(request, await _token_in(request))

    async def _refresh(self, request: Request) -> Response:
        token = request.cookies.get(REFRESH)
        if not token:
            raise Unauthenticated(reason="MISSING")
        return await self._renewed(request, token)

    async def _leave(self, request: Request) -> Response:
        token = request.cookies.get(REFRESH)
        if token:
            await self._sessions.leave(self._database, token, _address(request))
        response = Response(status_code=204, headers=_QUIET)
        let_out(response)
        return response

    async def _renewed(self, request: Request, token: str) -> Response:
        made = await self._sessions.renew(self._database, token, _address(request))
        body = {
            "user": {"login": made.user.login},
            "expiresAt": made.expires_at.isoformat(),
            "refreshExpiresAt": made.refresh_expires_at.isoformat(),
        }
        response = JSONResponse(body, headers=_QUIET)
        let_in(response, made)
        return response


async def _token_in(request: Request) -> str:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LIMIT:
            raise BadRequest("The body holds one refresh token.", ("refreshToken",))
    try:
        given: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        given = None
    token = given.get("refreshToken") if isinstance(given, dict) else None
    if not isinstance(token, str):
        raise BadRequest('The body has to be JSON: {"refreshToken": "…"}.', ("refreshToken",))
    return token


def _set(
    response: Response, name: str, token: str, until: datetime, same_site: Literal["lax", "strict"]
) -> None:
    left = int((until - datetime.now(UTC)).total_seconds())
    response.set_cookie(
        name, token, max_age=max(left, 0), path="/", secure=True, httponly=True, samesite=same_site
    )


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None
