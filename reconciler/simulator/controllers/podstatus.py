"""A pod's status as scheduler and kubelet write it, and what it waits for. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

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
            for field, kind in (
                ("secretKeyRef", "Secret"),
                ("secretRef", "Secret"),
                ("configMapKeyRef", "ConfigMap"),
                ("configMapRef", "ConfigMap"),
            ):
                if field in source and not source[field].get("optional"):
                    yield Source(kind, source[field].get("name", ""))


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


def waiting(pod: Json, since: str, reason: str, message: str = "") -> Json:
    """On its node, not running: ContainerCreating, or what keeps it from starting."""
    state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    return _status(pod, since, state, ready=False)


def running(pod: Json, since: str, address: str) -> Json:
    status = _status(pod, since, {"running": {"startedAt": since}}, ready=True)
    return {**status, "podIP": address, "podIPs": [{"ip": address}]}


def _status(pod: Json, since: str, state: Json, *, ready: bool) -> Json:
    spec, status, uid = pod["spec"], pod.get("status", {}), pod["metadata"]["uid"]
    names = " ".join(container["name"] for container in spec["containers"])
    why = () if ready else ("ContainersNotReady", f"containers with unready status: [{names}]")
    scheduled_since = _transition(status, "PodScheduled") or since
    body: Json = {
        **status,
        "phase": "Running" if ready else "Pending",
        "conditions": [
            condition("Initialized", ready or not spec.get("initContainers"), since),
            condition("Ready", ready, since, *why),
            condition("ContainersReady", ready, since, *why),
            condition("PodScheduled", True, scheduled_since),
        ],
        "hostIP": NODE_ADDRESS,
        "hostIPs": [{"ip": NODE_ADDRESS}],
        "startTime": status.get("startTime", since),
        "containerStatuses": [
            _container(container, uid, state, ready) for container in spec["containers"]
        ],
    }
    if spec.get("initContainers"):
        done = {"exitCode": 0, "reason": "Completed", "startedAt": since, "finishedAt": since}
        shown = {"terminated": done} if ready else {"waiting": {"reason": "PodInitializing"}}
        body["initContainerStatuses"] = [
            {**_container(container, uid, shown, ready), "started": False}
            for container in spec["initContainers"]
        ]
    return body


def _transition(status: Json, kind: str) -> str | None:
    for known in status.get("conditions", ()):
        if known["type"] == kind:
            since: str = known["lastTransitionTime"]
            return since
    return None


def _container(container: Json, uid: str, state: Json, ready: bool) -> Json:
    body: Json = {
        "name": container["name"],
        "state": state,
        "lastState": {},
        "ready": ready,
        "restartCount": 0,
        "image": container["image"],
        "imageID": f"simulator://{container['image']}" if ready else "",
        "started": "running" in state,
    }
    if ready:
        body["containerID"] = f"simulator://{uid}/{container['name']}"
    return body
