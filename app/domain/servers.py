"""The server of a kubeconfig: an https URL, read so strictly that nobody reads it otherwise.

Whoever checks a URL and whoever connects must see the same host. So there is one spelling: a host
name in ASCII, IPv4 as four plain decimals, IPv6 in brackets; what other parsers would take for an
address too (`127.1`, `0x7f.1`, `2130706433`, `0177.0.0.1`, full-width digits, a trailing dot) is
refused, and so is all that a server's URL has no use for.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from app.domain.addresses import Address

_URL = re.compile(
    r"https://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:(?P<port>[0-9]{1,5}))?(?P<path>/.*)?",
    re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
# What the URL standard takes for the end of an IPv4 address (url.spec.whatwg.org, "ends in a
# number"), and glibc's inet_aton with it.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_PATH = re.compile(r"(/[A-Za-z0-9._~-]{1,100}){0,10}/?", re.ASCII)
_LONGEST_NAME = 253


class BadServerError(ValueError):
    """A server that is none; the message says which rule it breaks and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Server:
    """`host` is a lower-case name or the text of `address`; `path` is empty or begins with /."""

    host: str
    port: int
    path: str = ""

    @property
    def address(self) -> Address | None:
        """The address, when it is one and no name."""
        if ":" in self.host:
            return IPv6Address(self.host)
        return IPv4Address(self.host) if _is_number(self.host) else None

    @property
    def url(self) -> str:
        """The one spelling of it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}{'' if self.port == 443 else f':{self.port}'}{self.path}"


def read_server(text: str) -> Server:
    """The server that `text` names; BadServerError."""
    _check_shape(text)
    found = _URL.fullmatch(text)
    if found is None:
        raise BadServerError(
            "write it as https://name, https://name:port or with a path behind that"
        )
    port = int(found["port"] or 443)
    if not 1 <= port <= 65535:
        raise BadServerError("the port is from 1 to 65535")
    path = found["path"] or ""
    if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise BadServerError("its path has letters, digits and . _ ~ - only, and no part . or ..")
    return Server(_host(found["host"]), port, path.rstrip("/"))


def _check_shape(text: str) -> None:
    """The rules that are worth a sentence of their own."""
    if not text.startswith("https://"):
        raise BadServerError("it begins with https://")
    if not text.isascii():
        raise BadServerError("only ASCII: write an international name in its xn-- form")
    if "%" in text:
        raise BadServerError("% is not allowed: no escapes, and no zone in an address")
    if "@" in text.removeprefix("https://").partition("/")[0]:
        raise BadServerError("no user or password in the URL")
    if "?" in text or "#" in text:
        raise BadServerError("no query and no fragment in the URL")


def _host(text: str) -> str:
    if text.startswith("["):
        return _ipv6(text[1:-1])
    host = text.lower()
    if _is_number(host):
        return _ipv4(host)
    if host.endswith("."):
        raise BadServerError("no dot at the end of the host")
    if len(host) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, host.split("."))):
        raise BadServerError("the host is no name: labels of letters, digits and - between dots")
    return host


def _is_number(host: str) -> bool:
    return _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None


def _ipv4(host: str) -> str:
    try:
        return str(IPv4Address(host))
    except ValueError:
        raise BadServerError("write an IPv4 address as four plain decimal numbers") from None


def _ipv6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError:
        raise BadServerError("what is in brackets is no IPv6 address") from None
