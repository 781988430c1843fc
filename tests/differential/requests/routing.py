"""HTTPRoute: a kind of a CRD, with its rules, its patches and its lists."""

from typing import Any

from tests.differential.request import (
    APPLY,
    JSON_PATCH,
    STRATEGIC,
    Family,
    Request,
    apply,
    delete,
    get,
    grouped,
    patch,
    post,
    put,
)

VERSION = "gateway.networking.k8s.io/v1"
ROUTES = grouped(VERSION, "httproutes")
ROUTE = f"{ROUTES}/box-ttyd"


def route(name: str = "box-ttyd", **spec: Any) -> dict[str, Any]:
    """As the reconciler writes it."""
    rule = {"backendRefs": [{"name": "box", "port": 7681}], "timeouts": {"request": "0s"}}
    return {
        "apiVersion": VERSION,
        "kind": "HTTPRoute",
        "metadata": {"name": name, "labels": {"mooring.dev/resource": "box"}},
        "spec": {
            "parentRefs": [{"name": "gateway", "namespace": "gateways"}],
            "hostnames": [f"{name}.example.com"],
            "rules": [rule],
            **spec,
        },
    }


def ruled(**rule: Any) -> dict[str, Any]:
    return route("x", rules=[rule])


FAMILY = Family(
    "routing",
    (
        apply(
            "a route is applied and filled",
            ROUTE,
            route(),
            "spec",
            "metadata.generation",
            "metadata.managedFields",
        ),
        apply("the same route again changes nothing", ROUTE, route(), "metadata.generation"),
        apply(
            "another manager's change is a conflict",
            ROUTE,
            route(hostnames=["a.example.com"]),
            manager="bob",
        ),
        apply("an unknown field of a route", ROUTE, route(hosts=["a.example.com"])),
        apply(
            "a route's number that is text",
            ROUTE,
            route(rules=[{"backendRefs": [{"name": "box", "port": "web"}]}]),
        ),
        patch(
            "a merge patch of a route",
            ROUTE,
            {"spec": {"hostnames": ["b.example.com"]}},
            "spec.hostnames",
            "metadata.generation",
        ),
        patch(
            "a JSON patch of a route",
            ROUTE,
            [{"op": "replace", "path": "/spec/hostnames/0", "value": "c.example.com"}],
            "spec.hostnames",
            media=JSON_PATCH,
        ),
        patch("a strategic patch of a CRD's kind is 415", ROUTE, {}, media=STRATEGIC),
        patch(
            "the status of a route",
            f"{ROUTE}/status",
            {"status": {"parents": []}},
            "status",
            "metadata.generation",
        ),
        patch(
            "a label of a route changes no generation",
            ROUTE,
            {"metadata": {"labels": {"a": "b"}}},
            "metadata.generation",
        ),
        get(
            "items of a list of a CRD's kind have their kind",
            ROUTES,
            "kind",
            "items.*.kind",
            "items.*.apiVersion",
            query={"labelSelector": "mooring.dev/resource=box"},
        ),
        get(
            "a CRD's kind has few fields to select by", ROUTES, query={"fieldSelector": "spec.x=a"}
        ),
        get(
            "a CRD's kind is selected by name",
            ROUTES,
            "items.*.metadata.name",
            query={"fieldSelector": "metadata.name=box-ttyd"},
        ),
        put("a replaced route needs its version", ROUTE, route()),
        post("a route that is there", ROUTES, route()),
        post("a route of an odd host", ROUTES, route("x", hostnames=["Example_"])),
        post("a route with a port of 0", ROUTES, ruled(backendRefs=[{"name": "box", "port": 0}])),
        post("a route without a backend's port", ROUTES, ruled(backendRefs=[{"name": "box"}])),
        post("a route of an odd duration", ROUTES, ruled(timeouts={"request": "soon"})),
        post("a route without a spec", ROUTES, {**route("x"), "spec": None}),
        post("hosts that are text", ROUTES, route("x", hostnames="a.example.com")),
        post(
            "an unknown field of a created route",
            ROUTES,
            route("x", hosts=[]),
            "spec.hosts",
            query={"dryRun": "All"},
        ),
        post(
            "an unknown field of a strict route",
            ROUTES,
            route("x", hosts=[]),
            query={"fieldValidation": "Strict"},
        ),
        post("a route's name with capitals", ROUTES, route("Box")),
        Request(
            "a route applied as another version",
            "PATCH",
            ROUTE,
            {**route(), "apiVersion": "gateway.networking.k8s.io/v1beta1"},
            APPLY,
            query={"fieldManager": "mooring"},
        ),
        delete("a route is deleted", ROUTE, None, "status", "details.kind", "details.group"),
        get("it is gone", ROUTE),
    ),
    served=VERSION,
)
