"""Which addresses a user may have Mooring connect to: pure rules over names and numbers.

A user's kubeconfig names a server, and the reconciler connects to it from inside the operator's
network. So an address is refused unless it is public, or in a network that the operator's settings
allow. Who resolves a name has each address judged here, and connects to those and no others.

An address that carries another one (IPv4-mapped, NAT64's well-known prefix) is judged by the one
that it carries. Tunnels that carry one (6to4, Teredo, IPv4-compatible) are refused as such, for
nobody serves an API there any more.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Refused(StrEnum):
    """Why an address is refused, in words that end a sentence."""

    METADATA = "serves the metadata of a cloud's machines"
    OPERATOR = "is the operator's own cluster"
    UNSPECIFIED = "is no address of one machine"
    LOOPBACK = "is a loopback address"
    LINK_LOCAL = "is a link-local address"
    PRIVATE = "is a private address"
    SHARED = "is an address that a carrier's network shares"
    MULTICAST = "is a multicast address"
    TUNNEL = "is a tunnel to another address"
    RESERVED = "is reserved, and no public address"


# Public-looking ones among them are refused too. AWS, GCP, Azure, Oracle, Tencent and others use
# 169.254.169.254; the rest is AWS (ECS, EKS, IPv6), GCP (IPv6), Azure's wire server, Alibaba.
_METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)

# The IANA special-purpose registries of IPv4 and IPv6 (RFC 6890 and its updates). Of IPv6 only
# 2000::/3 is given out at all, so all else is reserved.
_RANGES: Sequence[tuple[Refused, Sequence[str]]] = (
    (Refused.UNSPECIFIED, ("0.0.0.0/8", "255.255.255.255/32", "::/128")),
    (Refused.LOOPBACK, ("127.0.0.0/8", "::1/128")),
    (Refused.LINK_LOCAL, ("169.254.0.0/16", "fe80::/10")),
    (
        Refused.PRIVATE,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
    ),
    (Refused.SHARED, ("100.64.0.0/10",)),
    (Refused.MULTICAST, ("224.0.0.0/4", "ff00::/8")),
    (Refused.TUNNEL, ("192.88.99.0/24", "::/96", "2001::/32", "2002::/16")),
    (
        Refused.RESERVED,
        (
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
            *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("240.0.0.0/4", "2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20"),
            *("::/3", "4000::/2", "8000::/1"),
        ),
    ),
)
_NETWORKS = [(why, ip_network(text)) for why, texts in _RANGES for text in texts]
# RFC 6052 section 2.1; the local one of RFC 8215, 64:ff9b:1::/48, is reserved like all of ::/3.
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class AddressRules:
    """What the operator's settings say.

    `allowed`: networks of users' clusters that are not public. A metadata address is allowed only
    where a network names it alone. `own` and `own_names`: the addresses and names of the operator's
    cluster. They are refused in whatever network, or with `own_cluster` allowed in whatever one.
    """

    allowed: Sequence[Network] = ()
    own_cluster: bool = False
    own: Collection[Address] = frozenset()
    own_names: Collection[str] = frozenset()


def refusal(address: Address, rules: AddressRules) -> Refused | None:
    """Why nothing may be connected to `address`; None where it may."""
    address = carried(address)
    if address in {carried(own) for own in rules.own}:
        return None if rules.own_cluster else Refused.OPERATOR
    metadata = address in _METADATA
    if any(_allows(network, address, metadata=metadata) for network in rules.allowed):
        return None
    if metadata:
        return Refused.METADATA
    return next((why for why, network in _NETWORKS if address in network), None)


def refusal_of_name(host: str, rules: AddressRules) -> Refused | None:
    """Why nothing may be connected to whatever `host`, in lower case, is a name of."""
    return Refused.OPERATOR if host in rules.own_names and not rules.own_cluster else None


def carried(address: Address) -> Address:
    """The address that a mapped or translated one stands for; any other as it is, without zone."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    plain = IPv6Address(int(address))
    return IPv4Address(int(plain) & 0xFFFFFFFF) if plain in _NAT64 else plain


def _allows(network: Network, address: Address, *, metadata: bool) -> bool:
    return address in network and (not metadata or network.prefixlen == network.max_prefixlen)
