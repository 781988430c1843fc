"""Replace and patch: four types of patch, optimistic concurrency, who owns what, status, scale."""

from tests.differential.objects import config_map, pod, sandbox
from tests.differential.request import (
    JSON_PATCH,
    STRATEGIC,
    Family,
    core,
    get,
    grouped,
    patch,
    post,
    put,
)

MAPS = core("configmaps")
SET = grouped("apps/v1", "statefulsets") + "/box"
OWNERS = "metadata.managedFields"
TEMPLATE = "spec.template.spec"
NO_DIFF = dict.fromkeys(
    ("message", "details"), "a refused change is told without the diff of Go's structs"
)
SCALE = {
    "apiVersion": "autoscaling/v1",
    "kind": "Scale",
    "metadata": {"name": "box", "namespace": "{ns}"},
}

REPLACED = (
    post(
        "a map to replace",
        MAPS,
        config_map("a", {"k": "1"}),
        "kind",
        query={"fieldManager": "ann"},
        keep={"v1": "metadata.resourceVersion", "uid": "metadata.uid"},
    ),
    put(
        "a replacement moves what it changes to its writer",
        f"{MAPS}/a",
        config_map("a", {"k": "2", "l": "1"}),
        "data",
        OWNERS,
        query={"fieldManager": "bob"},
        keep={"v2": "metadata.resourceVersion"},
    ),
    put(
        "a replacement of an old version is 409",
        f"{MAPS}/a",
        config_map("a", {"k": "3"}, resourceVersion="{v1}"),
    ),
    put(
        "a replacement of another uid is 409",
        f"{MAPS}/a",
        config_map("a", {"k": "3"}, uid="00000000-0000-4000-8000-000000000000"),
    ),
    put(
        "a replacement with nothing new keeps the version",
        f"{MAPS}/a",
        config_map("a", {"k": "2", "l": "1"}, resourceVersion="{v2}"),
        "metadata.resourceVersion",
    ),
    put("a replacement under another name is 400", f"{MAPS}/a", config_map("b")),
    put("a replacement without a name is 400", f"{MAPS}/a", {"metadata": {}}),
    put("a replacement without a body is 400", f"{MAPS}/a", ""),
    put(
        "an unknown field of a replacement is a Warning",
        f"{MAPS}/a",
        {**config_map("a", {"k": "2"}), "dta": {}, "metadata": {"name": "a", "lbels": {}}},
        "data",
    ),
    put(
        "a dry run of a replacement answers as if",
        f"{MAPS}/a",
        config_map("a", {"k": "9"}),
        "data",
        query={"dryRun": "All"},
    ),
    get("and has changed nothing", f"{MAPS}/a", "data"),
)

PATCHED = (
    patch(
        "a merge patch sets, and null removes",
        f"{MAPS}/a",
        {"data": {"k": None, "m": "1"}},
        "data",
        OWNERS,
        query={"fieldManager": "carl"},
    ),
    patch(
        "a merge patch of an old version is 409",
        f"{MAPS}/a",
        {"metadata": {"resourceVersion": "{v1}"}, "data": {"k": "1"}},
    ),
    patch(
        "a merge patch that changes nothing keeps the version",
        f"{MAPS}/a",
        {"data": {"m": "1"}},
        "data",
        query={"fieldManager": "dora"},
    ),
    patch("a merge patch of another name is 400", f"{MAPS}/a", {"metadata": {"name": "b"}}),
    patch(
        "a merge patch of another namespace is 400",
        f"{MAPS}/a",
        {"metadata": {"namespace": "other"}},
    ),
    patch("a merge patch that is a list is 400", f"{MAPS}/a", []),
    patch("a merge patch into a wrong type is 422", f"{MAPS}/a", {"data": "text"}),
    patch(
        "an unknown field of a merge patch is a Warning", f"{MAPS}/a", {"dta": {"k": "1"}}, "dta"
    ),
    patch(
        "an unknown field of a strict merge patch is 422",
        f"{MAPS}/a",
        {"dta": {"k": "1"}},
        query={"fieldValidation": "Strict"},
    ),
    patch("force is for applies alone", f"{MAPS}/a", {}, query={"force": "true"}),
    patch("a patch of what is missing is 404", f"{MAPS}/none", {"data": {}}),
    patch(
        "a JSON patch tests, replaces and adds",
        f"{MAPS}/a",
        [
            {"op": "test", "path": "/data/m", "value": "1"},
            {"op": "replace", "path": "/data/m", "value": "2"},
            {"op": "add", "path": "/data/n", "value": "3"},
        ],
        "data",
        media=JSON_PATCH,
    ),
    patch(
        "a JSON patch whose test fails is 422",
        f"{MAPS}/a",
        [{"op": "test", "path": "/data/m", "value": "9"}],
        media=JSON_PATCH,
    ),
    patch(
        "a JSON patch that removes what is not there is 422",
        f"{MAPS}/a",
        [{"op": "remove", "path": "/data/none"}],
        media=JSON_PATCH,
    ),
    patch("a JSON patch that is no list is 400", f"{MAPS}/a", {"op": "add"}, media=JSON_PATCH),
    patch("a patch of an unknown type is 415", f"{MAPS}/a", {}, media="application/json"),
    patch("a patch with a bad label is 422", f"{MAPS}/a", {"metadata": {"labels": {"a": "b c"}}}),
)

