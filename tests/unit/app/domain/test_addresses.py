"""Which addresses may be connected to, and the one spelling of a server."""

import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.addresses import AddressRules, Refused, carried, refusal, refusal_of_name
from app.domain.servers import BadServerError, read_server

NONE = AddressRules()


PUBLIC = (
    *("1.1.1.1", "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "100.63.255.255"),
    *("100.128.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111"),
    *("64:ff9b::1.1.1.1", "::ffff:1.1.1.1", "2a00::", "3fff:1000::"),
)


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_allowed(text: str) -> None:
    assert refusal(ip_address(text), NONE) is None


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_of_ipv4_nothing_is_allowed_that_python_knows_to_be_special(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert refusal(address, NONE) is not None


@given(st.integers(0, 2**32 - 1).map(IPv4Address), st.sampled_from(["::ffff:", "64:ff9b::"]))
def test_what_carries_an_address_is_judged_by_it(address: IPv4Address, prefix: str) -> None:
    carrier = ip_address(f"{prefix}{address}")

    assert carried(carrier) == address
    assert refusal(carrier, NONE) == refusal(address, NONE)


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_of_ipv6_only_what_is_given_out_is_allowed(address: IPv6Address) -> None:
    if refusal(address, NONE) is None and carried(address) == address:
        assert address in ip_network("2000::/3")
        assert address.sixtofour is None
        assert address.teredo is None


@given(st.binary(min_size=4, max_size=4).map(IPv4Address))
def test_a_tunnel_is_refused_whatever_is_in_it(address: IPv4Address) -> None:
    six_to_four = IPv6Address((0x2002 << 112) | (int(address) << 80))
    teredo = IPv6Address((0x20010000 << 96) | (int(address) ^ 0xFFFFFFFF))

    assert refusal(six_to_four, NONE) == refusal(teredo, NONE) == Refused.TUNNEL


def test_settings_allow_networks() -> None:
    rules = AddressRules((ip_network("10.1.0.0/16"), ip_network("fd12::/16")))

    assert refusal(ip_address("10.1.2.3"), rules) is None
    assert refusal(ip_address("::ffff:10.1.2.3"), rules) is None
    assert refusal(ip_address("fd12::1"), rules) is None
    assert refusal(ip_address("10.2.0.1"), rules) == Refused.PRIVATE


def test_metadata_is_allowed_only_by_name() -> None:
    metadata = ip_address("169.254.169.254")
    wide = AddressRules((ip_network("0.0.0.0/0"),))
    exact = AddressRules((ip_network("169.254.169.254/32"),))

    assert refusal(metadata, wide) == Refused.METADATA
    assert refusal(ip_address("64:ff9b::169.254.169.254"), wide) == Refused.METADATA
    assert refusal(metadata, exact) is None


def test_the_operators_cluster_is_refused_in_whatever_network_unless_it_is_allowed() -> None:
    own = frozenset({ip_address("10.0.0.1"), ip_address("8.8.8.8")})
    networks = (ip_network("10.0.0.0/8"),)
    refusing = AddressRules(networks, own=own, own_names=frozenset({"kube.internal"}))
    allowing = AddressRules((), own_cluster=True, own=own, own_names=frozenset({"kube.internal"}))

    for text in ("10.0.0.1", "8.8.8.8", "::ffff:8.8.8.8"):
        assert refusal(ip_address(text), refusing) == Refused.OPERATOR
        assert refusal(ip_address(text), allowing) is None
    assert refusal_of_name("kube.internal", refusing) == Refused.OPERATOR
    assert refusal_of_name("kube.internal", allowing) is None
    assert refusal_of_name("kube.example.com", refusing) is None


@given(st.text(alphabet="0123456789abcdefxX.-:[]%/@", min_size=1, max_size=20))
def test_no_name_is_an_address_to_the_system_and_none_to_us(host: str) -> None:
    try:
        server = read_server(f"https://{host}")
    except BadServerError:
        return
    if server.address is None:
        # inet_aton takes what getaddrinfo takes: octal, hexadecimal, fewer parts.
        with suppress(OSError):
            socket.inet_aton(server.host)
            pytest.fail(f"{server.host} is an address")


@given(st.ip_addresses(), st.integers(1, 65535))
def test_an_address_is_the_one_that_is_written(
    address: IPv4Address | IPv6Address, port: int
) -> None:
    shown = f"[{address}]" if address.version == 6 else str(address)

    server = read_server(f"https://{shown}:{port}")

    assert (server.address, server.port) == (address, port)
    assert read_server(server.url) == server
