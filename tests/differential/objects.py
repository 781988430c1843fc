"""Bodies that the requests send: small objects, and those that the reconciler makes."""

from typing import Any

from tests.differential.request import Json


def config_map(name: str, data: Json | None = None, **meta: Any) -> Json:
    """`meta` goes into its metadata."""
    made: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}}
    return made if data is None else {**made, "data": data}


def secret(name: str, data: Json | None = None, **meta: Any) -> Json:
    """`data` is text, `meta` goes into its metadata."""
    made: Json = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, **meta}}
    return made if data is None else {**made, "stringData": data}


def sandbox(name: str, **spec: Any) -> Json:
    """A StatefulSet as the reconciler applies it; `spec` replaces fields."""
    labels = {"mooring.dev/resource": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 1,
            "serviceName": name,
            "podManagementPolicy": "Parallel",
            "revisionHistoryLimit": 1,
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Delete",
                "whenScaled": "Retain",
            },
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec()},
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "home"},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": "10Gi"}},
                    },
                }
            ],
            **spec,
        },
    }


def pod_spec(**more: Any) -> Json:
    """That of a sandbox: passes Pod Security `restricted`."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 10,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1001,
            "fsGroup": 1001,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container()],
        **more,
    }


def container(**more: Any) -> Json:
    """`more` replaces fields."""
    return {
        "name": "sandbox",
        "image": "registry.example/sandbox:1",
        "ports": [{"name": "app", "containerPort": 3000}, {"name": "ttyd", "containerPort": 7681}],
        "resources": {
            "requests": {"cpu": "20m", "memory": "25Mi"},
            "limits": {"cpu": "2", "memory": "4Gi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "home", "mountPath": "/home/fulling"}],
        **more,
    }


def pod(name: str, **spec: Any) -> Json:
    """A pod of its own with a sandbox's template, its home an emptyDir."""
    home = [{"name": "home", "emptyDir": {}}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"mooring.dev/resource": name}},
        "spec": pod_spec(volumes=home, **spec),
    }
