"""The steps between a well-formed request and the object it makes: refuse it, or add to it.

Each step sees one request and answers the body, changed or not, or raises Refusal. They run in
this order; then the body is validated; then come those that only judge, quota as the last.
"""

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.simulator import limit_ranges, pod_security, quota
from reconciler.simulator.kinds import NAMESPACE, SERVICE_ACCOUNT, Kind
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Cause, forbidden, not_found
from reconciler.simulator.store import Store

STORAGE_CLASS = "standard"
IN_USE = "kubernetes.io/pvc-protection"


@dataclass(frozen=True)
class Attempt:
    """What is asked: live is None for a creation."""

    store: Store
    kind: Kind
    namespace: str
    live: Json | None


Step = Callable[[Attempt, Json], Json]


def namespace_lifecycle(attempt: Attempt, body: Json) -> Json:
    """Nothing is created in a namespace that is missing or being deleted."""
    if not attempt.kind.namespaced or attempt.live is not None:
        return body
    found = attempt.store.get(NAMESPACE, "", attempt.namespace)
    if found is None:
        raise not_found(NAMESPACE, attempt.namespace)
    if found.deleting:
        text = f"namespace {attempt.namespace} is being terminated"
        raise forbidden(
            attempt.kind,
            body["metadata"].get("name", ""),
            f"unable to create new content in namespace {attempt.namespace}"
            " because it is being terminated",
            [Cause("NamespaceTerminating", text, "metadata.namespace")],
        )
    return body


def service_account(attempt: Attempt, body: Json) -> Json:
    """A pod runs as `default` or as an account that is there, and gets priority and tolerations.

    No token volume is mounted.
    """
    if attempt.kind.kind != "Pod" or attempt.live is not None:
        return body
    account = body["spec"].get("serviceAccountName", "default")
    if attempt.store.get(SERVICE_ACCOUNT, attempt.namespace, account) is None:
        why = (
            f"error looking up service account {attempt.namespace}/{account}:"
            f' serviceaccount "{account}" not found'
        )
        raise forbidden(attempt.kind, body["metadata"].get("name", ""), why, [])
    tolerations = [
        {
            "key": f"node.kubernetes.io/{state}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 300,
        }
        for state in ("not-ready", "unreachable")
    ]
    added = {
        "serviceAccountName": account,
        "serviceAccount": account,
        "tolerations": tolerations,
        "priority": 0,
        "preemptionPolicy": "PreemptLowerPriority",
    }
    return {**body, "spec": {**added, **body["spec"]}}


def claim_protection(attempt: Attempt, body: Json) -> Json:
    """A claim gets the default storage class, and stays while a pod uses it."""
    if attempt.kind.kind != "PersistentVolumeClaim" or attempt.live is not None:
        return body
    meta = body["metadata"]
    finalizers = [*meta.get("finalizers", ())]
    if IN_USE not in finalizers:
        finalizers.append(IN_USE)
    spec = {"storageClassName": STORAGE_CLASS, **body["spec"]}
    return {**body, "metadata": {**meta, "finalizers": finalizers}, "spec": spec}


def limits(attempt: Attempt, body: Json) -> Json:
    if attempt.live is not None:
        return body
    return limit_ranges.defaulted(attempt.store, attempt.kind, attempt.namespace, body)


STEPS: tuple[Step, ...] = (namespace_lifecycle, limits, service_account, claim_protection)


def admitted(attempt: Attempt, body: Json) -> Json:
    for step in STEPS:
        body = step(attempt, body)
    return body


def judge(attempt: Attempt, body: Json) -> None:
    """Once all is filled in and valid. Raises Refusal 403."""
    store, kind, namespace, live = attempt.store, attempt.kind, attempt.namespace, attempt.live
    limit_ranges.enforced(store, kind, namespace, body, live)
    if live is None:
        pod_security.enforced(store, kind, namespace, body)
    quota.enforced(store, kind, namespace, body, live)
