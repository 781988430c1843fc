"""What a fault makes of a pod: what its container shows and which events tell of it. Pure.

Texts are those of the kubelet (images/image_manager.go, kuberuntime_manager.go) and of containerd.
"""

from dataclasses import dataclass, field

from reconciler.simulator.clock import now
from reconciler.simulator.controllers.events import Told
from reconciler.simulator.controllers.podstatus import Trouble
from reconciler.simulator.faults import (
    ContainerFault,
    Crash,
    Faults,
    ImagePull,
    NeverReady,
    NotCreated,
    OutOfMemory,
    PodRule,
    Refused,
)
from reconciler.simulator.schema import Json
from reconciler.simulator.stored import Stored

# MaxContainerBackOff of the kubelet.
LONGEST_SECONDS = 300.0
EVERY_SECONDS = 10.0
KUBELET = "kubelet"
UNKNOWN_IMAGE = (
    'failed to pull and unpack image "{0}": failed to resolve reference "{0}":'
    " pull access denied, repository does not exist or may require authorization:"
    " server message: insufficient_scope: authorization failed"
)
NO_SUCH_HOST = (
    'failed to pull and unpack image "{0}": failed to resolve reference "{0}":'
    ' failed to do request: Head "https://{1}/v2/{2}/manifests/{3}":'
    " dial tcp: lookup {1}: no such host"
)
NOT_CREATED = {
    "FailedMount": 'MountVolume.SetUp failed for volume "{0}" : rpc error: code = Internal'
    " desc = the volume cannot be mounted",
    "FailedCreatePodSandBox": "Failed to create pod sandbox: rpc error: code = Unknown desc ="
    ' failed to setup network for sandbox: plugin type="simulator" failed (add)',
}
REFUSED = {
    "InvalidImageName": 'Failed to apply default image tag "{0}": couldn\'t parse image name'
    ' "{0}": invalid reference format',
    "ErrImageNeverPull": 'Container image "{0}" is not present with pull policy of Never',
    "CreateContainerConfigError": "couldn't find key KEY in Secret",
    "CreateContainerError": "failed to reserve container name",
    "RunContainerError": "failed to create containerd task: failed to create shim task:"
    " OCI runtime create failed: exec format error",
}


@dataclass(frozen=True)
class Effect:
    """trouble None: no container is made at all. events are told once per step."""

    trouble: Trouble | None
    events: list[Told] = field(default_factory=list)


def rule_on(faults: Faults, pod: Stored) -> PodRule | None:
    """What keeps this pod from being ready, if anything does."""
    for kind in (NotCreated, ContainerFault, NeverReady):
        found: PodRule | None = faults.of(kind, pod)
        if found is not None:
            return found
    return next(map(_unknown_registry, _images(pod)), None)


def _images(pod: Stored) -> list[Json]:
    spec = pod.body["spec"]
    everything = [*spec.get("initContainers", ()), *spec["containers"]]
    return [one for one in everything if _registry(one["image"]).endswith(".invalid")]


def _registry(image: str) -> str:
    return image.partition("/")[0].partition(":")[0]


def _unknown_registry(container: Json) -> ImagePull:
    """A registry under `.invalid` (RFC 6761) has no address, so such an image is never pulled."""
    image = container["image"]
    registry, _, path = image.partition("/")
    name, _, tag = path.partition(":")
    text = NO_SUCH_HOST.format(image, registry, name, tag or "latest")
    return ImagePull(fault="ImagePullBackOff", container=container["name"], message=text)


def step(seconds: float, every: float) -> tuple[int, float]:
    """How many tries are over after so long, and the seconds until the next, ever longer."""
    count, wait = 0, every
    while seconds >= wait:
        seconds, count = seconds - wait, count + 1
        wait = min(wait * 2, LONGEST_SECONDS)
    return count, wait - seconds


def back_off(count: int, every: float) -> str:
    """As Go prints the duration: 10s, 1m20s, 5m0s, 50ms."""
    wait = min(every * 2.0 ** min(count, 60), LONGEST_SECONDS)
    if wait < 1:
        return f"{wait * 1000:g}ms"
    minutes, seconds = divmod(wait, 60)
    return f"{minutes:.0f}m{seconds:g}s" if minutes else f"{seconds:g}s"


