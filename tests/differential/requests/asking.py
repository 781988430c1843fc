"""Questions: what is served, who one is, what one may do."""

from tests.differential.request import Family, Request, get, post

AUTHORIZATION = "/apis/authorization.k8s.io/v1"
RULES, ACCESS = (
    f"{AUTHORIZATION}/selfsubjectrulesreviews",
    f"{AUTHORIZATION}/selfsubjectaccessreviews",
)
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def described(path: str, *plurals: str) -> Request:
    """The entry of each kind in a list of resources."""
    read = [f"resources[name={plural}]" for plural in plurals]
    # The hash is of where it is stored.
    read = [
        f"{one}.{key}"
        for one in read
        for key in ("kind", "namespaced", "singularName", "shortNames", "categories", "verbs")
    ]
    return get(f"{path} describes {', '.join(plurals)}", path, "kind", "groupVersion", *read)


FAMILY = Family(
    "asking",
    (
        get("the core group has one version", "/api", "kind", "versions"),
        get(
            "groups are listed with their versions",
            "/apis",
            "kind",
            "apiVersion",
            "groups[name=apps]",
            "groups[name=networking.k8s.io].preferredVersion",
            "groups[name=rbac.authorization.k8s.io].preferredVersion",
            "groups[name=gateway.networking.k8s.io].preferredVersion",
        ),
        get("a group is described", "/apis/apps", "kind", "name", "preferredVersion"),
        get("a group that is not there", "/apis/example.com"),
        get("a version that is not there", "/apis/apps/v9"),
        described(
            "/api/v1",
            "pods",
            "services",
            "secrets",
            "persistentvolumeclaims",
            "namespaces",
            "serviceaccounts",
            "events",
            "resourcequotas",
            "limitranges",
            "pods/status",
            "namespaces/status",
            "persistentvolumeclaims/status",
        ),
        described("/apis/apps/v1", "statefulsets", "statefulsets/scale", "statefulsets/status"),
        described("/apis/networking.k8s.io/v1", "ingresses", "networkpolicies", "ingresses/status"),
        described("/apis/rbac.authorization.k8s.io/v1", "roles", "rolebindings"),
        described("/apis/gateway.networking.k8s.io/v1", "httproutes", "httproutes/status"),
        get("the server is ready", "/readyz"),
        get("the server lives", "/livez"),
        post("one asks who one is", WHO, {}, "kind", "status.userInfo.username", "apiVersion"),
        post(
            "one asks who one is, in full",
            WHO,
            {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
            "kind",
            "spec",
        ),
        post(
            "one asks whether one may",
            ACCESS,
            {
                "spec": {
                    "resourceAttributes": {"namespace": "{ns}", "verb": "get", "resource": "pods"}
                }
            },
            "kind",
            "spec",
            "status.allowed",
        ),
        post(
            "one asks whether one may fetch a path",
            ACCESS,
            {"spec": {"nonResourceAttributes": {"path": "/version", "verb": "get"}}},
            "spec",
            "status.allowed",
        ),
        post("one asks for nothing", ACCESS, {"spec": {}}),
        post(
            "one asks for two things at once",
            ACCESS,
            {
                "spec": {
                    "resourceAttributes": {"verb": "get", "resource": "pods"},
                    "nonResourceAttributes": {"path": "/version", "verb": "get"},
                }
            },
        ),
        post(
            "one asks for all rules",
            RULES,
            {"spec": {"namespace": "{ns}"}},
            "kind",
            "spec",
            "status.incomplete",
            "status.evaluationError",
        ),
        post("one asks for rules without a namespace", RULES, {"spec": {}}),
        post(
            "a question with an unknown field",
            ACCESS,
            {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}, "who": "me"}},
            "status.allowed",
        ),
        post("a question that is no JSON", ACCESS, "{"),
        get("questions are not stored", ACCESS),
        get("a question has no name", f"{ACCESS}/one"),
        Request("a question with a wrong token", "POST", WHO, {}, token="wrong"),
        Request("a question without a token", "POST", WHO, {}, token=""),
    ),
)
