"""The KubeBlocks operator for PostgreSQL clusters: what it does at the API, and no database.

One look moves a Cluster one step: first its own finalizer, label and, **written back into
componentSpecs**, the definition and version it has found (so the operator then owns that list, and
an apply that leaves them out takes it back and is followed by another write); then Services,
account Secret and pods; then the status. Deletion takes pods, Services and Secrets, claims, and
then the finalizer, in that order; DoNotTerminate takes nothing.
"""

import time
from collections.abc import Hashable, Iterable
from typing import Protocol

from reconciler.simulator.clock import now
from reconciler.simulator.controllers import clusterparts as parts
from reconciler.simulator.controllers import clusterstatus, oldclusterparts
from reconciler.simulator.controllers.clusterstatus import Seen
from reconciler.simulator.controllers.delays import Delays
from reconciler.simulator.controllers.events import Events, Told
from reconciler.simulator.defaults import defaulted
from reconciler.simulator.faults import (
    DatabaseFailed,
    DatabaseStuckCreating,
    Faults,
    OperatorAbsent,
    OperatorStuck,
)
from reconciler.simulator.history import Change
from reconciler.simulator.kinds import (
    CLAIM,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
)
from reconciler.simulator.releases import Release
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Refusal
from reconciler.simulator.stored import Stored
from reconciler.simulator.verbs import Deletion, Verbs, Writer

# The operator's binary is called so, and client-go makes the field manager of it.
WRITER = Writer("manager")
KEPT = Told(
    "DoNotTerminate",
    "spec.terminationPolicy DoNotTerminate is preventing deletion.",
    "cluster-controller",
)
STARTING = ("ContainerCreating", "PodInitializing")


class Parts(Protocol):
    """What a release makes: one of the two modules of parts."""

    @property
    def DEFINITION(self) -> str: ...  # noqa: N802 - a constant of the modules

    def resolved(self, spec: Json) -> Json: ...

    def account_secret(self, cluster: Stored, component: Json, /) -> str: ...

    def services(self, cluster: Stored, component: Json) -> list[Json]: ...

    def credentials(self, cluster: Stored, component: Json) -> Json: ...

    def workload(self, cluster: Stored, component: Json) -> Json: ...


