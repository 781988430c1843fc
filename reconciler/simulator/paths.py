"""Which resource a URL path means."""

from dataclasses import dataclass

from reconciler.simulator import discovery
from reconciler.simulator.kinds import BY_PATH, KINDS, POD, Kind
from reconciler.simulator.status import NoPage, Refusal, no_such_resource

OF_RUNNING_PODS = frozenset({"log", "exec", "attach", "portforward", "proxy"})
NOTHING_RUNS = "no pod really runs in the simulator"
REVIEWED = frozenset(version.partition("/")[0] for version in discovery.REVIEWS)
BUILT_IN = frozenset(kind.group for kind in KINDS if not kind.custom) | REVIEWED


@dataclass(frozen=True)
class Target:
    """name "" is the collection; namespace "" all of them, or none for a kind without."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def missing(group: str) -> Exception:
    """What is raised for a path that means nothing: groups made by CRDs have no Status for it."""
    return no_such_resource() if group in BUILT_IN else NoPage()


def api_version(segments: list[str]) -> tuple[str, list[str]]:
    """(`v1` or `group/version`, the segments below it). Raises Refusal or NoPage."""
    if segments[:2] == ["api", "v1"]:
        return "v1", segments[2:]
    if segments[:1] != ["apis"] or len(segments) < 3:
        raise NoPage
    found = f"{segments[1]}/{segments[2]}"
    if found not in discovery.group_versions():
        raise missing(segments[1])
    return found, segments[3:]


def target(version: str, below: list[str]) -> Target:
    """Raises Refusal 404, or NoPage, for a resource that is not in this group."""
    group, _, number = version.rpartition("/")
    namespace = ""
    nested = below[0] == "namespaces" and len(below) > 2
    if nested and (group, number, below[2]) in BY_PATH:
        namespace, below = below[1], below[2:]
    kind = BY_PATH.get((group, number, below[0]))
    if kind is None or len(below) > 3 or (bool(namespace) and not kind.namespaced):
        raise missing(group)
    name, subresource = [*below[1:], "", ""][:2]
    if kind is POD and subresource in OF_RUNNING_PODS:
        raise Refusal(501, f"{NOTHING_RUNS}: it has no {subresource}", "NotImplemented")
    if subresource and subresource not in kind.subresources:
        raise no_such_resource()
    if name and kind.namespaced and not namespace:
        raise missing(group)
    return Target(kind, namespace, name, subresource)
