"""What keeps a pod from being ready: its conditions and containers (kubernetes.md section 3).

Between two crashes a container runs for a moment; as long as it has ended before and is not ready,
the reason stays what it was, or users would see it come and go.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from app.domain.reasons import Reason
from app.domain.states import Phase
from app.settings import Settings
from reconciler.manifests.kinds import Object
from reconciler.observed.fields import condition, field, number, part, parts, text, time, title
from reconciler.observed.view import Doubt, Look, View

_WAITING = {
    "ErrImagePull": Reason.IMAGE_PULL_FAILED,
    "ImagePullBackOff": Reason.IMAGE_PULL_FAILED,
    "InvalidImageName": Reason.IMAGE_PULL_FAILED,
    "ErrImageNeverPull": Reason.IMAGE_PULL_FAILED,
    "CreateContainerConfigError": Reason.CONTAINER_CONFIG_ERROR,
    "CreateContainerError": Reason.CONTAINER_CONFIG_ERROR,
    "RunContainerError": Reason.CONTAINER_CONFIG_ERROR,
    "CrashLoopBackOff": Reason.CRASH_LOOP,
}
_ENDED = {
    "OOMKilled": Reason.OOM_KILLED,
    # A command that cannot be run shows so once it has been tried: pkg/kubelet/kuberuntime.
    "StartError": Reason.CONTAINER_CONFIG_ERROR,
    "ContainerCannotRun": Reason.CONTAINER_CONFIG_ERROR,
}
_NOT_YET = ("", "ContainerCreating", "PodInitializing")
# A container that has run for so long begins anew: backOffPeriod's reset in pkg/kubelet.
_STEADY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Container:
    status: Object
    init: bool

    @property
    def title(self) -> str:
        kind = "init container" if self.init else "container"
        return f'The {kind} "{text(self.status, "name")}"'

    @property
    def waiting(self) -> str:
        return text(self.status, "state", "waiting", "reason")

    @property
    def said(self) -> str:
        return text(self.status, "state", "waiting", "message")

    @property
    def is_done(self) -> bool:
        """An init container that has done its work."""
        return self.init and field(self.status, "state", "terminated", "exitCode") == 0

    @property
    def has_begun(self) -> bool:
        return any(part(self.status, "state", now) for now in ("running", "terminated"))

    def ended(self, look: Look) -> Object:
        """How it ended last, while that is why it is not ready; else nothing."""
        if self.is_done or field(self.status, "ready") is True:
            return {}
        began = time(self.status, "state", "running", "startedAt")
        if began is not None and look.now - began > _STEADY:
            return {}
        now = part(self.status, "state", "terminated")
        return now or part(self.status, "lastState", "terminated")


def trouble(pod: Object, look: Look, settings: Settings) -> View:
    """Why a pod that should be ready is not; without a reason: what it waits for."""
    steps = (_unscheduled, _waiting, _evicted, _crashed, _creating)
    found = (step(pod, look, settings) for step in steps)
    return next(filter(None, found), None) or _awaited(pod)


def _unscheduled(pod: Object, look: Look, settings: Settings) -> View | None:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        said = text(scheduled, "message")
        return _view(pod, Reason.UNSCHEDULABLE, said, doubt=Doubt.UNSCHEDULED)
    overdue = look.waited.total_seconds() >= settings.pod_unmade
    if not scheduled and not text(pod, "spec", "nodeName") and overdue:
        return _view(pod, None, "The pod has no node yet.", doubt=Doubt.UNSCHEDULED)
    return None


def _waiting(pod: Object, look: Look, _: Settings) -> View | None:
    for container in _containers(pod):
        reason = _WAITING.get(container.waiting)
        if reason is Reason.CRASH_LOOP:
            return _ending(pod, container, container.ended(look))
        if reason is not None:
            return _view(pod, reason, _prefixed(container, container.said or container.waiting))
    return None


def _evicted(pod: Object, _: Look, __: Settings) -> View | None:
    disrupted = condition(pod, "DisruptionTarget")
    if text(pod, "status", "reason") == "Evicted" or disrupted.get("status") == "True":
        said = text(pod, "status", "message") or text(disrupted, "message")
        return _view(pod, Reason.EVICTED, said or "The node put the pod out.")
    if text(pod, "status", "phase") == "Failed":
        return _view(
            pod, None, _joined(text(pod, "status", "reason"), text(pod, "status", "message"))
        )
    return None


def _crashed(pod: Object, look: Look, _: Settings) -> View | None:
    for container in _containers(pod):
        ended = container.ended(look)
        if ended:
            return _ending(pod, container, ended)
    return None


def _creating(pod: Object, look: Look, settings: Settings) -> View | None:
    containers = list(_containers(pod))
    idle = all(c.waiting in _NOT_YET and not c.has_begun for c in containers)
    if idle and look.waited.total_seconds() >= settings.pod_creating:
        return _view(pod, None, "The node has not made its containers.", doubt=Doubt.CREATING)
    return None


def _awaited(pod: Object) -> View:
    """The container that keeps it back, as far as it can be told."""
    for container in _containers(pod):
        if container.waiting not in _NOT_YET:
            return _view(pod, None, _joined(container.waiting, container.said))
        running = bool(part(container.status, "state", "running"))
        if running and container.init:
            return _view(pod, None, f"{container.title} has not ended.")
        if running and field(container.status, "ready") is not True:
            return _view(pod, None, f"{container.title} runs, but {_probed(pod, container)}.")
    return _view(pod, None, text(condition(pod, "Ready"), "message"))


def _ending(pod: Object, container: _Container, ended: Object) -> View:
    why = text(ended, "reason")
    said = (_told(container, ended), text(ended, "message").strip(), container.said)
    return _view(pod, _ENDED.get(why, Reason.CRASH_LOOP), " ".join(filter(None, said)))


def _told(container: _Container, ended: Object) -> str:
    """How often it ended, and how the last time: neither stands in the cluster's own words."""
    if not ended:
        return f"{container.title} ends again and again."
    why = text(ended, "reason")
    now = bool(part(container.status, "state", "terminated"))
    times = number(container.status, "restartCount") + now
    often = "once" if times <= 1 else f"{times} times"
    code = f"exit code {field(ended, 'exitCode')}" + (f" ({why})" if why else "")
    return f"{container.title} has ended {often}, last with {code}."


def _probed(pod: Object, container: _Container) -> str:
    """What the readiness probe of a container asks."""
    listed = parts(pod, "spec", "containers")
    name = text(container.status, "name")
    spec = next((item for item in listed if item.get("name") == name), {})
    probe = part(spec, "readinessProbe")
    port = field(probe, "tcpSocket", "port") or field(probe, "httpGet", "port")
    if port is None:
        return "it is not ready"
    named = next((p for p in parts(spec, "ports") if p.get("name") == port), {})
    where = f"{named['containerPort']} ({port})" if "containerPort" in named else f"{port}"
    return f"its readiness probe finds nothing at port {where}"


def _containers(pod: Object) -> Iterator[_Container]:
    for init, key in ((True, "initContainerStatuses"), (False, "containerStatuses")):
        for status in parts(pod, "status", key):
            yield _Container(status, init)


def _prefixed(container: _Container, said: str) -> str:
    """The words of the cluster, which do not name an init container."""
    return f"{container.title}: {said}" if container.init else said


def _joined(*said: str) -> str:
    return ": ".join(filter(None, said))


def _view(pod: Object, reason: Reason | None, said: str, doubt: Doubt | None = None) -> View:
    uid = text(pod, "metadata", "uid") if doubt else ""
    return View(Phase.STARTING, reason, said or None, title("Pod", pod), doubt, uid)
