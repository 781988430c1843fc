"""Objects as a Table (meta.k8s.io/v1): the columns that `kubectl get` shows, wide ones included.

Columns and words of kube-apiserver's printers (pkg/printers/internalversion) for the kinds that a
developer looks at; the others have a name and an age, as an object has that says no more.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from reconciler.simulator.kinds import Kind
from reconciler.simulator.schema import Json

Cell = Callable[[Json], Any]
NONE, UNKNOWN = "<none>", "<unknown>"
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "y": 31_536_000}
# Below so many seconds: in this unit, and what is left in that one.
DURATIONS: tuple[tuple[float, str, str], ...] = (
    (120, "s", ""),
    (600, "m", "s"),
    (3 * 3_600, "m", ""),
    (8 * 3_600, "h", "m"),
    (48 * 3_600, "h", ""),
    (8 * 86_400, "d", "h"),
    (2 * 31_536_000, "d", ""),
    (8 * 31_536_000, "y", "d"),
    (float("inf"), "y", ""),
)
# In `kubectl get -o wide` alone.
WIDE = 1


@dataclass(frozen=True)
class Column:
    name: str
    cell: Cell
    priority: int = 0

    def definition(self) -> Json:
        kind = "name" if self.name == "Name" else ""
        return {
            "name": self.name,
            "type": "string",
            "format": kind,
            "description": "",
            "priority": self.priority,
        }


def at(path: str, missing: str = "") -> Cell:
    """The value at a dotted path."""

    def cell(body: Json) -> Any:
        value: Any = body
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return missing if value is None else value

    return cell


def duration(seconds: float) -> str:
    """As apimachinery's HumanDuration: up to two units, fewer as it grows."""
    whole = max(0, int(seconds))
    unit, smaller = next(step[1:] for step in DURATIONS if whole < step[0])
    number, rest = divmod(whole, UNITS[unit])
    left = rest // UNITS[smaller] if smaller else 0
    return f"{number}{unit}" + (f"{left}{smaller}" if left else "")


def age(path: str = "metadata.creationTimestamp") -> Cell:
    def cell(body: Json) -> str:
        since = at(path)(body)
        if not since:
            return UNKNOWN
        return duration((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())

    return cell


def joined(path: str, of: Cell, missing: str = NONE) -> Cell:
    """What is read off each element of a list."""

    def cell(body: Json) -> str:
        return ",".join(str(of(one)) for one in at(path)(body) or ()) or missing

    return cell


def labels(path: str) -> Cell:
    def cell(body: Json) -> str:
        return ",".join(f"{key}={value}" for key, value in (at(path)(body) or {}).items()) or NONE

    return cell


def count(path: str) -> Cell:
    return lambda body: len(at(path)(body) or ())


def _containers(body: Json) -> list[Json]:
    found: list[Json] = body.get("status", {}).get("containerStatuses", [])
    return found


def _pod_ready(body: Json) -> str:
    ready = sum(bool(one.get("ready")) for one in _containers(body))
    return f"{ready}/{len(body['spec']['containers'])}"


def _pod_status(body: Json) -> str:
    if "deletionTimestamp" in body["metadata"]:
        return "Terminating"
    status = body.get("status", {})
    begun = [("Init:", one) for one in status.get("initContainerStatuses", ())]
    for prefix, one in [*begun, *(("", one) for one in _containers(body))]:
        state = one.get("state", {})
        ended = state.get("terminated", {})
        reason = state.get("waiting", {}).get("reason") or ended.get("reason")
        if reason and not (prefix and ended.get("exitCode") == 0):
            return reason if reason == "PodInitializing" else f"{prefix}{reason}"
    return str(status.get("reason") or status.get("phase") or UNKNOWN)


def _restarts(body: Json) -> int:
    return sum(one.get("restartCount", 0) for one in _containers(body))


def _set_ready(body: Json) -> str:
    return f"{body.get('status', {}).get('readyReplicas', 0)}/{body['spec']['replicas']}"


def _port(port: Json) -> str:
    return f"{port['port']}/{port.get('protocol', 'TCP')}"


def _modes(body: Json) -> str:
    short = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX"}
    modes = body.get("status", {}).get("accessModes", ())
    return ",".join(short.get(mode, mode) for mode in modes)


def _claim_status(body: Json) -> str:
    deleting = "deletionTimestamp" in body["metadata"]
    return "Terminating" if deleting else str(at("status.phase")(body))


def _object(body: Json) -> str:
    about = body.get("involvedObject", {})
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


def _listed(path: str) -> Cell:
    return joined(path, str)


NAME, AGE = Column("Name", at("metadata.name")), Column("Age", age())
IMAGES = (
    Column("Containers", joined("spec.template.spec.containers", at("name")), WIDE),
    Column("Images", joined("spec.template.spec.containers", at("image")), WIDE),
)
OPS_REQUESTS = (
    NAME,
    Column("Type", at("spec.type")),
    Column("Cluster", at("spec.clusterName")),
    Column("Status", at("status.phase")),
    Column("Progress", at("status.progress")),
    AGE,
)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "Pod": (
        NAME,
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", _restarts),
        AGE,
        Column("IP", at("status.podIP", NONE), WIDE),
        Column("Node", at("spec.nodeName", NONE), WIDE),
        Column("Nominated Node", at("status.nominatedNodeName", NONE), WIDE),
        Column("Readiness Gates", at("spec.readinessGates", NONE), WIDE),
    ),
    "StatefulSet": (NAME, Column("Ready", _set_ready), AGE, *IMAGES),
    "Service": (
        NAME,
        Column("Type", at("spec.type")),
        Column("Cluster-IP", at("spec.clusterIP", NONE)),
        Column("External-IP", at("spec.externalName", NONE)),
        Column("Port(s)", joined("spec.ports", _port)),
        AGE,
        Column("Selector", labels("spec.selector"), WIDE),
    ),
    "Secret": (NAME, Column("Type", at("type")), Column("Data", count("data")), AGE),
    "ConfigMap": (NAME, Column("Data", count("data")), AGE),
    "PersistentVolumeClaim": (
        NAME,
        Column("Status", _claim_status),
        Column("Volume", at("spec.volumeName")),
        Column("Capacity", at("status.capacity.storage")),
        Column("Access Modes", _modes),
        Column("StorageClass", at("spec.storageClassName")),
        Column("VolumeAttributesClass", at("spec.volumeAttributesClassName", "<unset>")),
        AGE,
        Column("VolumeMode", at("spec.volumeMode"), WIDE),
    ),
    "Namespace": (NAME, Column("Status", at("status.phase")), AGE),
    "Ingress": (
        NAME,
        Column("Class", at("spec.ingressClassName", NONE)),
        Column("Hosts", joined("spec.rules", at("host", "*"))),
        Column("Address", joined("status.loadBalancer.ingress", at("ip"), "")),
        Column("Ports", lambda body: "80, 443" if at("spec.tls")(body) else "80"),
        AGE,
    ),
    "HTTPRoute": (NAME, Column("Hostnames", _listed("spec.hostnames")), AGE),
    "NetworkPolicy": (NAME, Column("Pod-Selector", labels("spec.podSelector.matchLabels")), AGE),
    "Event": (
        Column("Last Seen", age("lastTimestamp")),
        Column("Type", at("type")),
        Column("Reason", at("reason")),
        Column("Object", _object),
        Column("Message", at("message")),
        Column("Subobject", at("involvedObject.fieldPath"), WIDE),
        Column("Source", at("source.component"), WIDE),
        Column("Count", at("count"), WIDE),
        Column("Name", at("metadata.name"), WIDE),
    ),
    "Cluster": (
        NAME,
        Column("Cluster-Definition", at("spec.clusterDef")),
        Column("Termination-Policy", at("spec.terminationPolicy")),
        Column("Status", at("status.phase")),
        AGE,
    ),
    "OldCluster": (
        NAME,
        Column("Cluster-Definition", at("spec.clusterDefinitionRef")),
        Column("Version", at("spec.clusterVersionRef")),
        Column("Termination-Policy", at("spec.terminationPolicy")),
        Column("Status", at("status.phase")),
        AGE,
    ),
    "OldOpsRequest": OPS_REQUESTS,
    "OpsRequest": OPS_REQUESTS,
}


