"""Volumes: claims of the one storage class are bound at once, grow, and stay while a pod uses them.

There are no PersistentVolume objects; a bound claim names one as a real cluster would.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable

from reconciler.simulator.admission import IN_USE, STORAGE_CLASS
from reconciler.simulator.controllers.podstatus import claim_names
from reconciler.simulator.faults import Faults, Unbound
from reconciler.simulator.history import Change
from reconciler.simulator.kinds import CLAIM, POD
from reconciler.simulator.schema import Json
from reconciler.simulator.stored import Stored
from reconciler.simulator.verbs import Verbs, Writer

WRITER = Writer("kube-controller-manager")
BOUND = {
    "pv.kubernetes.io/bind-completed": "yes",
    "pv.kubernetes.io/bound-by-controller": "yes",
    "volume.kubernetes.io/storage-provisioner": "simulator.mooring.dev/volumes",
}

Key = tuple[str, str]


class Claims:
    def __init__(self, verbs: Verbs, faults: Faults) -> None:
        self._verbs, self._faults = verbs, faults
        self._users: dict[Key, set[str]] = defaultdict(set)

    def concerns(self, change: Change) -> Iterable[Hashable]:
        stored = change.new or change.gone
        if stored is None:
            return
        if stored.kind is CLAIM:
            yield stored.key
        elif stored.kind is POD and (change.old is None or change.new is None):
            for name in claim_names(stored.body["spec"]):
                key = stored.namespace, name
                if change.new is not None:
                    self._users[key].add(stored.uid)
                    continue
                self._users[key].discard(stored.uid)
                if not self._users[key]:
                    del self._users[key]
                yield key

    def sync(self, key: tuple[str, str]) -> None:
        namespace, name = key
        claim = self._verbs.store.get(CLAIM, namespace, name)
        if claim is None:
            return
        if claim.deleting:
            if (namespace, name) not in self._users:
                self._release(claim)
        elif self._provisioned(claim):
            self._bind(claim)

    def _provisioned(self, claim: Stored) -> bool:
        if claim.body["spec"].get("storageClassName") != STORAGE_CLASS:
            return False
        bound = claim.body["status"].get("phase") == "Bound"
        return bound or self._faults.of(Unbound, claim) is None

    def _release(self, claim: Stored) -> None:
        finalizers = claim.meta.get("finalizers", [])
        if IN_USE in finalizers:
            kept = [name for name in finalizers if name != IN_USE]
            meta = {**claim.meta, "finalizers": kept}
            self._verbs.update(claim, {**claim.body, "metadata": meta}, WRITER)

    def _bind(self, claim: Stored) -> None:
        spec = claim.body["spec"]
        status: Json = {
            "phase": "Bound",
            "accessModes": spec.get("accessModes", []),
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
        }
        if claim.body["status"] == status:
            return
        annotations = {**claim.meta.get("annotations", {}), **BOUND}
        body = {
            **claim.body,
            "metadata": {**claim.meta, "annotations": annotations},
            "spec": {**spec, "volumeName": f"pvc-{claim.uid}"},
            "status": status,
        }
        self._verbs.record(claim, body, WRITER, "status")
