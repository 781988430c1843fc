"""Signing in with GitHub: OAuth 2.0 with PKCE, then who it is from its API.

https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps; GitHub has no
OpenID Connect for users. An account's number is its identity: names are given up and taken again.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client

from app.auth.flow import Flow
from app.auth.outbound import Outbound, ProviderError, as_object
from app.auth.provider import code_of, token_for
from app.domain.identities import Grants, Proof
from app.settings import Settings

GITHUB = "GITHUB"


class GitHub:
    """The provider, at the addresses of the settings."""

    name = GITHUB

    def __init__(self, settings: Settings, outbound: Outbound, callback: str) -> None:
        self._outbound = outbound
        self._site = settings.github_url.rstrip("/")
        self._api = settings.github_api_url.rstrip("/")
        secret = settings.github_client_secret
        self._client = {
            "client_id": settings.github_client_id,
            "client_secret": secret.get_secret_value() if secret else None,
            "token_endpoint_auth_method": "client_secret_post",
            "scope": "read:user user:email",
            "redirect_uri": callback,
        }

    async def begin(self, flow: Flow) -> str:
        """GitHub's page."""
        async with self._outbound.oauth(**self._client) as client:
            url, _ = client.create_authorization_url(
                f"{self._site}/login/oauth/authorize", flow.state, flow.verifier
            )
        return str(url)

    async def finish(self, flow: Flow, given: dict[str, str]) -> Proof:
        """Whose the code is."""
        code = code_of(given)
        async with self._outbound.oauth(**self._client) as client:
            url = f"{self._site}/login/oauth/access_token"
            token = await token_for(client, url, flow, code)
            user = as_object(await self._get(client, "/user"))
            emails = await self._get(client, "/user/emails")
        subject, login = user.get("id"), user.get("login")
        if not isinstance(subject, int) or isinstance(subject, bool) or not isinstance(login, str):
            raise ProviderError("NONSENSE")
        return Proof(GITHUB, str(subject), login, _primary(emails), _grants(token))

    async def _get(self, client: AsyncOAuth2Client, path: str) -> httpx2.Response:
        headers = {"accept": "application/vnd.github+json"}
        answer: httpx2.Response = await client.get(self._api + path, headers=headers)
        return answer


def _primary(answer: httpx2.Response) -> str | None:
    """The primary address, if it was verified; None too where we may not know."""
    try:
        listed = answer.json() if answer.status_code == 200 else []
    except ValueError:
        listed = []
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and one.get("primary") is True and one.get("verified") is True:
            return str(one.get("email"))
    return None


def _grants(token: dict[str, Any]) -> Grants:
    refresh, seconds = token.get("refresh_token"), token.get("expires_in")
    until = None
    if isinstance(seconds, int) and 0 < seconds < 10**9:
        until = datetime.now(UTC) + timedelta(seconds=seconds)
    return Grants(token["access_token"], refresh if isinstance(refresh, str) else None, until)