@dataclass(frozen=True)
class Case:
    """One container of a pod under a fault, at the try `count`; `restarts` are those before it."""

    pod: Stored
    container: Json
    count: int
    restarts: int
    address: str

    @property
    def name(self) -> str:
        name: str = self.container["name"]
        return name

    @property
    def image(self) -> str:
        image: str = self.container["image"]
        return image

    def told(self, reason: str, message: str, *, normal: bool = False) -> Told:
        inits = [one["name"] for one in self.pod.body["spec"].get("initContainers", ())]
        at = f"spec.{'initContainers' if self.name in inits else 'containers'}{{{self.name}}}"
        return Told(reason, message, KUBELET, at, normal)

    def waits(self, reason: str, message: str, *events: Told) -> Effect:
        state = {"waiting": {"reason": reason, "message": message}}
        return Effect(Trouble(self.name, state, restarts=self.restarts), [*events])


def effect(rule: PodRule, pod: Stored, count: int, restarts: int, address: str) -> Effect:
    case = Case(pod, _suffering(rule, pod.body["spec"]), count, restarts, address)
    if isinstance(rule, NotCreated):
        return Effect(None, [Told(rule.fault, _not_created(rule, pod), KUBELET)])
    if isinstance(rule, NeverReady):
        return _never_ready(rule, case)
    if isinstance(rule, ImagePull):
        return _image(rule, case)
    if isinstance(rule, Refused):
        return _refused(rule, case)
    return _crash(rule, case)


def suffering(rule: PodRule, pod: Stored) -> str:
    """The name of the container that does."""
    name: str = _suffering(rule, pod.body["spec"])["name"]
    return name


def _suffering(rule: PodRule, spec: Json) -> Json:
    """The container that the rule names; the first if it names none, or none that there is."""
    name = rule.container if isinstance(rule, ContainerFault) else ""
    everything = [*spec["containers"], *spec.get("initContainers", ())]
    found: Json = next((one for one in everything if one["name"] == name), everything[0])
    return found


def _not_created(rule: NotCreated, pod: Stored) -> str:
    volumes = [volume["name"] for volume in pod.body["spec"].get("volumes", ())]
    return rule.message or NOT_CREATED[rule.fault].format(volumes[0] if volumes else "volume")


def _never_ready(rule: NeverReady, case: Case) -> Effect:
    port = (case.container.get("ports") or [{}])[0].get("containerPort", 80)
    text = rule.message or f"dial tcp {case.address}:{port}: connect: connection refused"
    trouble = Trouble(case.name, {"running": {"startedAt": now()}}, restarts=case.restarts)
    return Effect(trouble, [case.told("Unhealthy", f"Readiness probe failed: {text}")])


def _image(rule: ImagePull, case: Case) -> Effect:
    error = rule.message or UNKNOWN_IMAGE.format(case.image)
    if case.count == 0:
        return case.waits(
            "ErrImagePull",
            error,
            case.told("Pulling", f'Pulling image "{case.image}"', normal=True),
            case.told("Failed", f'Failed to pull image "{case.image}": {error}'),
            case.told("Failed", "Error: ErrImagePull"),
        )
    text = f'Back-off pulling image "{case.image}"'
    return case.waits(
        "ImagePullBackOff",
        f"{text}: ErrImagePull: {error}",
        case.told("BackOff", text, normal=True),
        case.told("Failed", "Error: ImagePullBackOff"),
    )


def _refused(rule: Refused, case: Case) -> Effect:
    text = rule.message or REFUSED[rule.fault].format(case.image)
    if rule.fault in ("InvalidImageName", "ErrImageNeverPull"):
        reason = "InspectFailed" if rule.fault == "InvalidImageName" else rule.fault
        failed = case.told("Failed", f"Error: {rule.fault}")
        return case.waits(rule.fault, text, case.told(reason, text), failed)
    return case.waits(rule.fault, text, case.told("Failed", f"Error: {text}"))


def _crash(rule: PodRule, case: Case) -> Effect:
    pod, name = case.pod, case.name
    shown_as = f"{pod.name}_{pod.namespace}({pod.uid})"
    every = rule.every if isinstance(rule, ContainerFault) else EVERY_SECONDS
    waits = back_off(case.count, every)
    message = f"back-off {waits} restarting failed container={name} pod={shown_as}"
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
    ended = {
        "exitCode": rule.exit_code if isinstance(rule, Crash) else 137,
        "reason": "OOMKilled" if isinstance(rule, OutOfMemory) else "Error",
        "startedAt": now(),
        "finishedAt": now(),
        "containerID": f"simulator://{pod.uid}/{name}",
    }
    trouble = Trouble(name, state, {"terminated": ended}, case.restarts + 1 + case.count)
    text = f"Back-off restarting failed container {name} in pod {shown_as}"
    return Effect(trouble, [case.told("BackOff", text)])
