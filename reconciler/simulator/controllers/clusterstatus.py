"""A Cluster's status as KubeBlocks 1.0.2 writes it: phases and conditions. Pure.

Rules and texts of transformer_cluster_status.go and cluster_status_conditions.go of that release.
"""

from dataclasses import dataclass, field

from reconciler.simulator.schema import Json
from reconciler.simulator.stored import Stored

WORKING = {"Creating", "Running", "Updating"}


@dataclass(frozen=True)
class Seen:
    """One component: its phase, and what its message says of which object."""

    phase: str
    message: dict[str, str] = field(default_factory=dict)


def composed(phases: set[str], before: str = "") -> str:
    """The cluster's phase of its components': the first rule that holds, else the one it had."""
    rules = (
        (phases == {"Stopped"}, "Stopped"),
        (phases <= {"Running", "Stopped"}, "Running"),
        (phases == {"Creating"}, "Creating"),
        (phases <= WORKING or "Starting" in phases, "Updating"),
        ("Stopping" in phases, "Stopping"),
        (phases == {"Failed"}, "Failed"),
        ("Failed" in phases, "Abnormal"),
    )
    return next((phase for holds, phase in rules if holds), before)


def next_phase(before: str, *, old: bool = False) -> str:
    """Of a component whose pods are not all there yet, by the phase it had."""
    starting = "Updating" if old else "Starting"
    started = {"Stopped": starting, "Stopping": starting, "Running": "Updating"}
    return started.get(before, before)


def provisioned(cluster: Stored, seen: dict[str, Seen], since: str, *, old: bool = False) -> Json:
    """What is seen of a cluster whose definitions are known."""
    generation, before = cluster.meta["generation"], cluster.body.get("status", {})
    phase = composed({one.phase for one in seen.values()}, before.get("phase", ""))
    started = f"The operator has started the provisioning of Cluster: {cluster.name}"
    found = [
        _condition("ProvisioningStarted", True, "PreCheckSucceed", started, generation),
        _condition(
            *("ApplyResources", True, "ApplyResourcesSucceed"),
            "Successfully applied for resources",
            generation,
        ),
    ]
    failed = sorted(name for name, one in seen.items() if one.phase == "Failed")
    if phase == "Running":
        found.append(_condition("Ready", True, "ClusterReady", f"cluster {cluster.name} is ready"))
    elif failed:
        why = f"cluster {cluster.name} is NOT ready, unavailable components: {','.join(failed)}"
        found.append(_condition("Ready", False, "ComponentsNotReady", why))
    return {
        "observedGeneration": generation,
        "phase": phase,
        "components": {
            name: _old_component(one) if old else _component(one, generation)
            for name, one in seen.items()
        },
        "conditions": _kept(before.get("conditions", []), found, since),
    }


def refused(cluster: Stored, kind: str, reason: str, message: str, since: str) -> Json:
    """The status as it was, with a condition that says what the operator could not do."""
    before = cluster.body.get("status", {})
    found = [_condition(kind, False, reason, message)]
    return {**before, "conditions": _kept(before.get("conditions", []), found, since)}


def _component(seen: Seen, generation: int) -> Json:
    body: Json = {"phase": seen.phase, "observedGeneration": generation}
    if seen.phase in ("Running", "Stopped"):
        body["upToDate"] = True
    return {**body, "message": seen.message} if seen.message else body


def _old_component(seen: Seen) -> Json:
    body: Json = {"phase": seen.phase, "podsReady": seen.phase == "Running"}
    return {**body, "message": seen.message} if seen.message else body


def _condition(kind: str, true: bool, reason: str, message: str, generation: int = 0) -> Json:
    status = "True" if true else "False"
    body: Json = {"type": kind, "status": status, "reason": reason, "message": message}
    return {**body, "observedGeneration": generation} if generation else body


def _kept(before: list[Json], found: list[Json], since: str) -> list[Json]:
    """As meta.SetStatusCondition: the time changes with the status, what is not named stays."""
    known = {condition["type"]: condition for condition in before}
    for condition in found:
        old = known.get(condition["type"])
        same = old is not None and old["status"] == condition["status"]
        at = old["lastTransitionTime"] if old is not None and same else since
        known[condition["type"]] = {**condition, "lastTransitionTime": at}
    return list(known.values())
