"""Requests to sign-in providers: no redirect, no proxy, TLS verified, capped in size and time.

The transport is one for the process, so that connections and the trust store are shared; clients
over it are made for one sign-in each. httpx2 is what Authlib's client is built on.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client

from app.domain.errors import BadVoucher

_BODY = 512 * 1024


class Refused(BadVoucher):
    """Somebody does not come in by a provider, which is a failed sign-in of theirs; `reason` is one
    of our words for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


class ProviderError(Exception):
    """A provider is away or answers nonsense; `reason` is one of our words for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _TooLarge(httpx2.TransportError):
    """An answer is larger than any that we need."""


@cache
def _trust() -> ssl.SSLContext:
    """The authorities that are trusted, read once: 17 ms."""
    return httpx2.create_ssl_context(trust_env=False)


class Outbound(httpx2.AsyncBaseTransport):
    """The transport, and clients over it."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._inner = httpx2.AsyncHTTPTransport(verify=_trust(), trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request, whose answer ends with an error where it is too large."""
        # An answer that was packed small could unpack to anything.
        request.headers["accept-encoding"] = "identity"
        answer = await self._inner.handle_async_request(request)
        assert isinstance(answer.stream, httpx2.AsyncByteStream)
        answer.stream = _Capped(answer.stream)
        answer.headers.pop("content-encoding", None)
        return answer

    async def __aexit__(self, *_: object) -> None:
        """The end of one client; the transport stays."""

    async def aclose(self) -> None:
        """As above."""

    async def close(self) -> None:
        """Close all connections."""
        await self._inner.aclose()

    @asynccontextmanager
    async def oauth(self, **options: Any) -> AsyncIterator[AsyncOAuth2Client]:
        """Authlib's client for one exchange; all of the block is capped in time.

        ProviderError with reason SILENT, UNREACHABLE or NONSENSE.
        """
        try:
            async with (
                asyncio.timeout(self._timeout),
                AsyncOAuth2Client(
                    transport=self,
                    trust_env=False,
                    follow_redirects=False,
                    timeout=self._timeout,
                    code_challenge_method="S256",
                    **options,
                ) as client,
            ):
                yield client
        except TimeoutError as error:
            raise ProviderError("SILENT") from error
        except httpx2.HTTPError as error:
            raise ProviderError("UNREACHABLE") from error
        except RecursionError as error:
            # JSON a hundred thousand lists deep; the stack is whole again here.
            raise ProviderError("NONSENSE") from error


class _Capped(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = _BODY
        async for chunk in self._inner:
            left -= len(chunk)
            if left < 0:
                raise _TooLarge("the answer is too large")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def as_object(answer: httpx2.Response) -> dict[str, Any]:
    """A JSON object; ProviderError with reason NONSENSE for anything else."""
    try:
        found = answer.json() if answer.status_code == 200 else None
    except ValueError as error:
        raise ProviderError("NONSENSE") from error
    if not isinstance(found, dict):
        raise ProviderError("NONSENSE")
    return found