WORKLOAD = (
    post("a StatefulSet to patch", SET.removesuffix("/box"), sandbox("box", replicas=0), "kind"),
    patch(
        "a strategic patch merges containers by name",
        SET,
        {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [{"name": "sandbox", "image": "registry.example/sandbox:2"}]
                    }
                }
            }
        },
        f"{TEMPLATE}.containers",
        "metadata.generation",
        media=STRATEGIC,
    ),
    patch(
        "a strategic patch adds to the environment and orders it",
        SET,
        {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [
                            {
                                "name": "sandbox",
                                "env": [{"name": "B", "value": "1"}, {"name": "A", "value": "2"}],
                            }
                        ]
                    }
                }
            }
        },
        f"{TEMPLATE}.containers.*.env",
        media=STRATEGIC,
    ),
    patch(
        "$patch: delete removes one item",
        SET,
        {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [
                            {"name": "sandbox", "env": [{"name": "B", "$patch": "delete"}]}
                        ]
                    }
                }
            }
        },
        f"{TEMPLATE}.containers.*.env",
        media=STRATEGIC,
    ),
    patch(
        "$patch: replace replaces the list",
        SET,
        {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [
                            {
                                "name": "sandbox",
                                "env": [{"$patch": "replace"}, {"name": "C", "value": "1"}],
                            }
                        ]
                    }
                }
            }
        },
        f"{TEMPLATE}.containers.*.env",
        media=STRATEGIC,
    ),
    patch(
        "a strategic patch without the merge key is refused",
        SET,
        {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}},
        media=STRATEGIC,
    ),
    patch(
        "a merge patch replaces the list of containers",
        SET,
        {"spec": {"template": {"spec": {"containers": [{"name": "other", "image": "other:1"}]}}}},
        f"{TEMPLATE}.containers",
        "metadata.generation",
    ),
    patch(
        "an immutable field is 422 in a patch too",
        SET,
        {"spec": {"podManagementPolicy": "OrderedReady"}},
    ),
    patch(
        "a label changes no generation",
        SET,
        {"metadata": {"labels": {"x": "y"}}},
        "metadata.generation",
        "metadata.labels",
    ),
    patch("a negative number of replicas is 422", SET, {"spec": {"replicas": -1}}),
    patch(
        "status is not changed with the object",
        SET,
        {"status": {"replicas": 7}},
        "metadata.generation",
        until={"status.observedGeneration": 6},
    ),
    patch(
        "a patch of the status changes the status",
        f"{SET}/status",
        {
            "status": {
                "conditions": [
                    {
                        "type": "Mooring",
                        "status": "True",
                        "lastTransitionTime": "2026-01-01T00:00:00Z",
                    }
                ]
            }
        },
        "status.conditions",
        "metadata.generation",
    ),
    patch(
        "a patch of the status leaves the spec alone",
        f"{SET}/status",
        {"spec": {"replicas": 5}},
        "spec.replicas",
    ),
    get(
        "the scale is a kind of its own",
        f"{SET}/scale",
        "kind",
        "apiVersion",
        "spec",
        "status.replicas",
        "status.selector",
    ),
    put(
        "a replaced scale changes the replicas",
        f"{SET}/scale",
        {**SCALE, "spec": {"replicas": 0}},
        "kind",
        "spec",
    ),
    patch(
        "a patched scale changes the replicas",
        f"{SET}/scale",
        {"spec": {"replicas": 1}},
        "kind",
        "spec",
        query={"dryRun": "All"},
    ),
    put("a scale of less than none is 422", f"{SET}/scale", {**SCALE, "spec": {"replicas": -1}}),
    get("the scale has counted as a new generation", SET, "metadata.generation", "spec.replicas"),
    post("a pod to patch", core("pods"), pod("one"), "kind"),
    patch(
        "most of a pod's spec never changes",
        core("pods") + "/one",
        {"spec": {"hostname": "x"}},
        differs=NO_DIFF,
    ),
    patch(
        "a pod's image may change",
        core("pods") + "/one",
        {"spec": {"containers": [{"name": "sandbox", "image": "registry.example/sandbox:3"}]}},
        "spec.containers.*.image",
        "metadata.generation",
        media=STRATEGIC,
    ),
)

FAMILY = Family("patching", (*REPLACED, *PATCHED, *WORKLOAD))
