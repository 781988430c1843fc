"""The scheduler: a pod goes to the one node once its claims are bound, and is told why not."""

from collections import defaultdict
from collections.abc import Hashable, Iterable

from reconciler.simulator.clock import now
from reconciler.simulator.controllers import podstatus
from reconciler.simulator.controllers.events import Events, Told
from reconciler.simulator.faults import Faults, Unschedulable
from reconciler.simulator.history import Change
from reconciler.simulator.kinds import CLAIM, POD
from reconciler.simulator.stored import Stored
from reconciler.simulator.verbs import Verbs, Writer

WRITER = Writer("kube-scheduler")
# framework.FitError, with what the two PostFilter plugins add.
NO_ROOM = (
    "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate,"
    " preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
)
NOT_HELPFUL = (
    " no new claims to deallocate,"
    " preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
)
UNBOUND = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims." + NOT_HELPFUL

Key = tuple[str, str]


class Scheduler:
    def __init__(self, verbs: Verbs, faults: Faults, events: Events) -> None:
        self._verbs, self._faults, self._events = verbs, faults, events
        self._for_claim: dict[Key, set[Key]] = defaultdict(set)

    def concerns(self, change: Change) -> Iterable[Hashable]:
        stored = change.new or change.gone
        if stored is None:
            return
        if stored.kind is POD:
            yield stored.key
        elif stored.kind is CLAIM and stored.key in self._for_claim:
            yield from self._for_claim.pop(stored.key)

    def sync(self, key: Key) -> None:
        pod = self._verbs.store.get(POD, *key)
        if pod is None or pod.deleting or pod.body["spec"].get("nodeName"):
            return
        if pod.body["spec"].get("schedulingGates"):
            return
        problem = self._problem(pod)
        if problem:
            self._refuse(pod, problem)
            return
        spec = {**pod.body["spec"], "nodeName": podstatus.NODE}
        status = podstatus.scheduled(pod.body["status"], now())
        self._verbs.record(pod, {**pod.body, "spec": spec, "status": status}, WRITER, "binding")

    def _problem(self, pod: Stored) -> str:
        """Why it goes to no node; a change of the claim that is missing brings it here again."""
        for name in podstatus.claim_names(pod.body["spec"]):
            claim = self._verbs.store.get(CLAIM, pod.namespace, name)
            if claim is None or claim.body["status"].get("phase") != "Bound":
                self._for_claim[pod.namespace, name].add(pod.key)
                missing = f'0/1 nodes are available: persistentvolumeclaim "{name}" not found.'
                return UNBOUND if claim is not None else missing + NOT_HELPFUL
        fault = self._faults.of(Unschedulable, pod)
        return (fault.message or NO_ROOM) if fault else ""

    def _refuse(self, pod: Stored, problem: str) -> None:
        status = podstatus.unschedulable(pod.body["status"], now(), problem)
        if status != pod.body["status"]:
            pod = self._verbs.record(pod, {**pod.body, "status": status}, WRITER, "status")
            self._events.tell(pod, Told("FailedScheduling", problem, "default-scheduler"))
