"""Why a StatefulSet makes no pod: only events of its controller say so, its status does not."""

from typing import Any

from tests.differential.objects import container, sandbox
from tests.differential.request import (
    Family,
    Request,
    apply,
    core,
    delete,
    get,
    grouped,
    patch,
    post,
)

SETS, EVENTS = grouped("apps/v1", "statefulsets"), core("events")
QUOTAS, LIMITS = core("resourcequotas"), core("limitranges")
NAMESPACE = "/api/v1/namespaces/{ns}"
TOLD = (
    "items.0.reason",
    "items.0.type",
    "items.0.message",
    "items.0.source.component",
    "items.0.involvedObject.kind",
    "items.0.involvedObject.name",
    "items.0.involvedObject.apiVersion",
)


def told(name: str, about: str) -> Request:
    """The event about this set."""
    selected = f"involvedObject.uid={about},reason=FailedCreate,type=Warning"
    return get(
        name,
        EVENTS,
        *TOLD,
        query={"fieldSelector": selected},
        until={"items.0.reason": "FailedCreate"},
    )


def level(name: str, value: str | None) -> Request:
    labels = {"pod-security.kubernetes.io/enforce": value}
    return patch(name, NAMESPACE, {"metadata": {"labels": labels}}, "kind")


def bare(name: str, **more: Any) -> dict[str, Any]:
    labels = {"mooring.dev/resource": name}
    spec = {"containers": [{"name": "c", "image": "i", **more}]}
    return sandbox(
        name, template={"metadata": {"labels": labels}, "spec": spec}, volumeClaimTemplates=[]
    )


FAMILY = Family(
    "explaining",
    (
        post(
            "a quota of no pods",
            QUOTAS,
            {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}},
            "kind",
        ),
        get("the quota is counted", f"{QUOTAS}/none", "status", until={"status.used.pods": "0"}),
        apply(
            "a set beyond the quota is accepted",
            f"{SETS}/quota",
            sandbox("quota"),
            "kind",
            keep={"quota": "metadata.uid"},
        ),
        told("an event says that the quota is exceeded", "{quota}"),
        get(
            "its status says nothing",
            f"{SETS}/quota",
            "status.conditions",
            "status.replicas",
            "status.observedGeneration",
            until={"status.observedGeneration": 1},
        ),
        delete("it goes", f"{SETS}/quota", None, "status"),
        delete("the quota goes", f"{QUOTAS}/none", None, "kind"),
        level("the namespace is restricted", "restricted"),
        post(
            "the level is looked at",
            core("pods"),
            {
                "metadata": {"name": "x"},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
            query={"dryRun": "All"},
            until={"code": 403},
        ),
        apply(
            "a set that is insecure is accepted with a Warning",
            f"{SETS}/root",
            bare("root"),
            "kind",
            keep={"root": "metadata.uid"},
            until={},
        ),
        told("an event says that it is insecure", "{root}"),
        delete("it goes too", f"{SETS}/root", None, "status"),
        level("the namespace is not restricted", None),
        post(
            "a range",
            LIMITS,
            {
                "metadata": {"name": "range"},
                "spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]},
            },
            "kind",
        ),
        post(
            "the range is looked at",
            core("pods"),
            {"metadata": {"name": "x"}, "spec": {"containers": [container(volumeMounts=[])]}},
            query={"dryRun": "All"},
            until={"code": 403},
        ),
        apply(
            "a set beyond the range is accepted",
            f"{SETS}/big",
            bare("big", resources={"limits": {"cpu": "2"}}),
            "kind",
            keep={"big": "metadata.uid"},
        ),
        told("an event says that it is too big", "{big}"),
        delete("it goes as well", f"{SETS}/big", None, "status"),
        apply(
            "a set of a missing account is accepted",
            f"{SETS}/who",
            sandbox(
                "who",
                template={
                    "metadata": {"labels": {"mooring.dev/resource": "who"}},
                    "spec": {
                        "serviceAccountName": "nobody",
                        "containers": [{"name": "c", "image": "i"}],
                    },
                },
            ),
            "kind",
            keep={"who": "metadata.uid"},
        ),
        told("an event says that the account is missing", "{who}"),
    ),
)
