"""Before anything is written: whether the pod that a workload is to make is admitted, by dry run.

For one that is to take a running one's place it is asked too: that is taken away first, and without
its successor the sandbox would be down. Quota counts both in a dry run, so what the running one
gives back is taken off the sum that the API server names; Pod Security and all else is asked before
quota, and holds as it is said.
"""

import re
from collections.abc import Mapping

from app.domain.quantities import milli
from reconciler import plan
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.manifests.kinds import Object
from reconciler.manifests.workload import probe_pod

# plugin/pkg/admission/resourcequota of Kubernetes: only what has no room is named.
_SUMS = re.compile(r"requested: (.+?), used: (.+?), limited: (.+)")
_ONE = 1000  # in thousandths, as all quantities


async def passed(cluster: Cluster, live: Object | None, workload: Object) -> None:
    """Return if it may be applied; ClusterError with the refusal of its pod."""
    if plan.makes_pod(live, workload):
        await cluster.admit(probe_pod(workload))
    elif live is not None and plan.replaces_pod(live, workload):
        try:
            await cluster.admit(probe_pod(workload))
        except ClusterError as error:
            if error.meaning is not Meaning.QUOTA or not has_room(str(error), use_of(live)):
                raise


def has_room(refusal: str, given_back: Mapping[str, int]) -> bool:
    """Whether a quota that refused has room once this is given back, in thousandths by name."""
    found = _SUMS.search(refusal)
    if found is None:
        return False
    sums = [_quantities(part) for part in found.groups()]
    if None in (size for part in sums for size in part.values()):
        return False
    requested, used, limited = ({name: size or 0 for name, size in it.items()} for it in sums)
    return all(
        used.get(name, 0) - given_back.get(name, 0) + wanted <= limited.get(name, 0)
        for name, wanted in requested.items()
    )


def use_of(workload: Object) -> dict[str, int]:
    """What the one pod of a live workload counts in quotas, in thousandths."""
    spec = workload["spec"]["template"]["spec"]
    use = {"pods": _ONE, "count/pods": _ONE}
    for side in ("requests", "limits"):
        together = _sizes(spec["containers"], side)
        first = [_sizes([one], side) for one in spec.get("initContainers") or ()]
        for name in {*together, *(name for one in first for name in one)}:
            most = max(together.get(name, 0), *(one.get(name, 0) for one in first), 0)
            use[f"{side}.{name}"] = most
            if side == "requests":
                use[name] = most
    return use


def _sizes(containers: list[Object], side: str) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for container in containers:
        said = (container.get("resources") or {}).get(side) or {}
        for name, size in said.items():
            sizes[name] = sizes.get(name, 0) + (milli(str(size)) or 0)
    return sizes


def _quantities(said: str) -> dict[str, int | None]:
    pairs = (pair.partition("=") for pair in said.split(","))
    return {name: milli(size.strip()) for name, _, size in pairs}
