"""Signing in with any OpenID Connect provider (OpenID Connect Core 1.0, Discovery 1.0).

The provider says where its pages and keys are, but not what we accept: signatures are of asymmetric
algorithms out of our own list and under a key of that kind, so neither `none` nor a public key used
as an HMAC secret passes. Claims are checked by Authlib; the issuer is the setting's.
"""

import time
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from app.auth.flow import Flow
from app.auth.outbound import Outbound, ProviderError, Refused, as_object
from app.auth.provider import code_of, token_for
from app.domain.identities import Proof
from app.settings import OpenId

_ALGORITHMS: Final = [
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
]
_ASYMMETRIC: Final = {"RSA", "EC", "OKP"}
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_KEEP: Final = 3600
# An unknown key asks for the keys anew, but not as often as somebody sends such tokens.
_ASK_AGAIN: Final = 10
_LEEWAY: Final = 60


class OpenIdProvider:
    """One provider; what it says of itself is kept for an hour."""

    def __init__(self, name: str, chosen: OpenId, outbound: Outbound, callback: str) -> None:
        self.name = name
        self._issuer = chosen.issuer
        self._outbound = outbound
        self._client = {
            "client_id": chosen.client_id,
            "client_secret": chosen.client_secret.get_secret_value(),
            "scope": "openid profile email",
            "redirect_uri": callback,
        }
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._asked_again = float("-inf")

    async def begin(self, flow: Flow) -> str:
        """The provider's page."""
        async with self._outbound.oauth(**self._client) as client:
            metadata = await self._discovered(client)
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"], flow.state, flow.verifier, nonce=flow.nonce
            )
        return str(url)

    async def finish(self, flow: Flow, given: dict[str, str]) -> Proof:
        """Whose the code is."""
        # RFC 9207: the answer may say whose it is; another's is a mix-up.
        if given.get("iss", self._issuer) != self._issuer:
            raise Refused("MIXED_UP")
        code = code_of(given)
        async with self._outbound.oauth(**self._client) as client:
            metadata = await self._discovered(client)
            if metadata.get("authorization_response_iss_parameter_supported") is True:
                _wanted("iss" in given, Refused("MIXED_UP"))
            client.token_endpoint_auth_method = _method(metadata)
            token = await token_for(client, metadata["token_endpoint"], flow, code)
            claims = await self._claims(client, metadata, token, flow.nonce)
        return self._proof(claims)

    async def _discovered(self, client: AsyncOAuth2Client) -> dict[str, Any]:
        now = time.monotonic()
        if self._metadata and self._metadata[0] > now:
            return self._metadata[1]
        url = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = as_object(await client.request("GET", url, withhold_token=True))
        # Discovery section 4.3: the same, character for character.
        _wanted(found.get("issuer") == self._issuer, ProviderError("NONSENSE"))
        for name in _ENDPOINTS:
            _wanted(is_safe(found.get(name), self._issuer), ProviderError("NONSENSE"))
        self._metadata = now + _KEEP, found
        return found

    async def _key_set(self, client: AsyncOAuth2Client, url: str) -> KeySet:
        now = time.monotonic()
        if self._keys and self._keys[0] > now:
            return self._keys[1]
        listed = as_object(await client.request("GET", url, withhold_token=True)).get("keys")
        usable = [
            key
            for key in (listed if isinstance(listed, list) else [])
            if isinstance(key, dict) and key.get("kty") in _ASYMMETRIC
        ]
        keys = KeySet.import_key_set({"keys": usable})
        self._keys = now + _KEEP, keys
        return keys

    async def _read(self, client: AsyncOAuth2Client, url: str, raw: str) -> jwt.Token:
        registry = jws.JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
        try:
            return jwt.decode(raw, await self._key_set(client, url), registry=registry)
        except InvalidKeyIdError:
            now = time.monotonic()
            if self._asked_again > now - _ASK_AGAIN:
                raise
            self._asked_again, self._keys = now, None
            return jwt.decode(raw, await self._key_set(client, url), registry=registry)

    async def _claims(
        self, client: AsyncOAuth2Client, metadata: dict[str, Any], token: dict[str, Any], nonce: str
    ) -> dict[str, Any]:
        own = client.client_id
        try:
            read = await self._read(client, metadata["jwks_uri"], token["id_token"])
            claims = CodeIDToken(
                read.claims,
                read.header,
                {
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": own},
                },
                {"nonce": nonce, "client_id": own, "access_token": token["access_token"]},
            )
            claims.validate(leeway=_LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise Refused("BAD_ID_TOKEN") from error
        return dict(claims)

    def _proof(self, claims: dict[str, Any]) -> Proof:
        subject = claims["sub"]
        whole = isinstance(subject, str) and 0 < len(subject) <= 255 and "\0" not in subject
        _wanted(whole, Refused("BAD_ID_TOKEN"))
        email = _text(claims.get("email")) if claims.get("email_verified") is True else None
        name = _text(claims.get("preferred_username")) or _text(claims.get("name"))
        return Proof(self.name, subject, name or (email or "").partition("@")[0] or None, email)


def is_safe(url: object, issuer: str) -> bool:
    """Whether it is https; http only where the issuer itself is on http, which settings allow for
    loopback alone, and then on loopback too."""
    if not isinstance(url, str):
        return False
    parts, own = urlsplit(url), urlsplit(issuer)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == own.scheme == "http" and parts.hostname == own.hostname


def _method(metadata: dict[str, Any]) -> str:
    supported = metadata.get("token_endpoint_auth_methods_supported")
    # Discovery section 3: client_secret_basic where nothing is said.
    basic = not isinstance(supported, list) or "client_secret_basic" in supported
    return "client_secret_basic" if basic else "client_secret_post"


def _wanted(holds: bool, failure: Exception) -> None:
    if not holds:
        raise failure


def _text(value: object) -> str | None:
    # Postgres has no NUL.
    return value.replace("\0", "")[:255] or None if isinstance(value, str) else None
