import socket
from pathlib import Path

from app.supervisor.ports import free_ports


def test_a_server_finds_its_port_again_whatever_was_connected_meanwhile() -> None:
    ports = free_ports(20)

    with socket.create_server(("127.0.0.1", 0)) as given_by_the_kernel:
        outgoing = given_by_the_kernel.getsockname()[1]
    first, last = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert int(first) <= outgoing <= int(last)
    assert all(port < int(first) for port in ports)


def test_no_port_is_given_twice() -> None:
    ports = free_ports(200)

    assert len(set(ports)) == 200
