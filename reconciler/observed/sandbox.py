"""What is seen of a sandbox: its workload and pods, read by the table of kubernetes.md section 3.

First hit wins. Unknown strings never crash: starting, with the text kept. Pure: no await.
"""

from collections.abc import Sequence

from app.domain.states import Phase
from reconciler.manifests.kinds import Object
from reconciler.observed.view import View

_WAITING = {
    "ErrImagePull": "ImagePullFailed",
    "ImagePullBackOff": "ImagePullFailed",
    "InvalidImageName": "ImagePullFailed",
    "ErrImageNeverPull": "ImagePullFailed",
    "CreateContainerConfigError": "ContainerConfigError",
    "CreateContainerError": "ContainerConfigError",
    "RunContainerError": "ContainerConfigError",
    "CrashLoopBackOff": "CrashLoop",
}


def seen(workload: Object | None, pods: Sequence[Object]) -> View:
    """What is to be seen of a sandbox."""
    if workload is None:
        return View(Phase.ABSENT)
    status, spec = workload.get("status", {}), workload["spec"]
    wanted = spec.get("replicas", 1)
    if "deletionTimestamp" in workload["metadata"]:
        return View(Phase.TERMINATING)
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return View(Phase.STARTING if wanted else Phase.STOPPING)
    if not wanted:
        return View(Phase.STOPPING if pods else Phase.STOPPED)
    ready = [pod for pod in pods if _ready(pod) and _revision(pod) == status.get("updateRevision")]
    if ready:
        return View(Phase.RUNNING)
    return next((view for pod in pods if (view := _trouble(pod))), View(Phase.STARTING))


def _ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _revision(pod: Object) -> str | None:
    labels = pod["metadata"].get("labels") or {}
    found: str | None = labels.get("controller-revision-hash")
    return found


def _trouble(pod: Object) -> View | None:
    status = pod.get("status", {})
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return View(Phase.STARTING, "Unschedulable", condition.get("message"), _name(pod))
    containers = [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]
    for container in containers:
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = _WAITING.get(waiting.get("reason", ""))
        if reason:
            return View(Phase.STARTING, reason, waiting.get("message"), _name(pod))
    return None


def _name(pod: Object) -> str:
    return f"Pod/{pod['metadata']['name']}"
