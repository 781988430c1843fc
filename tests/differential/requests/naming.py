"""Names, labels, keys and sizes: what is too long, and what has the wrong characters."""

from tests.differential.objects import config_map, sandbox, secret
from tests.differential.request import Family, Request, core, grouped, post

MAPS, SECRETS, SERVICES = core("configmaps"), core("secrets"), core("services")
SETS, ROLES = grouped("apps/v1", "statefulsets"), grouped("rbac.authorization.k8s.io/v1", "roles")
NAMESPACES = "/api/v1/namespaces"
DRY = {"dryRun": "All"}
LEVEL = "pod-security.kubernetes.io"


def service(name: str) -> dict[str, object]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}


def dry(name: str, path: str, body: object, *read: str) -> Request:
    return post(name, path, body, *read, query=DRY)


FAMILY = Family(
    "naming",
    (
        dry("a Service's name has no points", SERVICES, service("a.b")),
        dry("a Service's name may begin with a digit", SERVICES, service("1ab"), "metadata.name"),
        dry("a Service's name has 63 characters at most", SERVICES, service("a" * 64)),
        dry("a StatefulSet's name has no points", SETS, sandbox("a.b")),
        dry("a StatefulSet's name has no capitals", SETS, sandbox("A-b")),
        dry("a StatefulSet of 64 characters is refused", SETS, sandbox("a" * 64)),
        dry("a StatefulSet of 63 characters is accepted", SETS, sandbox("a" * 63), "kind"),
        dry("a Secret's name may have points", SECRETS, secret("a.b"), "kind"),
        dry("a Secret's name has no underscore", SECRETS, secret("a_b")),
        dry(
            "a Role's name may be any segment of a path",
            ROLES,
            {"metadata": {"name": "A:b"}, "rules": []},
            "kind",
        ),
        dry("a Role's name has no slash", ROLES, {"metadata": {"name": "a/b"}, "rules": []}),
        dry("a label's value has 63 bytes at most", MAPS, config_map("a", labels={"a": "v" * 64})),
        dry("a label's key has 63 bytes at most", MAPS, config_map("a", labels={"a" * 64: "v"})),
        dry("a label's key has one slash at most", MAPS, config_map("a", labels={"a/b/c": "v"})),
        dry("a label's prefix is a domain", MAPS, config_map("a", labels={"A b/c": "v"})),
        dry("a label's prefix is not empty", MAPS, config_map("a", labels={"/c": "v"})),
        dry("a label may be empty", MAPS, config_map("a", labels={"a": ""}), "metadata.labels"),
        dry(
            "an annotation's key is that of a label",
            MAPS,
            config_map("a", annotations={"a b": "v"}),
        ),
        dry(
            "annotations have 256 KiB at most",
            MAPS,
            config_map("a", annotations={"a": "v" * 2**18}),
        ),
        dry("a finalizer has a domain", MAPS, config_map("a", finalizers=["mine"])),
        dry("a ConfigMap has one MiB at most", MAPS, config_map("a", {"k": "v" * 2**20 + "v"})),
        dry("a Secret has one MiB at most", SECRETS, secret("a", {"k": "v" * 2**20 + "v"})),
        dry("three MiB are read at most", MAPS, config_map("a", {"k": "v" * 3 * 2**20})),
        dry("a ConfigMap's key has no blank", MAPS, config_map("a", {"a b": "v"})),
        dry("a Secret's key has no blank", SECRETS, secret("a", {"a b": "v"})),
        dry("a Secret's key may have points", SECRETS, secret("a", {"a.b_c-D": "v"}), "data"),
        dry(
            "a level of Pod Security is one of three",
            NAMESPACES,
            {
                "metadata": {
                    "name": "x",
                    "labels": {f"{LEVEL}/enforce": "x", f"{LEVEL}/warn-version": "q"},
                }
            },
        ),
        dry("a namespace's name has no capitals", NAMESPACES, {"metadata": {"name": "A-b"}}),
        dry("a namespace's name of 64 characters", NAMESPACES, {"metadata": {"name": "n" * 64}}),
    ),
)
