"""Which release of KubeBlocks is installed: what it serves, and how it is told to stop.

One at a time: of a real cluster with 1.0 the older version of a Cluster is a view that has lost
fields, which nobody is to use.
"""

from dataclasses import dataclass

from reconciler.simulator.kinds import (
    CLUSTER,
    OLD_CLUSTER,
    OLD_OPS_REQUEST,
    OPS_REQUEST,
    Kind,
)
from reconciler.simulator.schema import of


@dataclass(frozen=True)
class Release:
    """cluster, request: its kinds. stops: a component has the field `stop`."""

    name: str
    cluster: Kind = CLUSTER
    request: Kind = OPS_REQUEST
    stops: bool = True

    @property
    def old(self) -> bool:
        return self.cluster is OLD_CLUSTER


NEWEST = Release("1.0")
NONE = Release("none")
RELEASES = {
    release.name: release
    for release in (
        NEWEST,
        Release("0.9", OLD_CLUSTER, OLD_OPS_REQUEST),
        Release("0.8", OLD_CLUSTER, OLD_OPS_REQUEST, stops=False),
        NONE,
    )
}
_ALL = (CLUSTER, OPS_REQUEST, OLD_CLUSTER, OLD_OPS_REQUEST)


def absent(release: Release) -> frozenset[str]:
    """The versions of API groups, `group/version`, that this release does not serve."""
    served = () if release is NONE else (release.cluster, release.request)
    return frozenset({kind.api_version for kind in _ALL}) - {kind.api_version for kind in served}


def install(release: Release) -> None:
    """Take what this release does not have out of the process's table of fields."""
    if not release.stops:
        del of("OldClusterComponent").fields["stop"]