class Clusters:
    def __init__(
        self, verbs: Verbs, delays: Delays, faults: Faults, events: Events, release: Release
    ) -> None:
        self._verbs, self._delays, self._faults = verbs, delays, faults
        self._events, self._release = events, release
        self._parts: Parts = oldclusterparts if release.old else parts
        self._ready: dict[tuple[str, str], float] = {}

    def concerns(self, change: Change) -> Iterable[Hashable]:
        stored = change.new or change.gone
        if stored is None:
            return
        if stored.kind is self._release.cluster:
            yield stored.key
        elif stored.labels.get(parts.MANAGED[0]) == parts.MANAGED[1]:
            yield stored.namespace, stored.labels.get(parts.INSTANCE, "")

    def sync(self, key: tuple[str, str]) -> float | None:
        namespace, name = key
        cluster = self._verbs.store.get(self._release.cluster, namespace, name)
        if cluster is None or self._faults.of(OperatorAbsent, cluster):
            return None
        if cluster.deleting:
            if parts.FINALIZER in cluster.meta.get("finalizers", ()):
                self._remove(cluster)
            return None
        try:
            return None if self._claimed(cluster) else self._provision(cluster)
        except parts.UnresolvableError as error:
            self._refused(cluster, "ProvisioningStarted", "PreCheckFailed", str(error))
            return None
        except Refusal as refusal:
            reason = "ApplyResourcesFailed"
            self._refused(cluster, "ApplyResources", reason, refusal.message)
            raise

    def _claimed(self, cluster: Stored) -> bool:
        """Whether our marks had to be written first; the change brings it here again."""
        meta = cluster.meta
        finalizers = meta.get("finalizers", [])
        if parts.FINALIZER not in finalizers:
            finalizers = [*finalizers, parts.FINALIZER]
        spec = self._parts.resolved(cluster.body["spec"])
        labels = {**cluster.labels, parts.DEFINITION_LABEL: spec[self._parts.DEFINITION]}
        marked = {**meta, "finalizers": finalizers, "labels": labels}
        body = {**cluster.body, "metadata": marked, "spec": spec}
        if body == cluster.body:
            return False
        self._verbs.update(cluster, body, WRITER)
        return True

    # -- the parts -------------------------------------------------------------------------------
    def _provision(self, cluster: Stored) -> float | None:
        seen, wait = {}, None
        for component in cluster.body["spec"]["componentSpecs"]:
            self._ensure_access(cluster, component)
            workload = self._ensure_workload(cluster, component)
            self._grow_claims(cluster, component)
            seen[component["name"]], left = self._look(cluster, component, workload)
            wait = left if left is not None else wait
        self._record(
            cluster, clusterstatus.provisioned(cluster, seen, now(), old=self._release.old)
        )
        return wait

    def _ensure_access(self, cluster: Stored, component: Json) -> None:
        store, namespace = self._verbs.store, cluster.namespace
        for body in self._parts.services(cluster, component):
            if store.get(SERVICE, namespace, body["metadata"]["name"]) is None:
                self._verbs.create(SERVICE, namespace, body, WRITER)
        if store.get(SECRET, namespace, self._parts.account_secret(cluster, component)) is None:
            body = self._parts.credentials(cluster, component)
            self._verbs.create(SECRET, namespace, body, WRITER)

    def _ensure_workload(self, cluster: Stored, component: Json) -> Stored:
        wanted = self._parts.workload(cluster, component)
        name = parts.full_name(cluster, component)
        live = self._verbs.store.get(STATEFUL_SET, cluster.namespace, name)
        if live is None:
            return self._verbs.create(STATEFUL_SET, cluster.namespace, wanted, WRITER)
        changeable = ("replicas", "persistentVolumeClaimRetentionPolicy", "template")
        filled = defaulted(STATEFUL_SET.kind, wanted)["spec"]
        spec = {**live.body["spec"], **{field: filled[field] for field in changeable}}
        return self._verbs.update(live, {**live.body, "spec": spec}, WRITER)

    def _grow_claims(self, cluster: Stored, component: Json) -> None:
        for volume in component.get("volumeClaimTemplates", ()):
            resources = volume.get("spec", {}).get("resources", {})
            prefix = f"{volume['name']}-{parts.full_name(cluster, component)}-"
            for claim in self._owned(CLAIM, cluster):
                bound = claim.body["status"].get("phase") == "Bound"
                if bound and not claim.deleting and claim.name.startswith(prefix):
                    spec = {**claim.body["spec"], "resources": resources}
                    self._verbs.update(claim, {**claim.body, "spec": spec}, WRITER)

    def _owned(self, kind: Kind, cluster: Stored) -> list[Stored]:
        found = self._verbs.store.tables[kind].select(
            cluster.namespace, (parts.INSTANCE, cluster.name)
        )
        return [one for one in found if one.labels.get(parts.MANAGED[0]) == parts.MANAGED[1]]

    # -- what is seen ----------------------------------------------------------------------------
    def _look(
        self, cluster: Stored, component: Json, workload: Stored
    ) -> tuple[Seen, float | None]:
        """A component, and the seconds after which to look again if a delay is running."""
        if failed := self._faults.of(DatabaseFailed, cluster):
            return Seen("Failed", {f"Component/{workload.name}": failed.message}), None
        name, namespace = component["name"], cluster.namespace
        known = cluster.body.get("status", {}).get("components", {}).get(name, {})
        before = known.get("phase", "Creating")
        place = namespace, workload.name
        pods = [pod for pod in self._owned(POD, cluster) if pod.labels.get(parts.COMPONENT) == name]
        if workload.body["spec"]["replicas"] == 0:
            self._ready.pop(place, None)
            return Seen("Stopping" if pods else "Stopped"), None
        stuck = self._faults.of(DatabaseStuckCreating, cluster)
        if _is_complete(workload) and not stuck:
            since = self._ready.setdefault(place, time.monotonic())
            left = self._delays.database_ready_after - (time.monotonic() - since)
            if before == "Running" or left <= 0:
                return Seen("Running"), None
            return Seen(clusterstatus.next_phase(before, old=self._release.old)), left
        self._ready.pop(place, None)
        problems = {f"Pod/{pod.name}": text for pod in pods if (text := _problem(pod))}
        if problems:
            return Seen("Failed", problems), None
        return Seen(clusterstatus.next_phase(before, old=self._release.old)), None

    def _record(self, cluster: Stored, status: Json) -> None:
        if cluster.body.get("status") != status:
            self._verbs.record(cluster, {**cluster.body, "status": status}, WRITER, "status")

    def _refused(self, cluster: Stored, kind: str, reason: str, message: str) -> None:
        status = clusterstatus.refused(cluster, kind, reason, message, now())
        self._record(cluster, status)

    # -- deletion --------------------------------------------------------------------------------
    def _remove(self, cluster: Stored) -> None:
        self._record(cluster, {**cluster.body.get("status", {}), "phase": "Deleting"})
        if cluster.body["spec"]["terminationPolicy"] == "DoNotTerminate":
            self._events.tell(cluster, KEPT)
            return
        for kinds in ((STATEFUL_SET, POD), (SERVICE, SECRET), (CLAIM,)):
            left = [one for kind in kinds for one in self._owned(kind, cluster)]
            for one in left:
                # Pods go with their StatefulSet.
                if one.kind is not POD and not one.deleting:
                    self._verbs.delete(one, Deletion("Background", uid=one.uid))
            if left:
                return
        if self._faults.of(OperatorStuck, cluster):
            return
        current = self._verbs.get(self._release.cluster, cluster.namespace, cluster.name)
        kept = [name for name in current.meta["finalizers"] if name != parts.FINALIZER]
        meta = {**current.meta, "finalizers": kept}
        self._verbs.update(current, {**current.body, "metadata": meta}, WRITER)


def _is_complete(workload: Stored) -> bool:
    status, spec = workload.body["status"], workload.body["spec"]
    numbers = {status.get(field, 0) for field in ("replicas", "readyReplicas", "updatedReplicas")}
    current = status.get("observedGeneration", 0) >= workload.meta["generation"]
    return bool(current and numbers == {spec["replicas"]})


def _problem(pod: Stored) -> str | None:
    """What keeps a container from starting: the operator takes any reason but these for failed."""
    for container in pod.body["status"].get("containerStatuses", ()):
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason") and waiting["reason"] not in STARTING:
            return f"{container['name']}: {waiting['reason']}"
    return None
