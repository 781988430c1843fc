"""ResourceQuota: what objects use of it, and who gets no more.

Upstream's evaluators (pkg/quota/v1/evaluator/core) for pods, claims, Services and counts of
everything. What is used is summed anew from the store each time, so a dry run consumes nothing.
A quota with scopes is not enforced.
"""

from collections.abc import Iterable

from reconciler.simulator.kinds import (
    CLAIM,
    CONFIG_MAP,
    KINDS,
    POD,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE,
    Kind,
)
from reconciler.simulator.quantity import amount, plus
from reconciler.simulator.schema import Json
from reconciler.simulator.status import forbidden
from reconciler.simulator.store import Store
from reconciler.simulator.stored import Stored

Usage = dict[str, str]

COUNTED = (POD, CLAIM, SERVICE, SECRET, CONFIG_MAP, RESOURCE_QUOTA)
COMPUTE = ("cpu", "memory", "ephemeral-storage")
# Quotas of these ask every container to state them; upstream calls it a mistake, and keeps it.
REQUIRED = frozenset(
    f"{side}{name}" for side in ("", "requests.", "limits.") for name in ("cpu", "memory")
)
BY_CLASS = "storageclass.storage.k8s.io"


def enforced(store: Store, kind: Kind, namespace: str, body: Json, live: Json | None) -> None:
    """Of what a creation uses, or an update uses more. Raises Refusal 403."""
    quotas = [one for one in store.tables[RESOURCE_QUOTA].select(namespace) if _unscoped(one)]
    if not quotas:
        return
    wanted = _more(usage(kind, body), usage(kind, live) if live else {})
    for quota in quotas:
        _enforced_by(quota, store, kind, body, wanted, new=live is None)


def _enforced_by(
    quota: Stored, store: Store, kind: Kind, body: Json, wanted: Usage, *, new: bool
) -> None:
    name, hard = body["metadata"].get("name", ""), quota.body.get("spec", {}).get("hard", {})
    if new and kind is POD:
        missing = _missing(body["spec"], REQUIRED.intersection(hard))
        if missing:
            raise forbidden(kind, name, f"failed quota: {quota.name}: must specify {missing}", [])
    asked = {key: value for key, value in wanted.items() if key in hard}
    if not asked:
        return
    taken = used(store, quota.namespace, asked, (kind,))
    failed = [key for key in asked if amount(plus(taken[key], asked[key])) > amount(hard[key])]
    if failed:
        shown = [_shown(failed, some) for some in (asked, taken, hard)]
        why = f"requested: {shown[0]}, used: {shown[1]}, limited: {shown[2]}"
        raise forbidden(kind, name, f"exceeded quota: {quota.name}, {why}", [])


def _unscoped(quota: Stored) -> bool:
    spec = quota.body.get("spec", {})
    return not spec.get("scopes") and not spec.get("scopeSelector")


def _shown(names: Iterable[str], values: Usage) -> str:
    return ",".join(f"{name}={values[name]}" for name in sorted(names))


def _more(after: Usage, before: Usage) -> Usage:
    grown = {key: plus(value, f"-{before.get(key, '0')}") for key, value in after.items()}
    return {key: value for key, value in grown.items() if amount(value) > 0}


def used(
    store: Store, namespace: str, names: Iterable[str], kinds: Iterable[Kind] = KINDS
) -> Usage:
    """The sum over a namespace, for these names; "0" for what nobody uses."""
    found = dict.fromkeys(names, "0")
    for kind in kinds:
        for stored in store.tables[kind].select(namespace) if kind.namespaced else ():
            for key, value in usage(kind, stored.body).items():
                if key in found:
                    found[key] = plus(found[key], value)
    return found


def usage(kind: Kind, body: Json) -> Usage:
    """What one object counts, by the names that a quota may have."""
    found = {f"count/{kind.resource}": "1"}
    if kind is POD:
        ended = body.get("status", {}).get("phase") in ("Succeeded", "Failed")
        return found if ended else {**found, "pods": "1", **_compute(body["spec"])}
    if kind in COUNTED:
        found[kind.plural] = "1"
    if kind is CLAIM:
        return {**found, **_storage(body["spec"])}
    if kind is SERVICE:
        return {**found, **_ports(body["spec"])}
    return found


def _storage(spec: Json) -> Usage:
    size = spec.get("resources", {}).get("requests", {}).get("storage", "0")
    found = {"requests.storage": size}
    if name := spec.get("storageClassName"):
        prefix = f"{name}.{BY_CLASS}"
        found |= {f"{prefix}/requests.storage": size, f"{prefix}/persistentvolumeclaims": "1"}
    return found


def _ports(spec: Json) -> Usage:
    if spec.get("type") not in ("NodePort", "LoadBalancer"):
        return {}
    found = {"services.nodeports": str(len(spec.get("ports", ())))}
    return found | ({"services.loadbalancers": "1"} if spec["type"] == "LoadBalancer" else {})


def _compute(spec: Json) -> Usage:
    requests, limits = resources(spec, "requests"), resources(spec, "limits")
    found: Usage = {}
    for name in COMPUTE:
        if name in requests:
            found |= {name: requests[name], f"requests.{name}": requests[name]}
        if name in limits:
            found[f"limits.{name}"] = limits[name]
    return found


def resources(spec: Json, side: str) -> Usage:
    """A pod's requests or limits: of its containers and sidecars, or of an init container that
    needs more while it runs (resourcehelper.PodRequests).
    """
    total: Usage = {}
    for container in spec["containers"]:
        total = _plus(total, container.get("resources", {}).get(side, {}))
    beside: Usage = {}
    most: Usage = {}
    for container in spec.get("initContainers", ()):
        own = container.get("resources", {}).get(side, {})
        if container.get("restartPolicy") == "Always":
            total, beside = _plus(total, own), _plus(beside, own)
            most = _max(most, beside)
        else:
            most = _max(most, _plus(beside, own))
    return _max(total, most)


def _plus(first: Usage, second: Usage) -> Usage:
    return first | {key: plus(first.get(key, "0"), value) for key, value in second.items()}


def _max(first: Usage, second: Usage) -> Usage:
    larger = {
        key: value
        for key, value in second.items()
        if key not in first or amount(value) > amount(first[key])
    }
    return first | larger


def _missing(spec: Json, required: Iterable[str]) -> str:
    """`limits.cpu for: a,b; requests.cpu for: a`: what containers do not state."""
    found = []
    for name in sorted(required):
        side, _, what = name.rpartition(".")
        without = {
            one["name"]
            for one in [*spec["containers"], *spec.get("initContainers", ())]
            if what not in one.get("resources", {}).get(side or "requests", {})
        }
        if without:
            found.append(f"{name} for: {','.join(sorted(without))}")
    return "; ".join(found)
