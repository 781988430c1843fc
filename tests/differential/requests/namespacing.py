"""Namespaces: made, labelled, ended with all that is in them, and those that stay."""

from tests.differential.objects import config_map
from tests.differential.request import Family, apply, core, delete, get, patch, post

ALL = "/api/v1/namespaces"
OTHER = f"{ALL}/{{ns}}-other"
MAPS = f"{OTHER}/configmaps"
HELD = config_map("held", {"k": "1"}, finalizers=["mooring.dev/test"])

FAMILY = Family(
    "namespacing",
    (
        post(
            "a namespace is made with labels",
            ALL,
            {"metadata": {"name": "{ns}-other", "labels": {"a": "b"}}},
            "spec",
            "status",
            "metadata.labels",
            keep={"uid": "metadata.uid"},
        ),
        post("a namespace that is there is 409", ALL, {"metadata": {"name": "{ns}-other"}}),
        post("a namespace's name has no points", ALL, {"metadata": {"name": "a.b"}}),
        post("a namespace's name has 63 characters at most", ALL, {"metadata": {"name": "n" * 64}}),
        get("a namespace is read", OTHER, "status.phase", "metadata.labels"),
        apply(
            "a namespace is applied",
            OTHER,
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": "{ns}-other",
                    "labels": {"pod-security.kubernetes.io/enforce": "baseline"},
                },
            },
            "metadata.labels",
            "metadata.managedFields",
        ),
        get(
            "namespaces are selected by name",
            ALL,
            "items.*.metadata.name",
            query={"labelSelector": "kubernetes.io/metadata.name={ns}-other"},
        ),
        get(
            "a namespace gets a service account",
            f"{OTHER}/serviceaccounts/default",
            "metadata.name",
            until={"metadata.name": "default"},
        ),
        post("something in it stays", MAPS, HELD, "kind"),
        delete(
            "another uid's namespace is not deleted",
            OTHER,
            {"preconditions": {"uid": "00000000-0000-4000-8000-000000000000"}},
        ),
        delete(
            "a namespace that is deleted is answered, terminating",
            OTHER,
            {"preconditions": {"uid": "{uid}"}},
            "status",
            "spec",
            "kind",
        ),
        get("a namespace that ends can still be read", OTHER, "status.phase"),
        post("nothing is made in a namespace that ends", MAPS, config_map("late")),
        apply("nothing is applied that is not there", f"{MAPS}/late", config_map("late")),
        post(
            "a dry run is refused in a namespace that ends",
            MAPS,
            config_map("late"),
            query={"dryRun": "All"},
        ),
        apply(
            "what is there may still change",
            f"{MAPS}/held",
            config_map("held", {"k": "2"}),
            "data",
            force=True,
        ),
        get("what is there may still be read", f"{MAPS}/held", "data"),
        delete("a second deletion of a namespace", OTHER, None, "status.phase"),
        patch(
            "what is there may be let go",
            f"{MAPS}/held",
            {"metadata": {"finalizers": None}},
            "data",
        ),
        delete("the namespace default stays", f"{ALL}/default", query={"dryRun": "All"}),
        get("a missing namespace is 404", f"{ALL}/no-such-namespace"),
        delete("a missing namespace is 404 to delete", f"{ALL}/no-such-namespace"),
        get(
            "namespaces have no fields but some", ALL, query={"fieldSelector": "spec.finalizers=a"}
        ),
        get(
            "namespaces are selected by phase",
            ALL,
            "items.*.status.phase",
            query={"fieldSelector": "status.phase=Active,metadata.name=default"},
        ),
        delete("namespaces are not deleted together", ALL),
        get("pods of all namespaces are listed", "/api/v1/pods", "kind", query={"limit": "1"}),
        post("nothing is made in all namespaces", "/api/v1/configmaps", config_map("a")),
        get("one is not read in all namespaces", "/api/v1/configmaps/a"),
        post("a map in the family's own", core("configmaps"), config_map("a"), "kind"),
    ),
)
