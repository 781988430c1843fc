"""What the server itself decides of an object: identity, generation, status, addresses.

Upstream's PrepareForCreate and PrepareForUpdate of each kind's strategy.
"""

import secrets
import uuid
from collections.abc import Callable
from ipaddress import IPv4Address

from reconciler.simulator.clock import now
from reconciler.simulator.kinds import SERVICE, Kind
from reconciler.simulator.podspec import quality
from reconciler.simulator.schema import Json
from reconciler.simulator.store import Store

SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
FIRST_ADDRESS = int(IPv4Address("10.96.0.10"))
ADDRESSES = 65_000
# Of metadata, what a client's body never changes.
KEPT = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


def suffix() -> str:
    """Five characters for generateName, from the alphabet upstream uses (no vowels)."""
    return "".join(secrets.choice(SUFFIX) for _ in range(5))


def identified(kind: Kind, namespace: str, body: Json) -> Json:
    """With a name if one is to be generated, uid, time of creation, and a status to begin with."""
    given = body.get("metadata", {})
    name = given.get("name")
    if not name and given.get("generateName"):
        name = given["generateName"][:58] + suffix()
    meta: Json = {"name": name} if name else {}
    if "generateName" in given:
        meta["generateName"] = given["generateName"]
    if namespace:
        meta["namespace"] = namespace
    meta["uid"] = str(uuid.uuid4())
    if kind.generation:
        meta["generation"] = 1
    meta["creationTimestamp"] = now()
    rest = {key: value for key, value in given.items() if key not in (*KEPT, "resourceVersion")}
    return {
        "kind": kind.kind,
        "apiVersion": kind.api_version,
        **body,
        "metadata": {**meta, **rest},
    }


def begun(kind: Kind, store: Store, body: Json) -> Json:
    begin = BEGINNINGS.get(kind.kind)
    if "status" in kind.subresources and kind.kind != "Namespace":
        body = {key: value for key, value in body.items() if key != "status"}
    return begin(store, body) if begin else body


def _stateful_set(_: Store, body: Json) -> Json:
    return {**body, "status": {"replicas": 0, "availableReplicas": 0}}


def _pod(_: Store, body: Json) -> Json:
    return {**body, "status": {"phase": "Pending", "qosClass": quality(body["spec"])}}


def _claim(_: Store, body: Json) -> Json:
    return {**body, "status": {"phase": "Pending"}}


def _namespace(_: Store, body: Json) -> Json:
    spec = {**body.get("spec", {}), "finalizers": ["kubernetes"]}
    return {**body, "spec": spec, "status": {"phase": "Active"}}


def _ingress(_: Store, body: Json) -> Json:
    return {**body, "status": {"loadBalancer": {}}}


def _event(_: Store, body: Json) -> Json:
    """Go writes these even when they are empty."""
    never: Json = {"firstTimestamp": None, "lastTimestamp": None, "eventTime": None}
    return {"source": {}, **never, "reportingComponent": "", "reportingInstance": "", **body}


def _resource_quota(_: Store, body: Json) -> Json:
    return {**body, "status": {}}


def _role(_: Store, body: Json) -> Json:
    return {"rules": None, **body}


def _service(store: Store, body: Json) -> Json:
    spec = body["spec"]
    headless = spec.get("clusterIP") == "None"
    if spec["type"] == "ExternalName":
        return {**body, "status": {"loadBalancer": {}}}
    address = spec.get("clusterIP") or _free_address(store)
    dual = headless and "selector" not in spec
    filled = {
        **spec,
        "clusterIP": address,
        "clusterIPs": [address],
        "ipFamilies": spec.get("ipFamilies", ["IPv4", "IPv6"] if dual else ["IPv4"]),
        "ipFamilyPolicy": spec.get("ipFamilyPolicy", "RequireDualStack" if dual else "SingleStack"),
    }
    return {**body, "spec": filled, "status": {"loadBalancer": {}}}


def _free_address(store: Store) -> str:
    services = store.tables[SERVICE].objects.values()
    taken = {stored.body["spec"].get("clusterIP") for stored in services}
    while (found := str(IPv4Address(FIRST_ADDRESS + secrets.randbelow(ADDRESSES)))) in taken:
        pass
    return found


BEGINNINGS: dict[str, Callable[[Store, Json], Json]] = {
    "StatefulSet": _stateful_set,
    "Pod": _pod,
    "PersistentVolumeClaim": _claim,
    "Namespace": _namespace,
    "Ingress": _ingress,
    "Event": _event,
    "ResourceQuota": _resource_quota,
    "Role": _role,
    "Service": _service,
}


def changed(kind: Kind, live: Json, body: Json, subresource: str) -> Json:
    """The body with what this endpoint cannot change taken from the live object."""
    if subresource == "status":
        merged = dict(live)
        merged.pop("status", None)
        return {**merged, "status": body["status"]} if "status" in body else merged
    meta = {key: value for key, value in body.get("metadata", {}).items() if key not in KEPT}
    meta.pop("managedFields", None)
    meta.pop("resourceVersion", None)
    kept = {key: live["metadata"][key] for key in KEPT if key in live["metadata"]}
    merged = {
        "kind": kind.kind,
        "apiVersion": kind.api_version,
        **body,
        "metadata": {**kept, **meta},
    }
    if "status" in kind.subresources:
        merged.pop("status", None)
        if "status" in live:
            merged["status"] = live["status"]
    if kind is SERVICE:
        merged["spec"] = {**_addresses(live), **merged.get("spec", {})}
    return merged


def _addresses(service: Json) -> Json:
    """A Service keeps its addresses when an update leaves them out."""
    kept = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
    return {key: value for key, value in service["spec"].items() if key in kept}


def regenerated(kind: Kind, live: Json, body: Json) -> Json:
    """Generation + 1 when anything but metadata and status changed."""
    if not kind.generation or "generation" not in live["metadata"]:
        return body
    apart = ("metadata", "status")
    before = {key: value for key, value in live.items() if key not in apart}
    after = {key: value for key, value in body.items() if key not in apart}
    if before == after:
        return body
    number = live["metadata"]["generation"] + 1
    return {**body, "metadata": {**body["metadata"], "generation": number}}
