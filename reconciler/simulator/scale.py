"""The `scale` subresource: a StatefulSet as autoscaling/v1 sees it, for `kubectl scale`."""

from typing import Any

from reconciler.simulator.schema import Json
from reconciler.simulator.status import bad_request
from reconciler.simulator.stored import Stored

API_VERSION = "autoscaling/v1"


def scale(stored: Stored) -> Json:
    spec = stored.body["spec"]
    labels = spec.get("selector", {}).get("matchLabels", {})
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": API_VERSION,
        "metadata": {key: stored.meta[key] for key in kept},
        "spec": {"replicas": spec["replicas"]},
        "status": {
            "replicas": stored.body.get("status", {}).get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }


def scaled(stored: Stored, wanted: Any) -> Json:
    """The object with the replicas of a Scale. Raises Refusal 400."""
    try:
        replicas = int(wanted.get("spec", {}).get("replicas", 0))
        version = wanted.get("metadata", {}).get("resourceVersion")
    except (AttributeError, TypeError, ValueError):
        raise bad_request("the object provided is unrecognized (must be of type Scale)") from None
    meta = {**stored.meta, "resourceVersion": version or str(stored.version)}
    spec = {**stored.body["spec"], "replicas": replicas}
    return {**stored.body, "metadata": meta, "spec": spec}
