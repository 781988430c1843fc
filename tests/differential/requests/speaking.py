"""HTTP itself: methods, media types that are asked for, paths that are written oddly."""

from tests.differential.objects import config_map
from tests.differential.request import Family, Request, core, get, post

MAPS = core("configmaps")
ALWAYS_JSON = dict.fromkeys(
    ("code", "reason", "message", "details"), "JSON is answered whatever media type is asked for"
)
NO_METHOD = dict.fromkeys(
    ("code", "reason", "message", "details", "text"),
    "a method that HTTP does not have is refused before the simulator sees it",
)

FAMILY = Family(
    "speaking",
    (
        post("a map to speak of", MAPS, config_map("a", {"k": "1"}), "kind"),
        get("JSON is asked for", f"{MAPS}/a", "data", accept="application/json"),
        get("anything is asked for", f"{MAPS}/a", "data", accept="*/*"),
        get(
            "JSON is asked for among others",
            f"{MAPS}/a",
            "data",
            accept="text/html, application/json;q=0.9",
        ),
        get("what cannot be given is 406", f"{MAPS}/a", accept="text/html", differs=ALWAYS_JSON),
        get("what cannot be given of a list is 406", MAPS, accept="image/png", differs=ALWAYS_JSON),
        get("a slash at the end is the same", f"{MAPS}/a/", "data"),
        get("an unknown parameter is ignored", f"{MAPS}/a", "data", query={"color": "blue"}),
        get("a name that is percent-encoded", core("configmaps") + "/%61", "data"),
        get("a name of nothing but dots", core("configmaps") + "/a.b.c"),
        Request("HEAD of an object", "HEAD", f"{MAPS}/a"),
        Request("OPTIONS of an object", "OPTIONS", f"{MAPS}/a"),
        Request("an unknown method", "BREW", f"{MAPS}/a", differs=NO_METHOD),
        get("a subresource that is not there", f"{MAPS}/a/status"),
        get("a subresource below one", core("pods") + "/a/status/more"),
        get("a namespace's own subresource", "/api/v1/namespaces/{ns}/status", "status.phase"),
        get("a kind without a namespace in one", core("namespaces")),
        get("the core group is no named one", "/apis/v1/namespaces/{ns}/configmaps"),
        get("the root of a group's version", "/apis/apps/v1/", "kind"),
        get("a version without its group", "/apis/apps", "kind"),
    ),
)
