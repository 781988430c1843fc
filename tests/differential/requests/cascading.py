"""Deletion of what owns, and of what is owned; grace, and pods that are on no node."""

from typing import Any

from tests.differential.objects import config_map, pod
from tests.differential.request import Family, core, delete, get, patch, post

MAPS, PODS = core("configmaps"), core("pods")
FOREGROUND, BACKGROUND, ORPHAN = (
    {"propagationPolicy": policy} for policy in ("Foreground", "Background", "Orphan")
)


def owned(name: str, uid: str, owner: str, *, blocks: bool = False, **meta: Any) -> dict[str, Any]:
    reference: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid}
    if blocks:
        reference["blockOwnerDeletion"] = True
    return config_map(name, ownerReferences=[reference], **meta)


FAMILY = Family(
    "cascading",
    (
        post("an owner", MAPS, config_map("a"), "kind", keep={"a": "metadata.uid"}),
        post("what it owns", MAPS, owned("a-1", "{a}", "a"), "metadata.ownerReferences"),
        delete("deletion in the background is done at once", f"{MAPS}/a", BACKGROUND, "status"),
        get("the owner is gone", f"{MAPS}/a"),
        get("what it owned goes soon", f"{MAPS}/a-1", until={"code": 404}),
        post("a second owner", MAPS, config_map("b"), "kind", keep={"b": "metadata.uid"}),
        post(
            "what blocks its end",
            MAPS,
            owned("b-1", "{b}", "b", blocks=True, finalizers=["mooring.dev/test"]),
            "kind",
        ),
        delete("deletion in the foreground waits", f"{MAPS}/b", FOREGROUND, "metadata.finalizers"),
        get(
            "what it owns is being deleted",
            f"{MAPS}/b-1",
            "metadata.deletionTimestamp",
            "metadata.finalizers",
            until={"metadata.deletionGracePeriodSeconds": 0},
        ),
        get("the owner waits for it", f"{MAPS}/b", "metadata.finalizers"),
        patch("what it owns is let go", f"{MAPS}/b-1", {"metadata": {"finalizers": None}}, "kind"),
        get("then the owner goes", f"{MAPS}/b", until={"code": 404}),
        post("a third owner", MAPS, config_map("c"), "kind", keep={"c": "metadata.uid"}),
        post("what it will leave behind", MAPS, owned("c-1", "{c}", "c"), "kind"),
        delete(
            "an orphaning deletion is answered with its finalizer",
            f"{MAPS}/c",
            ORPHAN,
            "metadata.finalizers",
        ),
        get("the third owner goes", f"{MAPS}/c", until={"code": 404}),
        get(
            "what it owned is left, and its own", f"{MAPS}/c-1", "metadata.ownerReferences", "kind"
        ),
        post(
            "an owner that never was",
            MAPS,
            owned("d-1", "00000000-0000-4000-8000-000000000000", "d"),
            "kind",
        ),
        get("what nobody owns goes", f"{MAPS}/d-1", until={"code": 404}),
        post("an owner of no kind", MAPS, config_map("e", ownerReferences=[{"name": "e"}])),
        delete(
            "two policies at once are 422",
            f"{MAPS}/c-1",
            {"propagationPolicy": "Orphan", "orphanDependents": True},
        ),
        delete("options in the query", f"{MAPS}/c-1", None, "status", query={"dryRun": "All"}),
        delete("options of another kind", f"{MAPS}/c-1", {"kind": "Pod", "apiVersion": "v1"}),
        delete("an option of the wrong type", f"{MAPS}/c-1", {"gracePeriodSeconds": "soon"}),
        delete("an unknown option", f"{MAPS}/c-1", {"grace": 1, "dryRun": ["All"]}, "status"),
        post(
            "a pod that waits for a gate",
            PODS,
            pod("gated", schedulingGates=[{"name": "x/y"}]),
            "status.phase",
        ),
        delete(
            "a pod on no node goes at once",
            f"{PODS}/gated",
            None,
            "kind",
            "metadata.deletionGracePeriodSeconds",
        ),
        get("it is gone", f"{PODS}/gated"),
    ),
)
