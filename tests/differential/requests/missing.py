"""What is not there, who may not come in, and what is not asked as it should be."""

from tests.differential.objects import config_map
from tests.differential.request import Family, Request, core, get, grouped, post

MAPS = core("configmaps")
ELSEWHERE = "/api/v1/namespaces/no-such-namespace/configmaps"

FAMILY = Family(
    "missing",
    (
        get("an object that is missing is 404 with its kind", f"{MAPS}/none"),
        get("a list in a missing namespace is empty", ELSEWHERE, "kind", "items"),
        get("an object in a missing namespace is 404 with its own kind", f"{ELSEWHERE}/none"),
        post(
            "a creation in a missing namespace is 404 with the namespace",
            ELSEWHERE,
            config_map("a"),
        ),
        get("an unknown kind of a known group is a bare Status", grouped("apps/v1", "things")),
        get(
            "an unknown version of a known group is a bare Status",
            grouped("apps/v9", "statefulsets"),
        ),
        get("an unknown group is plain text", grouped("example.com/v1", "things")),
        get(
            "an unknown kind of a CRD's group is plain text",
            grouped("gateway.networking.k8s.io/v1", "things"),
        ),
        get("an unknown path is plain text", "/nowhere"),
        get("a wrong token is 401", MAPS, token="wrong"),
        get("no token is 403 for system:anonymous", MAPS, token=""),
        get("no token may read the version", "/version", "major", "minor", token=""),
        Request("a POST to an object is 405", "POST", f"{MAPS}/a", config_map("a")),
        Request("a PUT to a collection is 405", "PUT", MAPS, config_map("a")),
        Request("a DELETE of the status is 405", "DELETE", core("pods") + "/a/status"),
    ),
)
