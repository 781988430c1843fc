"""Admission in a namespace with quota, limits and Pod Security, asked by dry run and for good."""

from tests.differential.objects import container, pod, sandbox, secret
from tests.differential.request import Family, Request, core, delete, get, grouped, patch, post

PODS, CLAIMS, SECRETS = core("pods"), core("persistentvolumeclaims"), core("secrets")
QUOTAS, LIMITS = core("resourcequotas"), core("limitranges")
SETS = grouped("apps/v1", "statefulsets")
NAMESPACE = "/api/v1/namespaces/{ns}"
DRY = {"dryRun": "All"}
LEVELS = "pod-security.kubernetes.io"
SMALL = {"pods": "1", "limits.cpu": "2", "requests.storage": "10Gi", "count/secrets": "1"}


def claim(name: str, size: str) -> dict[str, object]:
    requests = {"requests": {"storage": size}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": requests}
    return {"metadata": {"name": name}, "spec": spec}


def bare(**more: object) -> dict[str, object]:
    """A pod that says nothing about security or resources."""
    return {
        "metadata": {"name": "bare"},
        "spec": {"containers": [{"name": "c", "image": "i", **more}]},
    }


def level(name: str, enforce: str | None, **more: str) -> Request:
    labels = {f"{LEVELS}/enforce": enforce, **{f"{LEVELS}/{mode}": to for mode, to in more.items()}}
    return patch(name, NAMESPACE, {"metadata": {"labels": labels}}, "kind")


SECURITY = (
    level("a namespace is restricted", "restricted"),
    post("a sandbox's pod is admitted under restricted", PODS, pod("one"), "kind", query=DRY),
    post(
        "a bare pod is refused under restricted, each reason told",
        PODS,
        bare(),
        query=DRY,
        until={"code": 403},
    ),
    post(
        "a pod as root is refused under restricted",
        PODS,
        pod("root", securityContext={"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}}),
        query=DRY,
    ),
    post(
        "a privileged container is refused",
        PODS,
        pod("p", containers=[container(securityContext={"privileged": True})]),
        query=DRY,
    ),
    post(
        "a host's path is refused",
        PODS,
        pod("h", hostNetwork=True)
        | {
            "spec": {
                "containers": [container(volumeMounts=[])],
                "hostNetwork": True,
                "volumes": [{"name": "home", "hostPath": {"path": "/"}}],
            }
        },
        query=DRY,
    ),
    post(
        "a StatefulSet of such pods is accepted with a Warning",
        SETS,
        sandbox(
            "root",
            replicas=0,
            template={
                "metadata": {"labels": {"mooring.dev/resource": "root"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        ),
        "kind",
        query=DRY,
    ),
    level("a namespace is baseline, and warns", "baseline", warn="restricted"),
    post(
        "a bare pod is admitted under baseline with a Warning",
        PODS,
        bare(),
        "kind",
        query=DRY,
        until={"kind": "Pod"},
    ),
    post(
        "a host port is refused under baseline",
        PODS,
        bare(ports=[{"containerPort": 80, "hostPort": 80}]),
        query=DRY,
    ),
    post(
        "a capability is refused under baseline",
        PODS,
        bare(securityContext={"capabilities": {"add": ["NET_ADMIN"]}}),
        query=DRY,
    ),
    level("a level that is none is refused", "strict"),
    level("a namespace has no level", None, warn="privileged"),
)

QUOTA = (
    post(
        "a quota",
        QUOTAS,
        {"metadata": {"name": "small"}, "spec": {"hard": SMALL}},
        "spec",
        "status",
    ),
    get("a quota is counted", f"{QUOTAS}/small", "status", until={"status.hard.pods": "1"}),
    post(
        "a pod without what the quota counts is refused",
        PODS,
        bare(),
        query=DRY,
        until={"code": 403},
    ),
    post(
        "a pod beyond the quota is refused",
        PODS,
        bare(resources={"limits": {"cpu": "3", "memory": "1Gi"}}),
        query=DRY,
    ),
    post("a pod within the quota is admitted", PODS, pod("one"), "kind", query=DRY),
    get("a dry run consumes nothing", f"{QUOTAS}/small", "status.used"),
    post("a pod takes the quota", PODS, pod("one"), "kind"),
    get("what is taken is counted at once", f"{QUOTAS}/small", "status.used"),
    post("a second pod is refused with what is used and limited", PODS, pod("two"), query=DRY),
    post("a claim beyond the quota is refused", CLAIMS, claim("big", "11Gi"), query=DRY),
    post("a claim within the quota is admitted", CLAIMS, claim("home", "10Gi"), "kind"),
    post("a secret takes the last of its count", SECRETS, secret("one"), "kind"),
    post("a secret beyond its count is refused", SECRETS, secret("two")),
    delete("a pod gives its quota back", f"{PODS}/one", {"gracePeriodSeconds": 0}, "kind"),
    get(
        "what is given back is counted soon",
        f"{QUOTAS}/small",
        "status.used",
        until={"status.used.pods": "0"},
    ),
    post(
        "a quota of what is no amount is refused",
        QUOTAS,
        {"metadata": {"name": "odd"}, "spec": {"hard": {"pods": "many"}}},
    ),
    post(
        "a quota of less than nothing is refused",
        QUOTAS,
        {"metadata": {"name": "odd"}, "spec": {"hard": {"pods": "-1"}}},
    ),
    delete("the quota goes", f"{QUOTAS}/small", None, "kind"),
)

RANGES = (
    post(
        "a range of limits",
        LIMITS,
        {
            "metadata": {"name": "range"},
            "spec": {
                "limits": [
                    {
                        "type": "Container",
                        "default": {"cpu": "500m", "memory": "512Mi"},
                        "defaultRequest": {"cpu": "100m"},
                        "max": {"cpu": "2"},
                        "min": {"cpu": "10m"},
                    },
                    {
                        "type": "PersistentVolumeClaim",
                        "max": {"storage": "20Gi"},
                        "min": {"storage": "1Gi"},
                    },
                ]
            },
        },
        "spec",
    ),
    post(
        "a container gets the limits of the range",
        PODS,
        bare(),
        "spec.containers.*.resources",
        "metadata.annotations",
        query=DRY,
        until={"spec.containers.0.resources.limits.cpu": "500m"},
    ),
    post(
        "a container over the range is refused",
        PODS,
        bare(resources={"limits": {"cpu": "3"}}),
        query=DRY,
    ),
    post(
        "a container under the range is refused",
        PODS,
        bare(resources={"requests": {"cpu": "1m"}}),
        query=DRY,
    ),
    post("a claim over the range is refused", CLAIMS, claim("big", "21Gi"), query=DRY),
    post("a claim under the range is refused", CLAIMS, claim("tiny", "1Mi"), query=DRY),
)

FAMILY = Family("admitting", (*SECURITY, *QUOTA, *RANGES))
