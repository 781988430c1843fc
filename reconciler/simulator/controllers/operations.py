"""OpsRequests of KubeBlocks: Stop and Start, as the operator carries them out.

From 0.9 on it writes `stop` into each component. In 0.8 a Stop writes `replicas: 0` and keeps the
numbers in an annotation for the Start; while that is there, another Stop does nothing. Either way
it updates the Cluster as its own manager, which takes over the whole list of components. Phases
from which each is taken, and texts, are those of controllers/apps/operations.
"""

import json
from collections.abc import Hashable, Iterable
from datetime import datetime

from reconciler.simulator.clock import now
from reconciler.simulator.controllers.clusters import WRITER
from reconciler.simulator.faults import Faults, OperatorAbsent
from reconciler.simulator.history import Change
from reconciler.simulator.releases import Release
from reconciler.simulator.schema import Json
from reconciler.simulator.stored import Stored
from reconciler.simulator.verbs import Deletion, Verbs

SNAPSHOT = "kubeblocks.io/snapshot-for-start"
FROM = {
    "Stop": frozenset({"Running", "Abnormal", "Failed", "Updating"}),
    "Start": frozenset({"Stopped"}),
}
TO = {"Stop": "Stopped", "Start": "Running"}
OVER = frozenset({"Succeed", "Failed", "Cancelled", "Aborted"})


class Operations:
    def __init__(self, verbs: Verbs, faults: Faults, release: Release) -> None:
        self._verbs, self._faults, self._release = verbs, faults, release

    def concerns(self, change: Change) -> Iterable[Hashable]:
        stored = change.new or change.gone
        if stored is None:
            return
        if stored.kind is self._release.request:
            yield stored.key
        elif stored.kind is self._release.cluster:
            for request in self._verbs.store.tables[self._release.request].select(stored.namespace):
                if _cluster_of(request) == stored.name:
                    yield request.key

    def sync(self, key: tuple[str, str]) -> float | None:
        request = self._verbs.store.get(self._release.request, *key)
        if request is None or request.deleting:
            return None
        status = request.body.get("status") or {}
        if status.get("phase") in OVER:
            return self._expire(request, status)
        name = _cluster_of(request)
        cluster = self._verbs.store.get(self._release.cluster, request.namespace, name)
        kind = request.body["spec"]["type"]
        if cluster is None:
            missing = f'Cluster.apps.kubeblocks.io "{name}" not found'
            self._record(request, "Failed", missing)
        elif kind not in FROM:
            self._record(request, "Failed", f"the simulator carries out no {kind}")
        elif not self._faults.of(OperatorAbsent, cluster):
            self._carry_out(request, status.get("phase", ""), cluster)
        return None

    def _carry_out(self, request: Stored, phase: str, cluster: Stored) -> None:
        kind, status = request.body["spec"]["type"], cluster.body.get("status") or {}
        if phase == "Running":
            current = status.get("observedGeneration", 0) >= cluster.meta["generation"]
            if current and status.get("phase") == TO[kind]:
                self._record(request, "Succeed")
        elif status.get("phase") not in FROM[kind] and not request.body["spec"].get("force"):
            refused = f"is forbidden when Cluster.status.phase={status.get('phase', '')}"
            self._record(request, "Failed", f"OpsRequest.spec.type={kind} {refused}")
        else:
            body = _stopped(cluster.body) if kind == "Stop" else _started(cluster.body)
            if not self._release.stops:
                body = _emptied(cluster) if kind == "Stop" else _refilled(cluster)
            self._verbs.update(cluster, body, WRITER)
            self._record(request, "Running")

    def _expire(self, request: Stored, status: Json) -> float | None:
        lasts = request.body["spec"].get("ttlSecondsAfterSucceed")
        if status["phase"] != "Succeed" or not lasts:
            return None
        done = datetime.fromisoformat(status["completionTimestamp"])
        left = lasts - (datetime.now(done.tzinfo) - done).total_seconds()
        if left <= 0:
            self._verbs.delete(request, Deletion("Background", uid=request.uid))
        return max(left, 0.0) or None

    def _record(self, request: Stored, phase: str, message: str = "") -> None:
        at = "completionTimestamp" if phase in OVER else "startTimestamp"
        condition = {
            "type": phase,
            "status": "True",
            "reason": phase,
            "message": message,
            "lastTransitionTime": now(),
        }
        before = request.body.get("status") or {}
        progress = "1/1" if phase == "Succeed" else "-/-"
        status = {
            **before,
            "phase": phase,
            "progress": progress,
            at: now(),
            "conditions": [*before.get("conditions", ()), condition],
        }
        self._verbs.record(request, {**request.body, "status": status}, WRITER, "status")


def _cluster_of(request: Stored) -> str:
    spec = request.body.get("spec", {})
    return str(spec.get("clusterName") or spec.get("clusterRef") or "")


def _stopped(body: Json) -> Json:
    return _with(body, [{**one, "stop": True} for one in body["spec"]["componentSpecs"]])


def _started(body: Json) -> Json:
    kept = [
        {field: value for field, value in one.items() if field != "stop"}
        for one in body["spec"]["componentSpecs"]
    ]
    return _with(body, kept)


def _emptied(cluster: Stored) -> Json:
    annotations = cluster.meta.get("annotations", {})
    if SNAPSHOT in annotations:
        return cluster.body
    components = cluster.body["spec"]["componentSpecs"]
    replicas = {one["name"]: one["replicas"] for one in components}
    body = _with(cluster.body, [{**one, "replicas": 0} for one in components])
    marked = {**annotations, SNAPSHOT: json.dumps(replicas)}
    return {**body, "metadata": {**cluster.meta, "annotations": marked}}


def _refilled(cluster: Stored) -> Json:
    annotations = dict(cluster.meta.get("annotations", {}))
    replicas = json.loads(annotations.pop(SNAPSHOT, "{}"))
    components = [
        {**one, "replicas": replicas.get(one["name"], one["replicas"])}
        for one in cluster.body["spec"]["componentSpecs"]
    ]
    body = _with(cluster.body, components)
    return {**body, "metadata": {**cluster.meta, "annotations": annotations}}


def _with(body: Json, components: list[Json]) -> Json:
    return {**body, "spec": {**body["spec"], "componentSpecs": components}}
