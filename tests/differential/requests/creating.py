"""Create: what is filled in, what is refused, and what a dry run is."""

from tests.differential.objects import config_map, pod, sandbox
from tests.differential.request import Family, core, get, grouped, post

MAPS = core("configmaps")
SETS = grouped("apps/v1", "statefulsets")

FAMILY = Family(
    "creating",
    (
        post(
            "a created object is 201 and owned by its writer",
            MAPS,
            config_map("a", {"k": "1"}),
            "",
            query={"fieldManager": "ann"},
        ),
        post("a name that is taken is 409 AlreadyExists", MAPS, config_map("a")),
        post(
            "generateName adds five characters",
            MAPS,
            {"metadata": {"generateName": "made-"}},
            "metadata.generateName",
            "kind",
            keep={"made": "metadata.name"},
        ),
        get("the generated name is found", f"{MAPS}/{{made}}", "metadata.name"),
        post("no name at all is 422", MAPS, {"metadata": {}}),
        post("a name with capitals and points at its end is 422", MAPS, config_map("Bad.")),
        post("a name of 254 characters is 422", MAPS, config_map("n" * 254)),
        post(
            "a name of 253 characters is accepted",
            MAPS,
            config_map("n" * 253),
            "kind",
            query={"dryRun": "All"},
        ),
        post("another namespace in the body is 400", MAPS, config_map("b", namespace="other")),
        post(
            "a resourceVersion in the body is refused", MAPS, config_map("b", resourceVersion="1")
        ),
        post(
            "a dry run answers the object",
            MAPS,
            config_map("dry", {"k": "1"}),
            "data",
            "kind",
            query={"dryRun": "All"},
        ),
        get("a dry run has stored nothing", f"{MAPS}/dry"),
        post("a dryRun other than All is 422", MAPS, config_map("dry"), query={"dryRun": "Some"}),
        post(
            "an unknown field is dropped with a Warning",
            MAPS,
            {**config_map("u"), "dta": {"k": "1"}},
            "dta",
        ),
        post(
            "an unknown field is 400 if validation is strict",
            MAPS,
            {**config_map("s"), "dta": {}},
            query={"fieldValidation": "Strict"},
        ),
        post(
            "an unknown field is dropped in silence if it is ignored",
            MAPS,
            {**config_map("i"), "dta": {}},
            "dta",
            query={"fieldValidation": "Ignore"},
        ),
        post("a field of the wrong type is 400", MAPS, {**config_map("t"), "data": ["k"]}),
        post("JSON that ends early is 400", MAPS, '{"metadata": {"name": "j"'),
        post("a body of an unknown media type is 415", MAPS, config_map("m"), media="text/csv"),
        post("a body of another kind is 400", MAPS, pod("k")),
        post(
            "a StatefulSet is filled with defaults",
            SETS,
            sandbox("box"),
            "spec",
            "metadata.generation",
            query={"dryRun": "All"},
        ),
        post(
            "a StatefulSet whose selector misses its template is 422",
            SETS,
            sandbox("box", selector={"matchLabels": {"a": "b"}}),
        ),
        post(
            "a pod is filled with defaults",
            core("pods"),
            pod("one"),
            "spec",
            "status",
            query={"dryRun": "All"},
        ),
        post("a pod without containers is 422", core("pods"), pod("none", containers=[])),
    ),
)
