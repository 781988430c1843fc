"""Stand-ins of sign-in providers on real ports: GitHub's endpoints, and an OpenID provider's.

Each does what the real one does, PKCE and codes that are good once included, and what a test sets
in `spoils` or `tokens` it does wrong.
"""

# ruff: noqa: ARG002 - every endpoint takes the request
from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.integration.world import PATIENCE

CLIENT = ("mooring-client", "a client secret & more")
Key = RSAKey | ECKey


@dataclass
class Provider:
    """What both are: pages, codes, tokens. `spoils` answers a path in place of it."""

    port: int
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    spoils: dict[str, Callable[[], Response]] = field(default_factory=dict)
    slow: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def app(self) -> Starlette:
        return Starlette(routes=self.routes())

    def routes(self) -> list[Route]:
        raise NotImplementedError

    async def authorize(self, request: Request) -> Response:
        """The page, of a user who agrees at once."""
        given = dict(request.query_params)
        self.asked.append(("authorize", given))
        assert given["response_type"] == "code"
        assert given["client_id"] == CLIENT[0]
        code = f"code-{len(self.codes)}"
        self.codes[code] = given
        back = given["redirect_uri"]
        return RedirectResponse(f"{back}?code={code}&state={given['state']}", 303)

    async def granted(self, request: Request) -> dict[str, str] | None:
        """What a code was given for; None for one that is not good: once, with its PKCE."""
        given = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
        self.asked.append(("token", given))
        begun = self.codes.pop(given.get("code", ""), None)
        if begun is None or given.get("redirect_uri") != begun["redirect_uri"]:
            return None
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if begun.get("code_challenge_method") != "S256" or begun["code_challenge"] != challenge:
            return None
        return begun if self.client_of(request, given) == CLIENT else None

    def client_of(self, request: Request, given: dict[str, str]) -> tuple[str, str]:
        return given.get("client_id", ""), given.get("client_secret", "")

    def at(self, path: str, endpoint: Any, method: str = "GET") -> Route:
        async def answer(request: Request) -> Any:
            spoiled = self.spoils.get(path)
            return spoiled() if spoiled else await endpoint(request)

        return Route(path, answer, methods=[method])


@dataclass
class GitHub(Provider):
    """GitHub's endpoints, of one account."""

    account: dict[str, Any] = field(default_factory=lambda: {"id": 1815, "login": "Ada-L"})
    emails: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"email": "old@example.org", "primary": False, "verified": True},
            {"email": "ada@example.org", "primary": True, "verified": True},
        ]
    )

    def routes(self) -> list[Route]:
        return [
            self.at("/login/oauth/authorize", self.authorize),
            self.at("/login/oauth/access_token", self.token, "POST"),
            self.at("/user", self.user),
            self.at("/user/emails", self.addresses),
        ]

    async def token(self, request: Request) -> Response:
        assert request.headers["accept"] == "application/json"
        if await self.granted(request) is None:
            # GitHub says so with 200.
            return JSONResponse({"error": "bad_verification_code"})
        return JSONResponse(
            {
                "access_token": "gho_access",
                "token_type": "bearer",
                "refresh_token": "ghr_refresh",
                "expires_in": 28800,
            }
        )

    async def user(self, request: Request) -> Response:
        return self._for_bearer(request, self.account)

    async def addresses(self, request: Request) -> Response:
        return self._for_bearer(request, self.emails)

    def _for_bearer(self, request: Request, answer: object) -> Response:
        known = request.headers.get("authorization") == "Bearer gho_access"
        return JSONResponse(
            answer if known else {"message": "Bad credentials"}, 200 if known else 401
        )


def _rsa(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@dataclass
class OpenIdProvider(Provider):
    """An OpenID provider with an RSA and an EC key; `claims` go over what it would say, and
    `sign` makes the token from header and claims."""

    keys: list[Key] = field(default_factory=lambda: [_rsa("rsa-1")])
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None

    def routes(self) -> list[Route]:
        return [
            self.at("/.well-known/openid-configuration", self.discovery),
            self.at("/authorize", self.authorize),
            self.at("/token", self.token, "POST"),
            self.at("/jwks", self.jwks),
        ]

    def client_of(self, request: Request, given: dict[str, str]) -> tuple[str, str]:
        scheme, _, basic = request.headers.get("authorization", "").partition(" ")
        assert scheme == "Basic"
        name, _, secret = base64.b64decode(basic).decode().partition(":")
        return name, secret

    async def discovery(self, request: Request) -> Response:
        self.asked.append(("discovery", {}))
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
            }
            | self.metadata
        )

    async def jwks(self, request: Request) -> Response:
        self.asked.append(("jwks", {}))
        return JSONResponse(KeySet(list(self.keys)).as_dict(private=False))

    async def token(self, request: Request) -> Response:
        begun = await self.granted(request)
        if begun is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "subject-1",
            "aud": CLIENT[0],
            "exp": now + 300,
            "iat": now,
            "nonce": begun.get("nonce"),
            "preferred_username": "ada",
            "email": "ada@example.org",
            "email_verified": True,
        } | self.claims
        said = {name: value for name, value in claims.items() if value is not None}
        id_token = self.sign(said) if self.sign else self.signed(said)
        return JSONResponse(
            {"access_token": "op_access", "token_type": "Bearer", "id_token": id_token}
        )

    def signed(self, claims: dict[str, Any]) -> str:
        """As it should be, with the newest key."""
        key = self.keys[-1]
        algorithm = "RS256" if isinstance(key, RSAKey) else "ES256"
        header = {"alg": algorithm, "kid": key.kid} | self.header
        return jwt.encode(header, claims, key, algorithms=[algorithm])

    def hashed_with_the_public_key(self, claims: dict[str, Any]) -> str:
        """HS256 with what everybody knows as the secret."""
        public = self.keys[0].as_pem(private=False)
        secret = OctKey.import_key(base64.urlsafe_b64encode(public).decode())
        header = {"alg": "HS256", "kid": self.keys[0].kid}
        return jwt.encode(header, claims, secret, algorithms=["HS256"])


@asynccontextmanager
async def standing(made: Callable[[int], Provider]) -> AsyncIterator[Any]:
    """A stand-in for the block, listening."""
    listening = socket.create_server(("127.0.0.1", 0))
    provider = made(listening.getsockname()[1])
    server = uvicorn.Server(
        uvicorn.Config(provider.app(), log_config=None, access_log=False, lifespan="off")
    )
    running = asyncio.create_task(server.serve([listening]))
    try:
        async with asyncio.timeout(PATIENCE):
            while not server.started:
                await asyncio.sleep(0.01)
        yield provider
    finally:
        provider.slow.set()
        server.should_exit = True
        await running


def parts(url: str) -> tuple[str, dict[str, str]]:
    """An address without its query, and the query."""
    split = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(split.query).items()}
    return f"{split.scheme}://{split.netloc}{split.path}", query
