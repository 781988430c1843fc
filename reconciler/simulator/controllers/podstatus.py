"""A pod's status as scheduler and kubelet write it, and what it waits for. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.simulator.schema import Json

NODE = "simulator"
NODE_ADDRESS = "192.0.2.1"


@dataclass(frozen=True)
class Source:
    """A Secret or ConfigMap that a container does not start without; `kind` as in Kind.kind."""

    kind: str
    name: str

    @property
    def missing(self) -> str:
        return f'{self.kind.lower()} "{self.name}" not found'


def sources(spec: Json) -> Iterator[Source]:
    """Those that environment variables come from and that are not optional."""
    for container in spec.get("initContainers", []) + spec["containers"]:
        found = [variable.get("valueFrom", {}) for variable in container.get("env", ())]
        for source in found + container.get("envFrom", []):
            for part, kind in (
                ("secretKeyRef", "Secret"),
                ("secretRef", "Secret"),
                ("configMapKeyRef", "ConfigMap"),
                ("configMapRef", "ConfigMap"),
            ):
                if part in source and not source[part].get("optional"):
                    yield Source(kind, source[part].get("name", ""))


def claim_names(spec: Json) -> list[str]:
    return [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in spec.get("volumes", ())
        if "persistentVolumeClaim" in volume
    ]


def condition(kind: str, true: bool, since: str, reason: str = "", message: str = "") -> Json:
    body: Json = {
        "type": kind,
        "status": "True" if true else "False",
        "lastProbeTime": None,
        "lastTransitionTime": since,
    }
    if reason:
        body["reason"] = reason
    return {**body, "message": message} if message else body


def scheduled(status: Json, since: str) -> Json:
    return {**status, "conditions": [condition("PodScheduled", True, since)]}


def unschedulable(status: Json, since: str, message: str) -> Json:
    wanted = condition("PodScheduled", False, since, "Unschedulable", message)
    return {**status, "conditions": [_kept(status, wanted)]}


def evicted(status: Json, since: str, message: str) -> Json:
    """Ended by the kubelet, for the node's sake."""
    target = condition("DisruptionTarget", True, since, "TerminationByKubelet", message)
    others = [one for one in status.get("conditions", ()) if one["type"] != "DisruptionTarget"]
    failed = {"phase": "Failed", "reason": "Evicted", "message": message}
    return {**status, **failed, "conditions": [*others, target]}


def creating(pod: Json, since: str) -> Json:
    """On its node, and no container made yet."""
    return report(pod, since, "", made=False)


@dataclass(frozen=True)
class Trouble:
    """What one container suffers, the others being well. last: how its latest run ended."""

    container: str
    state: Json
    last: Json = field(default_factory=dict)
    restarts: int = 0


def report(
    pod: Json, since: str, address: str, *, made: bool = True, trouble: Trouble | None = None
) -> Json:
    """The status that a kubelet writes. What is as before keeps the times it had."""
    spec, status = pod["spec"], pod.get("status", {})
    inits, shown, blocked = _initialized(pod, since, made, trouble)
    for container in spec["containers"]:
        if blocked:
            reason = "PodInitializing" if inits else "ContainerCreating"
            state: Json = {"waiting": {"reason": reason}}
        elif trouble and trouble.container == container["name"]:
            state = trouble.state
        else:
            state = {"running": {"startedAt": since}}
        suffers = trouble if trouble and trouble.container == container["name"] else None
        shown.append(_container(container, pod, state, suffers))
    apps = shown[len(inits) :]
    incomplete = [one["name"] for one in shown[: len(inits)] if not one["ready"]]
    body: Json = {
        **status,
        "phase": _phase(apps, bool(incomplete)),
        "conditions": _conditions(status, since, incomplete, apps),
        "hostIP": NODE_ADDRESS,
        "hostIPs": [{"ip": NODE_ADDRESS}],
        "startTime": status.get("startTime", since),
        "containerStatuses": apps,
    }
    if inits:
        body["initContainerStatuses"] = shown[: len(inits)]
    if address:
        body |= {"podIP": address, "podIPs": [{"ip": address}]}
    return body


def _initialized(
    pod: Json, since: str, made: bool, trouble: Trouble | None
) -> tuple[list[Json], list[Json], bool]:
    """The init containers, what is shown of them, and whether the others wait for one."""
    inits, shown, blocked = pod["spec"].get("initContainers", []), [], not made
    for container in inits:
        suffers = trouble if trouble and trouble.container == container["name"] else None
        done = {"exitCode": 0, "reason": "Completed", "startedAt": since, "finishedAt": since}
        stays = container.get("restartPolicy") == "Always"
        state: Json = {"running": {"startedAt": since}} if stays else {"terminated": done}
        if blocked:
            state = {"waiting": {"reason": "PodInitializing"}}
        elif suffers:
            state, blocked = suffers.state, True
        shown.append(_container(container, pod, state, suffers))
    return inits, shown, blocked


def _phase(apps: list[Json], initializing: bool) -> str:
    """The kubelet's getPhase, of a pod whose containers are always started again."""
    waiting = any("waiting" in one["state"] and not one["lastState"] for one in apps)
    return "Pending" if initializing or waiting else "Running"


def _conditions(status: Json, since: str, incomplete: list[str], apps: list[Json]) -> list[Json]:
    unready = [one["name"] for one in apps if not one["ready"]]
    begun: tuple[str, ...] = ()
    if incomplete:
        text = f"containers with incomplete status: [{' '.join(incomplete)}]"
        begun = ("ContainersNotInitialized", text)
    why: tuple[str, ...] = ()
    if unready:
        why = ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    wanted = [
        condition("Initialized", not incomplete, since, *begun),
        condition("Ready", not unready, since, *why),
        condition("ContainersReady", not unready, since, *why),
        condition("PodScheduled", True, since),
    ]
    return [_kept(status, one) for one in wanted]


def _kept(status: Json, wanted: Json) -> Json:
    for known in status.get("conditions", ()):
        if (known["type"], known["status"]) == (wanted["type"], wanted["status"]):
            return {**wanted, "lastTransitionTime": known["lastTransitionTime"]}
    return wanted


def shown(pod: Json, container: str) -> Json:
    """The status of a container as it is now; {} before there is one."""
    status = pod.get("status", {})
    known = [*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ())]
    return next((one for one in known if one["name"] == container), {})


def _container(container: Json, pod: Json, state: Json, trouble: Trouble | None) -> Json:
    before = shown(pod, container["name"])
    restarts, last = before.get("restartCount", 0), before.get("lastState", {})
    if trouble:
        last = last if restarts == trouble.restarts and last else trouble.last
        restarts = trouble.restarts
    elif "waiting" in before.get("state", {}) and last and "running" in state:
        restarts += 1
    same = [kind for kind in state if kind in before.get("state", {}) and kind != "waiting"]
    up = "waiting" not in state
    body: Json = {
        "name": container["name"],
        "state": before["state"] if same else state,
        "lastState": last,
        "ready": up and not trouble,
        "restartCount": restarts,
        "image": container["image"],
        "imageID": f"simulator://{container['image']}" if up or last else "",
        "started": "running" in state,
    }
    if up or last:
        body["containerID"] = f"simulator://{pod['metadata']['uid']}/{container['name']}"
    return body
