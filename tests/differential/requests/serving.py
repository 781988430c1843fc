"""The smaller kinds of a sandbox: Services, Ingresses, policies, claims, accounts, events."""

from typing import Any

from tests.differential.objects import secret
from tests.differential.request import Family, apply, core, delete, get, grouped, patch, post, put

SERVICES, CLAIMS, SECRETS = core("services"), core("persistentvolumeclaims"), core("secrets")
ACCOUNTS, EVENTS = core("serviceaccounts"), core("events")
NO_DIFF = dict.fromkeys(
    ("message", "details"), "a refused change is told without the diff of Go's structs"
)
NETWORKING, RBAC = "networking.k8s.io/v1", "rbac.authorization.k8s.io/v1"
INGRESSES, POLICIES = grouped(NETWORKING, "ingresses"), grouped(NETWORKING, "networkpolicies")
ROLES, BINDINGS = grouped(RBAC, "roles"), grouped(RBAC, "rolebindings")


def service(name: str, **spec: Any) -> dict[str, Any]:
    ports = [
        {"name": "app", "port": 3000},
        {"name": "ttyd", "port": 7681, "appProtocol": "kubernetes.io/ws"},
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"mooring.dev/resource": name}, "ports": ports, **spec},
    }


def ingress(name: str, **spec: Any) -> dict[str, Any]:
    backend = {"service": {"name": name, "port": {"number": 3000}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    return {
        "apiVersion": NETWORKING,
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {"rules": [{"host": f"{name}.example.com", "http": {"paths": [path]}}], **spec},
    }


def policy(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": NETWORKING,
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {"podSelector": {"matchLabels": {"mooring.dev/resource": name}}, **spec},
    }


def claim(name: str, size: str, **spec: Any) -> dict[str, Any]:
    asked = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return {"metadata": {"name": name}, "spec": {**asked, **spec}}


SERVED = (
    apply(
        "a Service is applied and filled",
        f"{SERVICES}/box",
        service("box", publishNotReadyAddresses=True),
        "spec.ports",
        "spec.type",
        "spec.ipFamilies",
        "spec.ipFamilyPolicy",
        "spec.sessionAffinity",
        "spec.internalTrafficPolicy",
        "spec.publishNotReadyAddresses",
        "status",
        "metadata.managedFields",
        "metadata.generation",
        keep={"ip": "spec.clusterIP"},
    ),
    apply(
        "a Service keeps its address",
        f"{SERVICES}/box",
        service("box"),
        "spec.clusterIP",
        "spec.publishNotReadyAddresses",
    ),
    apply(
        "a Service's ports are merged by number",
        f"{SERVICES}/box",
        service("box", ports=[{"name": "web", "port": 3000}]),
        "spec.ports",
    ),
    patch(
        "a Service's address does not change",
        f"{SERVICES}/box",
        {"spec": {"clusterIP": "10.96.1.1"}},
    ),
    post(
        "a headless Service",
        SERVICES,
        service("none", clusterIP="None"),
        "spec.clusterIP",
        "spec.clusterIPs",
    ),
    post(
        "a Service without ports",
        SERVICES,
        {"metadata": {"name": "x"}, "spec": {"selector": {"a": "b"}}},
    ),
    post("two ports need names", SERVICES, service("x", ports=[{"port": 80}, {"port": 81}])),
    post(
        "a port's name twice",
        SERVICES,
        service("x", ports=[{"name": "a", "port": 80}, {"name": "a", "port": 81}]),
    ),
    post(
        "a port's number twice",
        SERVICES,
        service("x", ports=[{"name": "a", "port": 80}, {"name": "b", "port": 80}]),
    ),
    post("a port of 0", SERVICES, service("x", ports=[{"port": 0}])),
    post("a port of 65536", SERVICES, service("x", ports=[{"port": 65536}])),
    post(
        "a port's name with capitals", SERVICES, service("x", ports=[{"name": "Web", "port": 80}])
    ),
    post("an unknown type of Service", SERVICES, service("x", type="Magic")),
    delete("a deleted Service is answered", f"{SERVICES}/none", None, "kind", "spec.clusterIP"),
)

ROUTED = (
    apply(
        "an Ingress is applied",
        f"{INGRESSES}/box",
        ingress("box", ingressClassName="nginx"),
        "spec",
        "status",
        "metadata.generation",
        "metadata.managedFields",
    ),
    post("an Ingress without rules", INGRESSES, {"metadata": {"name": "x"}, "spec": {}}),
    post("an Ingress of an odd host", INGRESSES, ingress("x", rules=[{"host": "Example_.com"}])),
    post(
        "an Ingress with an address for a host",
        INGRESSES,
        ingress("x", rules=[{"host": "10.0.0.1"}]),
    ),
    post(
        "an Ingress whose path has no type",
        INGRESSES,
        ingress(
            "x",
            rules=[
                {
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "backend": {"service": {"name": "x", "port": {"number": 1}}},
                            }
                        ]
                    }
                }
            ],
        ),
    ),
    post(
        "an Ingress whose path is none",
        INGRESSES,
        ingress(
            "x",
            rules=[
                {
                    "http": {
                        "paths": [
                            {
                                "path": "a",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "x", "port": {"number": 1}}},
                            }
                        ]
                    }
                }
            ],
        ),
    ),
    post(
        "an Ingress whose backend has no port",
        INGRESSES,
        ingress(
            "x",
            rules=[
                {
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "x"}},
                            }
                        ]
                    }
                }
            ],
        ),
    ),
    post("an Ingress's class is a domain", INGRESSES, ingress("x", ingressClassName="A b")),
    apply(
        "an Ingress's class by the annotation",
        f"{INGRESSES}/old",
        ingress("old")
        | {"metadata": {"name": "old", "annotations": {"kubernetes.io/ingress.class": "higress"}}},
        "metadata.annotations",
        "spec.ingressClassName",
    ),
    apply(
        "an Ingress with TLS",
        f"{INGRESSES}/tls",
        ingress("tls", tls=[{"hosts": ["tls.example.com"], "secretName": "wildcard"}]),
        "spec.tls",
    ),
)

