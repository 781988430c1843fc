"""What KubeBlocks makes for a Cluster: names, labels and bodies of its release 1.0.2. Pure.

Labels of the Cluster itself go no further; `componentSpecs[].labels` and `.annotations` do, as in
pkg/controller/component of that release. In place of Component and InstanceSet objects there is a
StatefulSet of the component's name, and of the pod's four containers only the database.
`oldclusterparts` has those of 0.9 and 0.8.
"""

import secrets
import string

from reconciler.simulator.controllers.setpods import owner_reference
from reconciler.simulator.schema import Json
from reconciler.simulator.stored import Stored

FINALIZER = "cluster.kubeblocks.io/finalizer"
INSTANCE = "app.kubernetes.io/instance"
MANAGED = ("app.kubernetes.io/managed-by", "kubeblocks")
COMPONENT = "apps.kubeblocks.io/component-name"
DEFINITION = "clusterDef"
DEFINITION_LABEL = "clusterdefinition.kubeblocks.io/name"
ACCOUNT = "postgres"
PORTS = (("tcp-postgresql", 5432), ("tcp-pgbouncer", 6432))
# What the addon of that release offers, ascending; the first number names the definition.
VERSIONS = (
    *("12.14.0", "12.14.1", "12.15.0", "12.22.0", "14.7.2", "14.8.0", "14.18.0"),
    *("15.7.0", "15.13.0", "16.4.0", "16.9.0", "17.5.0"),
)
PASSWORD_LENGTH = 10


class UnresolvableError(Exception):
    """No definition fits: the operator's own text."""


def resolved(spec: Json) -> Json:
    """The spec with definition and version of each component, as the operator writes it back.

    Raises UnresolvableError.
    """
    if spec.get("clusterDef") != "postgresql":
        missing = spec.get("clusterDef", "")
        raise UnresolvableError(f'ClusterDefinition.apps.kubeblocks.io "{missing}" not found')
    topology = spec.get("topology", "replication")
    if topology != "replication":
        raise UnresolvableError(f"referred cluster topology not found : {topology}")
    return {**spec, "componentSpecs": [_resolved(one) for one in spec.get("componentSpecs", ())]}


def _resolved(component: Json) -> Json:
    version = component.get("serviceVersion") or VERSIONS[-1]
    definition = f"postgresql-{version.partition('.')[0]}-1.0.2"
    if version not in VERSIONS or component.get("componentDef", definition) != definition:
        asked = component.get("componentDef", r"^postgresql-\d+")
        raise UnresolvableError(
            f'no matched component definition found with componentDef "{asked}"'
            f' and serviceVersion "{version}"'
        )
    return {**component, "componentDef": definition, "serviceVersion": version}


def full_name(cluster: Stored, component: Json) -> str:
    return f"{cluster.name}-{component['name']}"


def account_secret(cluster: Stored, component: Json) -> str:
    return f"{full_name(cluster, component)}-account-{ACCOUNT}"


def labels(cluster: Stored, component: Json) -> dict[str, str]:
    return {INSTANCE: cluster.name, MANAGED[0]: MANAGED[1], COMPONENT: component["name"]}


def services(cluster: Stored, component: Json) -> list[Json]:
    """To the primary, and the headless one of the pods' names."""
    return services_named(cluster, component, f"{full_name(cluster, component)}-postgresql")


def services_named(cluster: Stored, component: Json, primary: str) -> list[Json]:
    full = full_name(cluster, component)
    ports = [{"name": name, "port": port, "targetPort": name} for name, port in PORTS]
    spec = {"selector": labels(cluster, component), "ports": ports}
    headless = {**spec, "clusterIP": "None", "publishNotReadyAddresses": True}
    return [
        {"metadata": meta(cluster, component, primary), "spec": spec},
        {"metadata": meta(cluster, component, f"{full}-headless"), "spec": headless},
    ]


def credentials(cluster: Stored, component: Json) -> Json:
    """With a new password: made once, never looked at again."""
    return {
        "metadata": meta(cluster, component, account_secret(cluster, component)),
        "stringData": {"username": ACCOUNT, "password": new_password()},
    }


def new_password() -> str:
    signs = string.ascii_letters + string.digits
    return "".join(secrets.choice(signs) for _ in range(PASSWORD_LENGTH))


def workload(cluster: Stored, component: Json) -> Json:
    """The StatefulSet that stands for the component.

    A stop keeps the claims; `replicas: 0` takes them, for that is KubeBlocks' default policy.
    """
    return stateful_set(
        cluster, component, component["serviceVersion"], kept=bool(component.get("stop"))
    )


def stateful_set(cluster: Stored, component: Json, version: str, *, kept: bool) -> Json:
    """kept: claims outlive the pods that are too many."""
    full, stop = full_name(cluster, component), bool(component.get("stop"))
    return {
        "metadata": meta(cluster, component, full),
        "spec": {
            "replicas": 0 if stop else component["replicas"],
            "serviceName": f"{full}-headless",
            "podManagementPolicy": "Parallel",
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Retain",
                "whenScaled": "Retain" if kept else "Delete",
            },
            "selector": {"matchLabels": labels(cluster, component)},
            "template": _template(cluster, component, version),
            "volumeClaimTemplates": _claims(component),
        },
    }


def _template(cluster: Stored, component: Json, version: str) -> Json:
    mounts = [
        {"name": volume["name"], "mountPath": f"/home/postgres/{volume['name']}"}
        for volume in component.get("volumeClaimTemplates", ())
    ]
    container = {
        "name": "postgresql",
        "image": f"docker.io/apecloud/spilo:{version}",
        "resources": component.get("resources", {}),
        "ports": [{"name": name, "containerPort": port} for name, port in PORTS],
        # As the real one: refused by Pod Security `restricted`.
        "securityContext": {"runAsUser": 0},
        "volumeMounts": mounts,
    }
    about: Json = {"labels": {**component.get("labels", {}), **labels(cluster, component)}}
    if component.get("annotations"):
        about["annotations"] = component["annotations"]
    spec: Json = {"containers": [container]}
    if component.get("serviceAccountName"):
        spec["serviceAccountName"] = component["serviceAccountName"]
    return {"metadata": about, "spec": spec}


def _claims(component: Json) -> list[Json]:
    return [
        {
            "metadata": {
                "name": volume["name"],
                **{key: volume[key] for key in ("labels", "annotations") if key in volume},
            },
            "spec": volume.get("spec", {}),
        }
        for volume in component.get("volumeClaimTemplates", ())
    ]


def meta(cluster: Stored, component: Json, name: str) -> Json:
    return {
        "name": name,
        "labels": {**component.get("labels", {}), **labels(cluster, component)},
        "ownerReferences": [owner_reference(cluster)],
    }
