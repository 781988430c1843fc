"""Rights: what somebody hears who has none, verb by verb; he is impersonated."""

from tests.differential.objects import config_map, sandbox
from tests.differential.request import (
    Family,
    apply,
    core,
    delete,
    get,
    grouped,
    patch,
    post,
    put,
    watch,
)

MAPS, SECRETS = core("configmaps"), core("secrets")
SETS = grouped("apps/v1", "statefulsets")
ROUTES = grouped("gateway.networking.k8s.io/v1", "httproutes")
NOBODY = "nobody"

FAMILY = Family(
    "forbidding",
    (
        get("one may not get", f"{MAPS}/a", user=NOBODY),
        get("one may not list", SECRETS, user=NOBODY),
        get("one may not list in all namespaces", "/api/v1/pods", user=NOBODY),
        watch("one may not watch", MAPS, 1, query={}, user=NOBODY),
        post("one may not create", MAPS, config_map("a"), user=NOBODY),
        put("one may not replace", f"{MAPS}/a", config_map("a"), user=NOBODY),
        patch("one may not patch", f"{MAPS}/a", {}, user=NOBODY),
        patch("one may not patch a status", f"{SETS}/a/status", {}, user=NOBODY),
        apply("one may not apply", f"{SETS}/box", sandbox("box"), user=NOBODY),
        delete("one may not delete", f"{MAPS}/a", user=NOBODY),
        delete("one may not delete together", MAPS, user=NOBODY),
        get("one may not get a namespace", "/api/v1/namespaces/{ns}", user=NOBODY),
        get("one may not list namespaces", "/api/v1/namespaces", user=NOBODY),
        post(
            "one may not make a namespace",
            "/api/v1/namespaces",
            {"metadata": {"name": "x"}},
            user=NOBODY,
        ),
        get("one may not list a CRD's kind", ROUTES, user=NOBODY),
        get(
            "who may not list hears so before that the kind is unknown",
            grouped("apps/v1", "things"),
            user=NOBODY,
        ),
        get(
            "who may not list hears so before that the group is unknown",
            grouped("example.com/v1", "things"),
            user=NOBODY,
        ),
        get("one may not fetch a path", "/metrics", user=NOBODY),
    ),
)
