"""The `scale` subresource: a StatefulSet as autoscaling/v1 sees it, for `kubectl scale`."""

from typing import Any

from reconciler.simulator.kinds import Kind
from reconciler.simulator.names import invalid_value
from reconciler.simulator.schema import Json
from reconciler.simulator.status import bad_request, invalid
from reconciler.simulator.stored import Stored

API_VERSION = "autoscaling/v1"
SCALE = Kind("autoscaling", "v1", "Scale", "scales")


def scale(stored: Stored) -> Json:
    spec = stored.body["spec"]
    labels = spec.get("selector", {}).get("matchLabels", {})
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": API_VERSION,
        "metadata": {key: stored.meta[key] for key in kept},
        # Go leaves a zero out.
        "spec": {"replicas": spec["replicas"]} if spec["replicas"] else {},
        "status": {
            "replicas": stored.body.get("status", {}).get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }


def scaled(stored: Stored, wanted: Any) -> Json:
    """The object with the replicas of a Scale. Raises Refusal 400, 422."""
    try:
        replicas = int(wanted.get("spec", {}).get("replicas", 0))
        version = wanted.get("metadata", {}).get("resourceVersion")
    except (AttributeError, TypeError, ValueError):
        raise bad_request("the object provided is unrecognized (must be of type Scale)") from None
    if replicas < 0:
        why = "must be greater than or equal to 0"
        raise invalid(SCALE, stored.name, [invalid_value(str(replicas), why, "spec.replicas")])
    meta = {**stored.meta, "resourceVersion": version or str(stored.version)}
    spec = {**stored.body["spec"], "replicas": replicas}
    return {**stored.body, "metadata": meta, "spec": spec}
