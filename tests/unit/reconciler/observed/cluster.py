"""Workloads, pods, volumes and events as API servers show them, for tests of what is seen."""

from datetime import timedelta
from typing import Any

from app.settings import Settings
from reconciler.observed.view import Look
from tests.unit.reconciler.sandbox import ID, NOW

Json = dict[str, Any]
SETTINGS = Settings()
SET, POD, CLAIM = "uid-of-set", "uid-of-pod", "uid-of-claim"


def look(waited: float = 0) -> Look:
    """A look after so many seconds of waiting."""
    return Look(NOW, NOW - timedelta(seconds=waited))


def at(ago: float) -> str:
    """A time so many seconds before the look."""
    return (NOW - timedelta(seconds=ago)).isoformat().replace("+00:00", "Z")


def workload(
    replicas: int = 1, *, lag: bool = False, going: bool = False, finalizers: tuple[str, ...] = ()
) -> Json:
    """A StatefulSet."""
    meta = _meta("shop-abcdefgh", SET, going=going, finalizers=finalizers) | {"generation": 3}
    status = {"observedGeneration": 2 if lag else 3, "updateRevision": "new"}
    return {"metadata": meta, "spec": {"replicas": replicas}, "status": status}


def pod(
    *containers: Json,
    revision: str = "new",
    ready: bool = False,
    init: tuple[Json, ...] = (),
    going: bool = False,
    finalizers: tuple[str, ...] = (),
    conditions: tuple[Json, ...] = (),
    **status: str,
) -> Json:
    """A pod on a node, with these container statuses."""
    meta = _meta("p", POD, going=going, finalizers=finalizers)
    meta["labels"] |= {"controller-revision-hash": revision}
    shown = [condition("PodScheduled", True), condition("Ready", ready), *conditions]
    probe = {"tcpSocket": {"port": "ttyd"}}
    ports = [{"name": "app", "containerPort": 3000}, {"name": "ttyd", "containerPort": 7681}]
    spec = {"name": "sandbox", "readinessProbe": probe, "ports": ports}
    return {
        "metadata": meta,
        "spec": {"nodeName": "node", "containers": [spec]},
        "status": {
            "conditions": shown,
            "containerStatuses": list(containers),
            "initContainerStatuses": list(init),
            **status,
        },
    }


def unplaced(message: str | None) -> Json:
    """A pod without a node; with a message the scheduler has looked at it."""
    found = pod()
    del found["spec"]["nodeName"]
    refused = [condition("PodScheduled", False, message=message)] if message else []
    return found | {"status": {"conditions": refused}}


def container(
    name: str = "sandbox",
    *,
    ready: bool = False,
    restarts: int = 0,
    last: Json | None = None,
    **now: Json,
) -> Json:
    """A container's status; `now` is its state: running, waiting or terminated."""
    ended = {"terminated": last} if last else {}
    return {
        "name": name,
        "ready": ready,
        "restartCount": restarts,
        "state": now,
        "lastState": ended,
    }


def condition(kind: str, holds: bool, **more: str) -> Json:
    """A condition."""
    return {"type": kind, "status": str(holds), **more}


def volume(phase: str) -> Json:
    """A PersistentVolumeClaim."""
    return {"metadata": _meta("home-shop-abcdefgh-0", CLAIM), "status": {"phase": phase}}


def event(reason: str, message: str, ago: float = 1, kind: str = "Warning") -> Json:
    """An event, last seen so many seconds before the look."""
    return {"type": kind, "reason": reason, "message": message, "lastTimestamp": at(ago)}


def _meta(name: str, uid: str, *, going: bool = False, finalizers: tuple[str, ...] = ()) -> Json:
    meta: Json = {"name": name, "uid": uid, "labels": {"mooring.dev/resource": str(ID)}}
    if going:
        meta["deletionTimestamp"] = at(5)
    return meta | {"finalizers": list(finalizers)} if finalizers else meta
