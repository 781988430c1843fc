"""What Kubernetes' own controllers, scheduler and kubelet would do, on the simulator's store.

A controller is two functions: which keys a change concerns, and one look at one key. It decides
from what the store holds, not from the change, so it may be woken too often and restarted at any
time. `all_of` is the list; a new one is an entry in it.
"""

from reconciler.simulator.controllers.claims import Claims
from reconciler.simulator.controllers.clusters import Clusters
from reconciler.simulator.controllers.delays import Delays
from reconciler.simulator.controllers.events import Events
from reconciler.simulator.controllers.finalizers import Finalizers
from reconciler.simulator.controllers.garbage import Garbage
from reconciler.simulator.controllers.kubelet import Kubelet
from reconciler.simulator.controllers.loop import Controller
from reconciler.simulator.controllers.namespaces import Namespaces
from reconciler.simulator.controllers.operations import Operations
from reconciler.simulator.controllers.quotas import Quotas
from reconciler.simulator.controllers.scheduler import Scheduler
from reconciler.simulator.controllers.statefulsets import StatefulSets
from reconciler.simulator.faults import Faults
from reconciler.simulator.releases import Release
from reconciler.simulator.verbs import Verbs


def all_of(verbs: Verbs, delays: Delays, faults: Faults, release: Release) -> list[Controller]:
    events = Events(verbs)
    return [
        StatefulSets(verbs, events),
        Claims(verbs, faults),
        Scheduler(verbs, faults, events),
        Kubelet(verbs, delays, faults, events),
        Finalizers(verbs, faults),
        Garbage(verbs),
        Namespaces(verbs),
        Quotas(verbs),
        Clusters(verbs, delays, faults, events, release),
        Operations(verbs, faults, release),
        events,
    ]
