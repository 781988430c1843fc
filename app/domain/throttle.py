"""What attempts are counted by, and how long the next has to wait: the arithmetic of limits.

Standard library only; `app.db.throttle` has the same in SQL, in one statement each, because the
count is shared by all API processes.
"""

import ipaddress
from dataclasses import dataclass
from typing import Final

# Of one IPv6 customer: a whole /64 is any household's (RFC 6177), so an address of it is nobody.
_IPV6_PREFIX: Final = 64


@dataclass(frozen=True, slots=True)
class Bucket:
    """So many at once, and as many again evenly over `seconds`."""

    most: int
    seconds: float

    @property
    def rate(self) -> float:
        """How many come back in a second."""
        return self.most / self.seconds


@dataclass(frozen=True, slots=True)
class Tries:
    """After `free` tries each further one waits, twice as long each time.

    `unless` is a key that lifts this limit while it is there.
    """

    key: str
    free: int
    unless: str | None = None


def network(address: str) -> str:
    """Who an address stands for: an IPv4 address, a /64 of IPv6, or the text where it is neither.

    An IPv4 address written as IPv6 (RFC 4291 section 2.5.5.2) is that IPv4 address.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _IPV6_PREFIX), strict=False))
