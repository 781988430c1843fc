"""What a provider behind OAuth can do for us, whichever it is."""

from typing import Any, Protocol

from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from app.auth.flow import Flow
from app.auth.outbound import ProviderError, Refused
from app.domain.identities import Proof


class Provider(Protocol):
    """A provider that people sign in at with their browser."""

    name: str

    async def begin(self, flow: Flow) -> str:
        """The provider's address to send the browser to; ProviderError."""

    async def finish(self, flow: Flow, given: dict[str, str]) -> Proof:
        """Who came back with these parameters, of which `state` was compared; ProviderError, or
        Refused."""


def code_of(given: dict[str, str]) -> str:
    """The code that the browser brought; Refused with DENIED where the user said no, with REFUSED
    without one."""
    if "error" in given:
        raise Refused("DENIED" if given["error"] == "access_denied" else "REFUSED")
    if not given.get("code"):
        raise Refused("REFUSED")
    return given["code"]


async def token_for(client: AsyncOAuth2Client, url: str, flow: Flow, code: str) -> dict[str, Any]:
    """The provider's answer to the code; Refused, or ProviderError with NONSENSE."""
    try:
        token: dict[str, Any] = await client.fetch_token(
            url, grant_type="authorization_code", code=code, code_verifier=flow.verifier
        )
    except OAuthError as error:
        raise Refused("REFUSED") from error
    except (ValueError, TypeError) as error:
        raise ProviderError("NONSENSE") from error
    if not isinstance(token.get("access_token"), str):
        raise ProviderError("NONSENSE")
    return token
