"""Bodies that are not of their kind: wrong types, values that cannot be read, other kinds."""

from copy import deepcopy
from typing import Any

from tests.differential.objects import config_map, sandbox, secret
from tests.differential.request import (
    APPLY,
    MERGE,
    Family,
    Request,
    apply,
    core,
    grouped,
    post,
    put,
)

MAPS, SECRETS, SERVICES = core("configmaps"), core("secrets"), core("services")
SETS, INGRESSES = grouped("apps/v1", "statefulsets"), grouped("networking.k8s.io/v1", "ingresses")
ROUTES = grouped("gateway.networking.k8s.io/v1", "httproutes")
SYNTAX = {"message": "texts of syntax errors are those of Python's parsers"}


def service(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": spec}


def limited(cpu: Any) -> dict[str, Any]:
    """A sandbox with this limit."""
    body = deepcopy(sandbox("x"))
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": cpu}}
    return body


CREATED = (
    post("a map where text belongs", SECRETS, {"metadata": {"name": {"a": "b"}}}),
    post("a list where a map belongs", SECRETS, {"metadata": {"name": "x"}, "data": ["a"]}),
    post("a number where bytes belong", SECRETS, {"metadata": {"name": "x"}, "data": {"a": 1}}),
    post("bytes that are not base64", SECRETS, {"metadata": {"name": "x"}, "data": {"a": "%%"}}),
    post(
        "bytes that are base64 and then not",
        SECRETS,
        {"metadata": {"name": "x"}, "data": {"a": "YWJj%"}},
    ),
    post(
        "a number where a Secret's text belongs",
        SECRETS,
        {"metadata": {"name": "x"}, "stringData": {"a": 1}},
    ),
    post("labels that are a list", SECRETS, {"metadata": {"name": "x", "labels": ["a"]}}),
    post("owners that are a map", SECRETS, {"metadata": {"name": "x", "ownerReferences": {}}}),
    post("metadata that is text", SECRETS, {"metadata": "x"}),
    post(
        "a time that is none",
        SECRETS,
        {"metadata": {"name": "x", "creationTimestamp": "yesterday"}},
    ),
    post("ports that are a map", SERVICES, service(ports={"a": 1})),
    post("a port that is text", SERVICES, service(ports=[{"port": "http"}])),
    post("a port with a fraction", SERVICES, service(ports=[{"port": 1.5}])),
    post("an item that is text", SERVICES, service(ports=["a"])),
    post("replicas that are text", SETS, sandbox("x", replicas="1")),
    post(
        "a command that is text",
        SETS,
        sandbox("x", template={"spec": {"containers": [{"name": "c", "command": "sh"}]}}),
    ),
    post(
        "a label of a selector that is a number",
        SETS,
        sandbox("x", selector={"matchLabels": {"a": 1}}),
    ),
    post(
        "a flag that is text",
        SETS,
        sandbox("x", template={"spec": {"containers": [{"name": "c", "tty": "yes"}]}}),
    ),
    post("an amount that is none", SETS, limited("x y")),
    post("an amount that is a flag", SETS, limited(True)),
    post(
        "unknown fields deep inside are each a Warning",
        SETS,
        sandbox(
            "x",
            replicas=0,
            template={
                "metadata": {"labels": {"mooring.dev/resource": "x"}, "x": 1},
                "spec": {"containers": [{"name": "c", "image": "i", "imge": "j"}], "y": {}},
            },
        ),
        "kind",
        query={"dryRun": "All"},
    ),
    post(
        "unknown fields are 400 together if validation is strict",
        SETS,
        sandbox("x", a=1, b=2),
        query={"fieldValidation": "Strict"},
    ),
    post("an unknown validation is 422", MAPS, config_map("x"), query={"fieldValidation": "Some"}),
    post(
        "a manager of 129 characters is 422",
        MAPS,
        config_map("x"),
        query={"fieldManager": "m" * 129},
    ),
    post(
        "a manager with a line's end is 422", MAPS, config_map("x"), query={"fieldManager": "a\nb"}
    ),
)

OTHERS = (
    post("a kind that nobody knows", MAPS, {"apiVersion": "v1", "kind": "Foo"}),
    post("a version that nobody knows", MAPS, {"apiVersion": "v2", "kind": "ConfigMap"}),
    post("a StatefulSet sent to ConfigMaps", MAPS, sandbox("x")),
    post("a ConfigMap sent to StatefulSets", SETS, config_map("x")),
    post("a ConfigMap sent to Ingresses", INGRESSES, config_map("x")),
    post("a ConfigMap sent to a CRD's kind", ROUTES, config_map("x")),
    post("a CRD's kind without its kind", ROUTES, {"metadata": {"name": "x"}}),
    post("a CRD's kind of another media type", ROUTES, {}, media="text/csv"),
    post("JSON that is a list", MAPS, "[]", differs=SYNTAX),
    post("JSON that is null", MAPS, "null"),
    post(
        "JSON with something after it", MAPS, '{"metadata":{"name":"x"}} trailing', differs=SYNTAX
    ),
    post("HTML", MAPS, "<html>", differs=SYNTAX),
    post("no body", MAPS, ""),
    post(
        "YAML",
        MAPS,
        "metadata:\n  name: x\ndata: {k: v}\n",
        "data",
        media="application/yaml",
        query={"dryRun": "All"},
    ),
    post("YAML that is none", MAPS, "a: [", media="application/yaml", differs=SYNTAX),
    put(
        "a replacement of another type",
        f"{MAPS}/kube-root-ca.crt",
        {"metadata": {"name": "x"}},
        media="text/csv",
    ),
)

APPLIED = (
    apply("an applied text where a number belongs", f"{SETS}/x", sandbox("x", replicas="1")),
    apply("an applied fraction of a replica", f"{SETS}/x", sandbox("x", replicas=1.5)),
    apply("an applied amount that is none", f"{SETS}/x", limited("x y")),
    apply(
        "an applied amount that is a number",
        f"{SETS}/x",
        limited(2),
        "spec.template.spec.containers.*.resources.limits",
        query={"dryRun": "All"},
    ),
    apply(
        "applied bytes that are not base64", f"{SECRETS}/x", {**secret("x"), "data": {"a": "%%"}}
    ),
    apply("an applied list where a map belongs", f"{SECRETS}/x", {**secret("x"), "data": ["a"]}),
    apply(
        "an applied number where text belongs", f"{SECRETS}/x", {**secret("x"), "data": {"a": 1}}
    ),
    apply(
        "an applied time that is none", f"{SECRETS}/x", secret("x", creationTimestamp="yesterday")
    ),
    apply("an applied list", f"{MAPS}/x", "- a"),
    apply("an applied text", f"{MAPS}/x", "text"),
    apply("an empty apply", f"{MAPS}/x", ""),
    apply("an apply without a name", f"{MAPS}/x", {"apiVersion": "v1", "kind": "ConfigMap"}),
    apply("an apply to another namespace", f"{MAPS}/x", config_map("x", namespace="other")),
    apply(
        "an unknown field deep inside",
        f"{SETS}/x",
        sandbox("x", template={"spec": {"containers": [{"name": "c", "imge": "j"}]}}),
    ),
    apply(
        "a port twice",
        f"{SERVICES}/x",
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "x"},
            "spec": {"ports": [{"port": 80}, {"port": 80}]},
        },
    ),
    apply(
        "a container without its key",
        f"{SETS}/x",
        sandbox("x", template={"spec": {"containers": [{"image": "i"}]}}),
    ),
    Request(
        "an apply in JSON's own media type",
        "PATCH",
        f"{MAPS}/x",
        config_map("x"),
        "application/apply-patch+json",
        query={"fieldManager": "m"},
    ),
    Request(
        "an apply with a charset",
        "PATCH",
        f"{MAPS}/x",
        config_map("x"),
        f"{APPLY}; charset=utf-8",
        query={"fieldManager": "m", "dryRun": "All"},
        read=("kind",),
    ),
    Request("a patch with a charset", "PATCH", f"{MAPS}/x", {}, f"{MERGE}; charset=utf-8"),
)

FAMILY = Family("decoding", (*CREATED, *OTHERS, *APPLIED))
