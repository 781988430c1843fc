from pathlib import Path

import pytest

from app.supervisor.ports import free_ports


def test_a_server_finds_its_port_again_whatever_was_connected_meanwhile() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if first < 20_001:
        pytest.skip("this machine gives nearly every port to outgoing connections")

    ports = free_ports(20)

    assert all(port < first for port in ports)


def test_no_port_is_given_twice() -> None:
    ports = free_ports(200)

    assert len(set(ports)) == 200
