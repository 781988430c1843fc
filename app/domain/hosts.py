"""The hosts of a sandbox: one label in front of the domain for each port that it is reached at.

The reconciler makes them and keeps the address of the app; the addresses of the ports that a user
opens follow from that one, whatever the domain is (kubernetes.md section 1).
"""

from typing import Final

APP: Final = "app"
TTYD: Final = "ttyd"
# The ports that every sandbox has, by route: they cannot be opened, or closed.
OWN: Final = {APP: 3000, TTYD: 7681}


def route_of(port: int) -> str:
    """The route to a port that a user opened."""
    return f"p{port}"


def label(name: str, route: str) -> str:
    """The first label of a host: at most 29 characters of a resource's name, and the route."""
    return f"{name}-{route}"


def opened(public_url: str | None, name: str, port: int) -> str | None:
    """The address of an opened port, given that of the app; None while there is none."""
    if public_url is None:
        return None
    return public_url.replace(f"//{label(name, APP)}.", f"//{label(name, route_of(port))}.", 1)
