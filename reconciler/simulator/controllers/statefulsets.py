"""The StatefulSet controller: pods and claims for each ordinal, one revision after another, status.

Follows upstream's updateStatefulSet: with OrderedReady it does one step and waits until all
before are ready; with Parallel it makes and deletes at once; a changed template is rolled out
from the highest ordinal down, one at a time, in both. Not here: the release of pods whose labels
no longer match, and old templates for ordinals below a partition that must be made anew.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace

from reconciler.simulator.controllers import setpods
from reconciler.simulator.controllers.events import Events, Told
from reconciler.simulator.controllers.revisions import revision
from reconciler.simulator.history import Change
from reconciler.simulator.kinds import CLAIM, POD, STATEFUL_SET, Kind
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Refusal
from reconciler.simulator.stored import Stored
from reconciler.simulator.verbs import Deletion, Verbs, Writer
from reconciler.simulator.workload_rules import selector_holds

WRITER = Writer("kube-controller-manager")
COMPONENT = "statefulset-controller"


@dataclass(frozen=True)
class View:
    """A set and its pods by ordinal, as one look sees them; `update` is the wanted revision."""

    owner: Stored
    pods: dict[int, Stored]
    update: str

    @property
    def spec(self) -> Json:
        spec: Json = self.owner.body["spec"]
        return spec

    @property
    def wanted(self) -> range:
        start = self.spec.get("ordinals", {}).get("start", 0)
        return range(start, start + self.spec["replicas"])

    @property
    def ordered(self) -> bool:
        return bool(self.spec["podManagementPolicy"] == "OrderedReady")

    @property
    def condemned(self) -> list[Stored]:
        numbers = sorted(set(self.pods) - set(self.wanted), reverse=True)
        return [self.pods[number] for number in numbers]


class StatefulSets:
    def __init__(self, verbs: Verbs, events: Events) -> None:
        self._verbs, self._events = verbs, events

    def concerns(self, change: Change) -> Iterable[Hashable]:
        stored = change.new or change.gone
        if stored is None:
            return
        if stored.kind is STATEFUL_SET:
            yield stored.key
        elif stored.kind in (POD, CLAIM):
            for owner in stored.meta.get("ownerReferences", ()):
                if owner["kind"] == STATEFUL_SET.kind:
                    yield stored.namespace, owner["name"]

    def sync(self, key: tuple[str, str]) -> None:
        namespace, name = key
        owner = self._verbs.store.get(STATEFUL_SET, namespace, name)
        if owner is None:
            return
        view = self._view(owner)
        try:
            if not owner.deleting:
                self._step(view)
        finally:
            # Of what was there before the step, as upstream: so a set is observed before it has
            # pods, and when it is refused them.
            self._write_status(view)

    def _view(self, owner: Stored) -> View:
        pods = {}
        for pod in [*self._verbs.store.dependents(owner.uid), *self._adopted(owner)]:
            number = setpods.ordinal(pod, owner.name) if pod.kind is POD else None
            if number is not None:
                pods[number] = pod
        return View(owner, pods, revision(owner.name, owner.body["spec"]["template"]))

    def _adopted(self, owner: Stored) -> list[Stored]:
        """Pods that are this set's by name and labels and have no controller: now they have."""
        selector = owner.body["spec"].get("selector", {})
        label = next(iter(selector.get("matchLabels", {}).items()), None)
        if label is None or owner.deleting:
            return []
        return [
            self._adopt(owner, pod)
            for pod in self._verbs.store.tables[POD].select(owner.namespace, label)
            if setpods.is_orphan(pod, owner) and selector_holds(selector, pod.labels)
        ]

    def _adopt(self, owner: Stored, pod: Stored) -> Stored:
        references = [*pod.meta.get("ownerReferences", ()), setpods.owner_reference(owner)]
        meta = {**pod.meta, "ownerReferences": references}
        return self._verbs.update(pod, {**pod.body, "metadata": meta}, WRITER)

    # -- pods ------------------------------------------------------------------------------------
    def _step(self, view: View) -> None:
        """As far as one look may go: make, then scale down, then roll out."""
        for number in view.wanted:
            self._keep_claims(view, number, None)
            if not self._make(view, number):
                return
        for pod in view.condemned:
            if not self._condemn(view, pod):
                return
        if view.spec["updateStrategy"]["type"] == "RollingUpdate":
            self._roll_out(view)

    def _make(self, view: View, number: int) -> bool:
        """One wanted ordinal; False: the others wait for it."""
        pod = view.pods.get(number)
        if pod is not None and setpods.is_finished(pod) and not pod.deleting:
            name = f"{view.owner.namespace}/{view.owner.name}"
            text = f"StatefulSet {name} is recreating failed Pod {pod.name}"
            self._events.tell(view.owner, Told("RecreatingFailedPod", text, COMPONENT))
            self._verbs.delete(pod, Deletion())
            return not view.ordered
        if pod is None:
            self._make_claims(view, number)
            body = setpods.pod(view.owner, number, view.update)
            self._create(view.owner, POD, body, body["metadata"]["name"])
            return not view.ordered
        return not view.ordered or (setpods.is_ready(pod) and not pod.deleting)

    def _create(self, owner: Stored, kind: Kind, body: Json, pod: str) -> None:
        """A pod, or a claim for one. Raises Refusal: the set tries again, its events count up."""
        try:
            self._verbs.create(kind, owner.namespace, body, WRITER)
        except Refusal as refusal:
            why = refusal.message
            if kind is CLAIM:
                name = body["metadata"]["name"]
                self._failed(owner, f"Claim {name} for Pod {pod}", why)
                why = f"failed to create PVC {name}: {why}"
            self._failed(owner, f"Pod {pod}", why)
            raise

    def _failed(self, owner: Stored, what: str, why: str) -> None:
        text = f"Create {what} in StatefulSet {owner.name} failed error: {why}"
        self._events.tell(owner, Told("FailedCreate", text, COMPONENT))

    def _condemn(self, view: View, pod: Stored) -> bool:
        if pod.deleting:
            return not view.ordered
        self._keep_claims(view, setpods.ordinal(pod, view.owner.name) or 0, pod)
        self._verbs.delete(pod, Deletion())
        return not view.ordered

    def _roll_out(self, view: View) -> None:
        partition = view.spec["updateStrategy"].get("rollingUpdate", {}).get("partition", 0)
        for number in reversed(view.wanted):
            pod = view.pods.get(number)
            if number < partition or pod is None:
                return
            if setpods.revision_of(pod) != view.update and not pod.deleting:
                self._verbs.delete(pod, Deletion())
                return
            if pod.deleting or not setpods.is_ready(pod):
                return

    # -- claims ----------------------------------------------------------------------------------
    def _make_claims(self, view: View, number: int) -> None:
        for body in setpods.claims(view.owner, number):
            meta = body["metadata"]
            if self._verbs.store.get(CLAIM, view.owner.namespace, meta["name"]) is None:
                owners = _references(_claim_owner(view, None))
                owned = {**body, "metadata": {**meta, "ownerReferences": owners}}
                self._create(view.owner, CLAIM, owned, f"{view.owner.name}-{number}")

    def _keep_claims(self, view: View, number: int, condemned: Stored | None) -> None:
        """Owners of the claims by persistentVolumeClaimRetentionPolicy; the rest is collection."""
        mine = {view.owner.uid} | {pod.uid for pod in view.pods.values()}
        for template in view.spec.get("volumeClaimTemplates", ()):
            name = setpods.claim_name(template, view.owner.name, number)
            claim = self._verbs.store.get(CLAIM, view.owner.namespace, name)
            if claim is None:
                continue
            present = claim.meta.get("ownerReferences", [])
            others = [reference for reference in present if reference["uid"] not in mine]
            wanted = others + _references(_claim_owner(view, condemned))
            if wanted != present:
                meta = {**claim.meta, "ownerReferences": wanted}
                self._verbs.update(claim, {**claim.body, "metadata": meta}, WRITER)

    # -- status ----------------------------------------------------------------------------------
    def _write_status(self, view: View) -> None:
        owner = self._verbs.store.get(STATEFUL_SET, view.owner.namespace, view.owner.name)
        if owner is None:
            return
        status = status_of(replace(view, owner=owner))
        if status != owner.body.get("status"):
            self._verbs.record(owner, {**owner.body, "status": status}, WRITER, "status")


