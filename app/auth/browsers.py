"""Browsers: the cookies that sign them in, and what keeps other sites from using these.

A browser sends cookies with whatever any page asks of us. So a request that is signed in by them
has to come from our own origin and carry a header that a page of another origin cannot set without
our leave (which CORS would give, and we do not); a websocket, to which no header can be added, has
to come from our own origin. `__Host-` makes browsers keep a cookie to this host and to TLS (RFC
6265bis section 4.1.3.2); on localhost Chromium and Firefox take it without TLS.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from app.domain.errors import ForeignSite

ACCESS: Final = "__Host-mooring-access"
REFRESH: Final = "__Host-mooring-refresh"
HEADER: Final = "X-Mooring-CSRF"


def is_own(origin: str | None, host: str | None, public_url: str | None) -> bool:
    """Whether a page of `origin` is ours: at the public URL, or else at the host that was asked.

    Without a public URL the scheme is not compared: we do not know what a proxy in front speaks.
    """
    if not origin:
        return False
    if public_url:
        return origin == public_url.rstrip("/")
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == (host or "").lower()
    except ValueError:
        return False


def check_socket(headers: Mapping[str, str], public_url: str | None) -> None:
    """ForeignSite unless a websocket with our cookies was opened by a page of ours."""
    if not is_own(headers.get("origin"), headers.get("host"), public_url):
        raise ForeignSite(rule="Origin has to be that of this server.")


def check_request(headers: Mapping[str, str], public_url: str | None) -> None:
    """ForeignSite unless a request with our cookies was made by a page of ours."""
    check_socket(headers, public_url)
    if headers.get(HEADER.lower()) != "1":
        raise ForeignSite(rule=f"Send the header {HEADER}: 1.")
