"""The sockets of `mooring dev`.

The parent binds the API's socket and hands it down: the port is held while the API is started
again, and connections made meanwhile wait instead of failing.
"""

from __future__ import annotations

import contextlib
import errno
import random
import socket
from pathlib import Path

from app.supervisor.errors import DevError

_TRIES = 50
_FIRST = 10_000
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Where the kernel does not say, and the most that is believed: RFC 6335 section 6, dynamic ports.
_DYNAMIC = 49_152


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on `port`, or on the next free one above it.

    Raises:
        DevError: none is free, or the address cannot be bound.
    """
    family, *_, address = _resolve(host)
    for candidate in range(port, port + (_TRIES if port else 1)):
        try:
            return socket.create_server((address[0], candidate), family=family, backlog=2048)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise DevError(
                    f"Nothing can listen on {host} ({error.strerror}). "
                    "Set MOORING_HOST to an address of this machine"
                ) from error
    raise DevError(
        f"No port from {port} to {port + _TRIES - 1} is free on {host}. Set MOORING_PORT to another"
    )


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that are free now, none twice, for servers that may be started again.

    They are below those that the kernel gives to outgoing connections: one of these would keep a
    server from its port for as long as it lives.

    Raises:
        DevError: so many are not free.
    """
    with contextlib.ExitStack() as held:
        found: list[int] = []
        for candidate in random.sample(range(_FIRST, _outgoing_from()), count * _TRIES):
            with contextlib.suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", candidate)))
                found.append(candidate)
            if len(found) == count:
                return found
    raise DevError(f"Of {count * _TRIES} ports of 127.0.0.1 that were tried, hardly one is free")


def address_for_people(host: str, port: int) -> str:
    """The URL at which a browser on this machine finds a server on `host`."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _resolve(host: str) -> tuple[socket.AddressFamily, int, int, str, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host or "0.0.0.0", None, type=socket.SOCK_STREAM)[0]  # noqa: S104
    except OSError as error:
        raise DevError(f"MOORING_HOST: {host} is no address of this machine") from error
    return found  # type: ignore[return-value]


def _outgoing_from() -> int:
    """The first port that the kernel gives to outgoing connections."""
    try:
        first = int(_OUTGOING.read_text().split()[0])
    except OSError:
        return _DYNAMIC
    return first if first > 2 * _FIRST else _DYNAMIC
