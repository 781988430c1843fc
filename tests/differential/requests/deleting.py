"""Delete: preconditions, propagation, finalizers, and what is deleted together."""

from tests.differential.objects import config_map
from tests.differential.request import Family, apply, core, delete, get, patch, post, put

MAPS = core("configmaps")
FINALIZER = "mooring.dev/test"
NOBODY = "00000000-0000-4000-8000-000000000000"

FAMILY = Family(
    "deleting",
    (
        post(
            "a map to delete",
            MAPS,
            config_map("a"),
            "kind",
            keep={"uid": "metadata.uid", "version": "metadata.resourceVersion"},
        ),
        delete(
            "another uid than asked for is 409", f"{MAPS}/a", {"preconditions": {"uid": NOBODY}}
        ),
        delete(
            "another version than asked for is 409",
            f"{MAPS}/a",
            {"preconditions": {"resourceVersion": "1"}},
        ),
        delete("an unknown propagation is 422", f"{MAPS}/a", {"propagationPolicy": "Sideways"}),
        delete("a dry run of a deletion answers as if", f"{MAPS}/a", {"dryRun": ["All"]}, "status"),
        delete(
            "a deletion with the right uid is a Status",
            f"{MAPS}/a",
            {"preconditions": {"uid": "{uid}", "resourceVersion": "{version}"}},
            "status",
        ),
        delete("what is gone is 404", f"{MAPS}/a"),
        post("a map with a finalizer", MAPS, config_map("f", finalizers=[FINALIZER]), "kind"),
        delete(
            "what has a finalizer stays and is answered",
            f"{MAPS}/f",
            None,
            "metadata.deletionTimestamp",
            "metadata.deletionGracePeriodSeconds",
            "metadata.finalizers",
            keep={"version": "metadata.resourceVersion"},
        ),
        delete(
            "a second deletion is answered the same", f"{MAPS}/f", None, "metadata.resourceVersion"
        ),
        patch(
            "a finalizer cannot be added to what is being deleted",
            f"{MAPS}/f",
            {"metadata": {"finalizers": [FINALIZER, "mooring.dev/late"]}},
        ),
        apply(
            "an apply of what is being deleted is answered as ever",
            f"{MAPS}/f",
            config_map("f", {"k": "1"}),
            "data",
            "metadata.deletionTimestamp",
        ),
        post("a name of what is being deleted is taken", MAPS, config_map("f")),
        patch(
            "the last finalizer's removal is answered with the object",
            f"{MAPS}/f",
            {"metadata": {"finalizers": None}},
            "metadata.finalizers",
        ),
        get("then it is gone", f"{MAPS}/f"),
        post("a map to delete in the foreground", MAPS, config_map("g"), "kind"),
        delete(
            "foreground deletion answers the object with its finalizer",
            f"{MAPS}/g",
            {"propagationPolicy": "Foreground"},
            "metadata.finalizers",
        ),
        delete("deletion options that are no JSON are 400", f"{MAPS}/g", "{"),
        put("a replacement of what is missing is 404", f"{MAPS}/none", config_map("none")),
        delete(
            "a collection is deleted by label",
            MAPS,
            None,
            "kind",
            "items.*.metadata.name",
            query={"labelSelector": "app=none"},
        ),
    ),
)