GUARDED = (
    apply(
        "a NetworkPolicy is applied",
        f"{POLICIES}/box",
        policy(
            "box",
            policyTypes=["Ingress", "Egress"],
            ingress=[
                {
                    "ports": [{"port": 3000}, {"port": 7681}],
                    "from": [
                        {
                            "namespaceSelector": {
                                "matchLabels": {"kubernetes.io/metadata.name": "ingress"}
                            }
                        }
                    ],
                }
            ],
            egress=[
                {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]},
                {"ports": [{"port": 53, "protocol": "UDP"}]},
            ],
        ),
        "spec",
        "metadata.generation",
        "metadata.managedFields",
    ),
    post(
        "a policy with a block that is none",
        POLICIES,
        policy("x", egress=[{"to": [{"ipBlock": {"cidr": "10.0.0.0"}}]}]),
    ),
    post(
        "a policy with an exception outside its block",
        POLICIES,
        policy(
            "x",
            egress=[{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["192.168.0.0/16"]}}]}],
        ),
    ),
    post(
        "a policy of an unknown protocol",
        POLICIES,
        policy("x", ingress=[{"ports": [{"port": 1, "protocol": "X"}]}]),
    ),
    post(
        "a policy without a type is one of ingress", POLICIES, policy("types"), "spec.policyTypes"
    ),
)

KEPT = (
    post(
        "a claim is filled",
        CLAIMS,
        claim("home", "1024Mi"),
        "spec",
        "status",
        "metadata.finalizers",
        "metadata.generation",
    ),
    post("a claim of nothing", CLAIMS, claim("x", "0")),
    post(
        "a claim without a size",
        CLAIMS,
        {"metadata": {"name": "x"}, "spec": {"accessModes": ["ReadWriteOnce"]}},
    ),
    post(
        "a claim without a mode",
        CLAIMS,
        {"metadata": {"name": "x"}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}},
    ),
    post("a claim of an unknown mode", CLAIMS, claim("x", "1Gi", accessModes=["Sometimes"])),
    get("a claim is bound", f"{CLAIMS}/home", "status.phase", until={"status.phase": "Bound"}),
    patch(
        "a claim does not shrink",
        f"{CLAIMS}/home",
        {"spec": {"resources": {"requests": {"storage": "512Mi"}}}},
    ),
    patch(
        "a claim grows",
        f"{CLAIMS}/home",
        {"spec": {"resources": {"requests": {"storage": "2Gi"}}}},
        "spec.resources",
    ),
    patch(
        "a claim's class does not change",
        f"{CLAIMS}/home",
        {"spec": {"storageClassName": "other"}},
        differs=NO_DIFF,
    ),
    apply(
        "a Secret is applied",
        f"{SECRETS}/env",
        secret("env", {"A": "1", "B": "2"}),
        "data",
        "type",
        "metadata.managedFields",
    ),
    apply("a key that is left out goes", f"{SECRETS}/env", secret("env", {"A": "1"}), "data"),
    apply(
        "a key that is there twice",
        f"{SECRETS}/env",
        {**secret("env", {"A": "1"}), "data": {"A": "Mg=="}},
        "data",
    ),
    put("a Secret's type does not change", f"{SECRETS}/env", {**secret("env"), "type": "other"}),
    patch("a Secret is made immutable", f"{SECRETS}/env", {"immutable": True}, "immutable"),
    patch("an immutable Secret does not change", f"{SECRETS}/env", {"data": {"A": "Mw=="}}),
)

ALLOWED = (
    apply(
        "a ServiceAccount is applied",
        f"{ACCOUNTS}/db",
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "db"}},
        "kind",
        "secrets",
    ),
    apply(
        "a Role is applied",
        f"{ROLES}/db",
        {
            "apiVersion": RBAC,
            "kind": "Role",
            "metadata": {"name": "db"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
        },
        "rules",
        "metadata.managedFields",
    ),
    post(
        "a rule without verbs",
        ROLES,
        {"metadata": {"name": "x"}, "rules": [{"apiGroups": [""], "resources": ["pods"]}]},
    ),
    apply(
        "a RoleBinding is applied",
        f"{BINDINGS}/db",
        {
            "apiVersion": RBAC,
            "kind": "RoleBinding",
            "metadata": {"name": "db"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "db"},
            "subjects": [{"kind": "ServiceAccount", "name": "db", "namespace": "{ns}"}],
        },
        "roleRef",
        "subjects",
    ),
    patch("a binding's role does not change", f"{BINDINGS}/db", {"roleRef": {"name": "other"}}),
    post(
        "a binding to no role",
        BINDINGS,
        {
            "metadata": {"name": "x"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ""},
        },
    ),
    post(
        "an event about another namespace's",
        EVENTS,
        {
            "metadata": {"name": "e"},
            "involvedObject": {"kind": "Pod", "namespace": "other", "name": "p"},
        },
    ),
)

FAMILY = Family("serving", (*SERVED, *ROUTED, *GUARDED, *KEPT, *ALLOWED))
