"""Which resource a URL path means."""

from dataclasses import dataclass

from reconciler.simulator import discovery
from reconciler.simulator.kinds import BY_PATH, Kind
from reconciler.simulator.status import no_such_resource


@dataclass(frozen=True)
class Target:
    """name "" is the collection; namespace "" all of them, or none for a kind without."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def api_version(segments: list[str]) -> tuple[str, list[str]] | None:
    """(`v1` or `group/version`, the segments below it); None when it is not served at all."""
    if segments[:2] == ["api", "v1"]:
        return "v1", segments[2:]
    if segments[0] == "apis" and len(segments) >= 3:
        found = f"{segments[1]}/{segments[2]}"
        if found in discovery.group_versions():
            return found, segments[3:]
    return None


def target(version: str, below: list[str]) -> Target:
    """Raises Refusal 404 for a resource that is not in this group."""
    group, _, number = version.rpartition("/")
    namespace = ""
    nested = below[0] == "namespaces" and len(below) > 2
    if nested and (group, number, below[2]) in BY_PATH:
        namespace, below = below[1], below[2:]
    kind = BY_PATH.get((group, number, below[0]))
    if kind is None or len(below) > 3 or (bool(namespace) and not kind.namespaced):
        raise no_such_resource()
    name, subresource = [*below[1:], "", ""][:2]
    if subresource and subresource not in kind.subresources:
        raise no_such_resource()
    if name and kind.namespaced and not namespace:
        raise no_such_resource()
    return Target(kind, namespace, name, subresource)
