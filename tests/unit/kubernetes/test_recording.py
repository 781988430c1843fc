"""What RBAC asks for a request, as the proxy of the tests on a real API server notes it."""

import pytest

from tests.kubernetes.recording import right_of

PODS = "/api/v1/namespaces/n/pods"
ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/n/httproutes"


@pytest.mark.parametrize(
    ("method", "path", "query", "right"),
    [
        ("GET", PODS, "limit=500", ("list", "", "pods")),
        ("GET", PODS, "watch=true&limit=500", ("watch", "", "pods")),
        ("GET", f"{PODS}/p", "", ("get", "", "pods")),
        ("GET", "/api/v1/pods", "", ("list", "", "pods")),
        ("POST", PODS, "dryRun=All", ("create", "", "pods")),
        ("PATCH", f"{ROUTES}/r", "", ("patch", "gateway.networking.k8s.io", "httproutes")),
        ("PATCH", f"{PODS}/p/status", "", ("patch", "", "pods/status")),
        ("DELETE", f"{PODS}/p", "", ("delete", "", "pods")),
        ("DELETE", PODS, "", ("deletecollection", "", "pods")),
        ("GET", "/api/v1/namespaces", "", ("list", "", "namespaces")),
        ("GET", "/api/v1/namespaces/n", "", ("get", "", "namespaces")),
        ("PATCH", "/api/v1/namespaces/n", "", ("patch", "", "namespaces")),
        ("GET", "/apis/apps/v1", "", None),
        ("GET", "/api/v1", "", None),
        ("GET", "/version", "", None),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", "", None),
    ],
)
def test_a_request_is_a_verb_on_a_resource(
    method: str, path: str, query: str, right: tuple[str, str, str] | None
) -> None:
    assert right_of(method, path, query) == right
