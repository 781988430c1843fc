"""A StatefulSet's pods and claims as it makes them, and what it reads off them. Pure."""

from reconciler.simulator.schema import Json
from reconciler.simulator.stored import Stored

REVISION = "controller-revision-hash"


def owner_reference(owner: Stored) -> Json:
    return {
        "apiVersion": owner.kind.api_version,
        "kind": owner.kind.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def ordinal(pod: Stored, set_name: str) -> int | None:
    """Its number, or None for a name that is not this set's."""
    parent, _, number = pod.name.rpartition("-")
    return int(number) if parent == set_name and number.isdigit() else None


def is_orphan(pod: Stored, owner: Stored) -> bool:
    """A pod with the name of one of the set's, under nobody's control."""
    controlled = any(item.get("controller") for item in pod.meta.get("ownerReferences", ()))
    return not controlled and not pod.deleting and ordinal(pod, owner.name) is not None


def claim_name(template: Json, set_name: str, number: int) -> str:
    return f"{template['metadata']['name']}-{set_name}-{number}"


def pod(owner: Stored, number: int, revision: str) -> Json:
    spec = owner.body["spec"]
    template = spec["template"]
    meta = template.get("metadata", {})
    name = f"{owner.name}-{number}"
    labels = {
        **meta.get("labels", {}),
        "apps.kubernetes.io/pod-index": str(number),
        REVISION: revision,
        "statefulset.kubernetes.io/pod-name": name,
    }
    kept = {key: meta[key] for key in ("annotations", "finalizers") if key in meta}
    named = {"hostname": name}
    if spec.get("serviceName"):
        named["subdomain"] = spec["serviceName"]
    return {
        "metadata": {
            "name": name,
            "generateName": f"{owner.name}-",
            "labels": labels,
            **kept,
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": {**template["spec"], **named, **_volumes(owner, number)},
    }


def _volumes(owner: Stored, number: int) -> Json:
    spec = owner.body["spec"]
    claimed = {
        template["metadata"]["name"]: claim_name(template, owner.name, number)
        for template in spec.get("volumeClaimTemplates", ())
    }
    if not claimed and "volumes" not in spec["template"]["spec"]:
        return {}
    volumes: list[Json] = [
        {"name": name, "persistentVolumeClaim": {"claimName": claim}}
        for name, claim in claimed.items()
    ]
    own = spec["template"]["spec"].get("volumes", ())
    return {"volumes": volumes + [volume for volume in own if volume["name"] not in claimed]}


def claims(owner: Stored, number: int) -> list[Json]:
    """The claims of one ordinal; labelled as the set selects, as upstream does."""
    selected = owner.body["spec"].get("selector", {}).get("matchLabels", {})
    made = []
    for template in owner.body["spec"].get("volumeClaimTemplates", ()):
        meta = template["metadata"]
        kept = {"annotations": meta["annotations"]} if "annotations" in meta else {}
        made.append(
            {
                "metadata": {
                    "name": claim_name(template, owner.name, number),
                    "labels": {**meta.get("labels", {}), **selected},
                    **kept,
                },
                "spec": template["spec"],
            }
        )
    return made


def is_ready(pod: Stored) -> bool:
    status = pod.body.get("status", {})
    return status.get("phase") == "Running" and any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in status.get("conditions", ())
    )


def is_finished(pod: Stored) -> bool:
    return pod.body.get("status", {}).get("phase") in ("Succeeded", "Failed")


def revision_of(pod: Stored) -> str:
    return pod.labels.get(REVISION, "")
