"""Server-side apply: owners, conflicts, removal, and what is no object of the kind."""

from tests.differential.objects import config_map, sandbox
from tests.differential.request import Family, apply, core, get, grouped, patch

MAP = core("configmaps") + "/a"
SET = grouped("apps/v1", "statefulsets") + "/box"
SYNTAX = {"message": "texts of syntax errors are those of Python's parsers"}
OWNERS = "metadata.managedFields"

FAMILY = Family(
    "applying",
    (
        apply(
            "an apply of what is missing creates it",
            MAP,
            config_map("a", {"x": "1", "y": "1"}),
            "data",
            OWNERS,
            keep={"v1": "metadata.resourceVersion", "uid": "metadata.uid"},
        ),
        apply(
            "the same apply again changes no version",
            MAP,
            config_map("a", {"x": "1", "y": "1"}),
            "metadata.resourceVersion",
            keep={"v2": "metadata.resourceVersion"},
        ),
        apply(
            "another manager's value is a conflict that names both",
            MAP,
            config_map("a", {"x": "2"}),
            manager="bob",
        ),
        apply(
            "the same value is shared by two managers",
            MAP,
            config_map("a", {"x": "1"}),
            "data",
            OWNERS,
            manager="bob",
        ),
        apply(
            "force takes the field over",
            MAP,
            config_map("a", {"x": "3"}),
            "data",
            OWNERS,
            manager="bob",
            force=True,
        ),
        apply(
            "a field that nobody else owns goes when it is no longer applied",
            MAP,
            config_map("a", {}),
            "data",
            OWNERS,
        ),
        patch(
            "a merge patch makes its writer an owner",
            MAP,
            {"data": {"x": "4"}},
            "data",
            OWNERS,
            query={"fieldManager": "carl"},
        ),
        apply(
            "a value that a patch has changed is a conflict",
            MAP,
            config_map("a", {"x": "5"}),
            manager="bob",
        ),
        apply(
            "a resourceVersion that is old is 409",
            MAP,
            config_map("a", {"x": "1"}, resourceVersion="{v1}"),
            force=True,
        ),
        apply(
            "the uid of another object is refused",
            MAP,
            config_map("a", {"x": "1"}, uid="00000000-0000-4000-8000-000000000000"),
            force=True,
        ),
        apply(
            "a uid for what does not exist is 409",
            core("configmaps") + "/gone",
            config_map("gone", uid="00000000-0000-4000-8000-000000000000"),
        ),
        apply(
            "managedFields in the body are 400",
            MAP,
            config_map("a", managedFields=[{"manager": "x", "operation": "Apply"}]),
        ),
        apply("an apply without a manager is 422", MAP, config_map("a"), manager=""),
        apply("an unknown field is 500 and says so", MAP, {**config_map("a"), "dta": {}}),
        apply("a name that is not the URL's is 400", MAP, config_map("other")),
        apply("another kind than the URL's is 400", MAP, sandbox("a")),
        apply("no apiVersion is 400", MAP, {"metadata": {"name": "a"}}),
        apply("text that is no YAML is 400", MAP, "a: [", differs=SYNTAX),
        apply(
            "a dry run of an apply answers and stores nothing",
            MAP,
            config_map("a", {"x": "9"}),
            "data",
            force=True,
            query={"dryRun": "All"},
        ),
        get("the object is as before the dry run", MAP, "data"),
        apply("a third manager shares a map", MAP, config_map("a", {"z": "1"}), manager="dora"),
        apply(
            "values of two managers are a conflict with each, in order",
            MAP,
            config_map("a", {"x": "0", "z": "0"}),
            manager="emil",
        ),
        apply(
            "a StatefulSet is applied",
            SET,
            sandbox("box", replicas=0),
            "metadata.generation",
            OWNERS,
        ),
        apply(
            "a replica more is a new generation",
            SET,
            sandbox("box", replicas=1),
            "metadata.generation",
            "spec.replicas",
        ),
        apply(
            "an immutable field is 422 and names those that are not",
            SET,
            sandbox("box", serviceName="other"),
            force=True,
        ),
    ),
)