_BARE = "PartialObjectMetadata"


def as_asked(request: Request, kind: Kind, response: Response) -> Response:
    """The answer of a get, list or watch: as a Table, or bare of all but metadata, if the client
    would rather have that."""
    accepted = set(request.headers.get("Accept", "").split(",")[0].replace(" ", "").split(";"))
    if not {"v=v1", "g=meta.k8s.io"} <= accepted:
        return response
    full = request.query_params.get("includeObject") == "Object"
    shown: Callable[[Json], Json]
    if "as=Table" in accepted:
        shown = partial(table, kind, full=full)
    elif accepted & {f"as={_BARE}", f"as={_BARE}List"}:
        shown = bare
    else:
        return response
    if isinstance(response, StreamingResponse):
        lines = _lines(shown, response.body_iterator)
        return StreamingResponse(lines, media_type="application/json")
    body = orjson.dumps(shown(orjson.loads(response.body)))
    return Response(body, response.status_code, media_type="application/json")


async def _lines(shown: Callable[[Json], Json], chunks: Any) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        for line in filter(None, chunk.split(b"\n")):
            event = orjson.loads(line)
            if event["object"]["kind"] != "Status":
                event["object"] = shown(event["object"])
            yield orjson.dumps(event) + b"\n"


def bare(body: Json) -> Json:
    """The metadata of an object, or of all objects of a list; an empty list says null."""
    said = {"apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}
    if "items" not in body:
        return {"kind": _BARE, **said}
    items = [bare({"metadata": item["metadata"]}) for item in body["items"]]
    return {"kind": f"{_BARE}List", **said, "items": items or None}


def table(kind: Kind, body: Json, full: bool) -> Json:
    """Of an object or of a list. full: rows hold the whole object, else its metadata."""
    columns = COLUMNS.get(kind.shape, (NAME, AGE))
    one = body["kind"] == kind.kind
    kept = ("resourceVersion", "continue", "remainingItemCount")
    meta = {key: value for key, value in body["metadata"].items() if key in kept}
    # A bookmark is an object of no spec and no name.
    items = [body] if one and "name" in body["metadata"] else body.get("items", [])
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "columnDefinitions": [column.definition() for column in columns],
        "rows": [_row(kind, columns, item, full) for item in items],
    }


def _row(kind: Kind, columns: tuple[Column, ...], item: Json, full: bool) -> Json:
    shown = bare({"metadata": item["metadata"]})
    if full:
        shown = {"kind": kind.kind, "apiVersion": kind.api_version, **item}
    return {"cells": [column.cell(item) for column in columns], "object": shown}
