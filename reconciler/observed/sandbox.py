"""What is seen of a sandbox: its workload and pods, read by the table of kubernetes.md section 3.

First hit wins. Unknown strings never crash: starting, with the text kept. Pure: no await, and the
time is an argument. What only volumes and events can tell is left as a doubt (`clues`).
"""

from collections.abc import Sequence

from app.domain.states import Phase
from app.settings import Settings
from reconciler.manifests.kinds import POD, STATEFUL_SET, Object
from reconciler.observed.fields import condition, field, is_deleting, number, text, title
from reconciler.observed.pods import trouble
from reconciler.observed.view import Doubt, Look, View, lingering


def seen(workload: Object | None, pods: Sequence[Object], look: Look, settings: Settings) -> View:
    """What is to be seen of a sandbox."""
    going = [pod for pod in pods if is_deleting(pod)]
    if workload is None:
        return _left(Phase.TERMINATING, going) if going else View(Phase.ABSENT)
    if is_deleting(workload):
        message = lingering([(STATEFUL_SET.kind, workload)])
        return View(Phase.TERMINATING, message=message, object=_title(workload))
    wanted = number(workload, "spec", "replicas", default=1)
    if not _is_observed(workload):
        return _unobserved(workload, wanted)
    if not wanted:
        return _left(Phase.STOPPING, pods) if pods else View(Phase.STOPPED)
    update = field(workload, "status", "updateRevision")
    if any(_ready(pod) and _revision(pod) == update for pod in pods):
        return View(Phase.RUNNING)
    return _starting(workload, pods, look, settings)


def needs_pods(workload: Object | None) -> bool:
    """Whether what is seen depends on the pods."""
    if workload is None:
        return True
    if is_deleting(workload) or not _is_observed(workload):
        return False
    wanted = number(workload, "spec", "replicas", default=1)
    return not wanted or number(workload, "status", "replicas") > 0


def is_up(workload: Object | None) -> bool:
    """Whether its own status says that its pod is ready, and of its present revision."""
    if workload is None or is_deleting(workload) or not _is_observed(workload):
        return False
    wanted = number(workload, "spec", "replicas", default=1)
    counted = ("replicas", "readyReplicas", "updatedReplicas")
    return wanted > 0 and all(number(workload, "status", one) == wanted for one in counted)


def _is_observed(workload: Object) -> bool:
    seen = number(workload, "status", "observedGeneration")
    return seen >= number(workload, "metadata", "generation")


def _starting(workload: Object, pods: Sequence[Object], look: Look, settings: Settings) -> View:
    staying = [pod for pod in pods if not is_deleting(pod)]
    if staying:
        found = [trouble(pod, look, settings) for pod in staying]
        return next((view for view in found if view.reason), found[0])
    if pods:
        return _left(Phase.STARTING, pods)
    overdue = look.waited.total_seconds() >= settings.pod_unmade
    return View(
        Phase.STARTING,
        message="No pod was made.",
        object=_title(workload),
        doubt=Doubt.UNMADE if overdue else None,
        about=text(workload, "metadata", "uid"),
    )


def _unobserved(workload: Object, wanted: int) -> View:
    phase = Phase.STARTING if wanted else Phase.STOPPING
    message = "The StatefulSet controller has not looked at it yet."
    return View(phase, message=message, object=_title(workload))


def _left(phase: Phase, pods: Sequence[Object]) -> View:
    """Pods that should be gone."""
    message = lingering([(POD.kind, pod) for pod in pods])
    return View(phase, message=message, object=title(POD.kind, pods[0]))


def _ready(pod: Object) -> bool:
    return condition(pod, "Ready").get("status") == "True" and not is_deleting(pod)


def _revision(pod: Object) -> str:
    return text(pod, "metadata", "labels", "controller-revision-hash")


def _title(workload: Object) -> str:
    return title(STATEFUL_SET.kind, workload)