def _claim_owner(view: View, condemned: Stored | None) -> Stored | None:
    policy = view.spec["persistentVolumeClaimRetentionPolicy"]
    if condemned is not None and policy["whenScaled"] == "Delete":
        return condemned
    return view.owner if policy["whenDeleted"] == "Delete" else None


def _references(owner: Stored | None) -> list[Json]:
    return [setpods.owner_reference(owner)] if owner is not None else []


def status_of(view: View) -> Json:
    """The status upstream would write; numbers that are 0 are left out where upstream does."""
    pods = view.pods.values()
    living = [pod for pod in pods if not pod.deleting]
    ready = sum(setpods.is_ready(pod) for pod in pods)
    before = view.owner.body.get("status", {}).get("currentRevision")
    current = before or view.update
    updated = sum(setpods.revision_of(pod) == view.update for pod in living)
    remaining = sum(setpods.revision_of(pod) == current for pod in living)
    if updated == ready == len(pods) == view.spec["replicas"]:
        current, remaining = view.update, updated
    counted = {
        "readyReplicas": ready,
        "currentReplicas": remaining,
        "updatedReplicas": updated,
    }
    return {
        "observedGeneration": view.owner.meta["generation"],
        "replicas": len(pods),
        **{key: number for key, number in counted.items() if number},
        "currentRevision": current,
        "updateRevision": view.update,
        "collisionCount": 0,
        "availableReplicas": ready,
    }
