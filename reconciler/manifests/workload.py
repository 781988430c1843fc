"""Secret, StatefulSet and pod of a sandbox (kubernetes.md section 3, where each field is argued).

The pod passes Pod Security `restricted`. Its management is Parallel, because OrderedReady leaves a
broken pod in place for ever, and that field is immutable.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from app.domain import hosts
from app.domain.hosts import TTYD
from app.domain.quantities import milli
from app.settings import Settings
from reconciler.manifests import sealos
from reconciler.manifests.identity import Owner, build, digest
from reconciler.manifests.kinds import POD, SECRET, STATEFUL_SET, Object

CONTAINER = "sandbox"
_INIT = "home"
_VOLUME = "home"
_USER = 1001
_REQUESTS = {"cpu": "20m", "memory": "25Mi"}
_EPHEMERAL = "4Gi"
ENV = "mooring.dev/env"

# ttyd 1.7: -W lets type, -P pings (seconds), -m clients, -c asks for the credential. Never -a:
# arguments from the URL; never -H: it trusts the mere presence of a header.
_TERMINAL = (
    'exec ttyd -p "$TTYD_PORT" -W -T xterm-256color -P 5 -m 8 -c "$TTYD_USER:$TTYD_PASSWORD" bash'
)
# Only an empty home is filled, so nothing of the user's is overwritten or comes back. A file that
# cannot be copied is no reason to have no terminal; a home that cannot be written is.
_FILL = (
    '[ -w "$HOME" ] || { echo "$HOME cannot be written: Permission denied" >&2; exit 1; };'
    ' [ -n "$(ls -A "$HOME" | grep -vx lost+found)" ] || for from in /etc/skel /opt/mooring/home;'
    ' do [ ! -d "$from" ] || cp -R "$from/." "$HOME/" || :; done'
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a live workload asks of the disk that its pod gets: immutable, so it stays as it was
    when the disk grows, or the setting is another."""

    size: str
    storage_class: str | None


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What a sandbox is made from; `environment` joins what it always gets.

    `databases`: the Clusters of its project, which it may reach. `ports`: those that were opened.
    `confined`: it gets a NetworkPolicy. `claimed`: what the live workload asks for, None without.
    """

    owner: Owner
    replicas: int
    project_name: str
    image: str
    cpu: str
    memory: str
    storage: str
    ttyd_user: str
    ttyd_password: str
    domain: str
    confined: bool
    claimed: Claimed | None = None
    ports: tuple[int, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    databases: tuple[str, ...] = ()

    @property
    def routes(self) -> dict[str, int]:
        """The ports that are reached from outside, by route."""
        return hosts.OWN | {hosts.route_of(port): port for port in self.ports}

    def __repr__(self) -> str:
        """Without the password and the environment: a value that is logged shows itself so."""
        return f"Sandbox({self.owner.namespace}/{self.owner.name})"


def secret(sandbox: Sandbox) -> Object:
    """The environment of the sandbox; what Mooring sets wins over the user's."""
    values = {
        **dict(sandbox.environment),
        "PROJECT_NAME": sandbox.project_name,
        "PORT": str(hosts.OWN[hosts.APP]),
        "TTYD_PORT": str(hosts.OWN[TTYD]),
        "TTYD_USER": sandbox.ttyd_user,
        "TTYD_PASSWORD": sandbox.ttyd_password,
    }
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return build(
        SECRET, sandbox.owner, f"{sandbox.owner.name}-env", {"type": "Opaque", "data": data}
    )


def stateful_set(sandbox: Sandbox, settings: Settings, parts: Mapping[str, str]) -> Object:
    """The workload: one replica or none, with the mark of its `parts`."""
    owner = sandbox.owner
    spec = {
        "replicas": sandbox.replicas,
        "serviceName": owner.name,
        "podManagementPolicy": "Parallel",
        "revisionHistoryLimit": 1,
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
        "updateStrategy": {"type": "RollingUpdate"},
        "selector": {"matchLabels": owner.selector},
        "template": _template(sandbox, settings),
        "volumeClaimTemplates": [_home(sandbox, settings)],
    }
    annotations = {**sealos.of_workload(sandbox.image, sandbox.storage, settings), **parts}
    labels = sealos.of_app(owner.name, settings)
    return build(STATEFUL_SET, owner, owner.name, {"spec": spec}, annotations, labels=labels)


def claimed(workload: Object | None) -> Claimed | None:
    """What a live workload asks of the disk."""
    templates: list[Object] = (workload or {"spec": {}})["spec"].get("volumeClaimTemplates") or []
    home = next((one for one in templates if one["metadata"].get("name") == _VOLUME), None)
    if home is None:
        return None
    spec = home["spec"]
    return Claimed(spec["resources"]["requests"]["storage"], spec.get("storageClassName"))


def claim_name(name: str) -> str:
    """The PersistentVolumeClaim of the disk of a sandbox."""
    return f"{_VOLUME}-{name}-0"


def probe_pod(workload: Object) -> Object:
    """The pod that `workload` would make, under another name: for a dry run of its admission."""
    owner_name, template = workload["metadata"]["name"], workload["spec"]["template"]
    claim = {"claimName": claim_name(owner_name)}
    volumes = [{"name": _VOLUME, "persistentVolumeClaim": claim}]
    return {
        "apiVersion": POD.api_version,
        "kind": POD.kind,
        "metadata": {
            "name": f"{owner_name}-probe",
            "namespace": workload["metadata"]["namespace"],
            **template["metadata"],
        },
        "spec": {**template["spec"], "volumes": volumes},
    }


def _template(sandbox: Sandbox, settings: Settings) -> Object:
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 10,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [_init(sandbox, settings)],
        "containers": [_container(sandbox, settings)],
    }
    # A changed environment rolls the pod, an unchanged one does not.
    annotations = {ENV: digest(secret(sandbox)["data"])}
    return {"metadata": {"labels": sandbox.owner.labels, "annotations": annotations}, "spec": pod}


def _container(sandbox: Sandbox, settings: Settings) -> Object:
    # Not 3000: the user's app may rightly be down, and the terminal must stay reachable.
    probe = {"tcpSocket": {"port": TTYD}, "timeoutSeconds": 2}
    return {
        "name": CONTAINER,
        "image": sandbox.image,
        "command": ["sh", "-c", settings.sandbox_command or _TERMINAL],
        "envFrom": [{"secretRef": {"name": f"{sandbox.owner.name}-env"}}],
        "ports": [
            {"name": name, "containerPort": port, "protocol": "TCP"}
            for name, port in hosts.OWN.items()
        ],
        "resources": _resources(sandbox),
        "startupProbe": {**probe, "periodSeconds": 1, "failureThreshold": 120},
        "readinessProbe": {**probe, "periodSeconds": 5, "failureThreshold": 3},
        **_confined(settings),
    }


def _init(sandbox: Sandbox, settings: Settings) -> Object:
    return {
        "name": _INIT,
        "image": sandbox.image,
        "command": ["sh", "-c", _FILL],
        "env": [{"name": "HOME", "value": settings.sandbox_home}],
        "resources": _resources(sandbox),
        **_confined(settings),
    }


def _confined(settings: Settings) -> Object:
    return {
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": _VOLUME, "mountPath": settings.sandbox_home}],
    }


def _resources(sandbox: Sandbox) -> Object:
    limits = {"cpu": sandbox.cpu, "memory": sandbox.memory}
    return {
        "requests": requests(_REQUESTS, limits),
        "limits": {**limits, "ephemeral-storage": _EPHEMERAL},
    }


def requests(wanted: dict[str, str], limits: dict[str, str]) -> dict[str, str]:
    """`wanted`, or the limit where that is less: a request above its limit is invalid."""
    return {name: min(size, limits[name], key=_size) for name, size in wanted.items()}


def _size(quantity: str) -> int:
    return milli(quantity) or 0


def _home(sandbox: Sandbox, settings: Settings) -> Object:
    live = sandbox.claimed
    storage_class = live.storage_class if live else settings.storage_class
    spec: Object = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": _claimed_size(sandbox)}},
    }
    if storage_class:
        spec["storageClassName"] = storage_class
    return {"metadata": {"name": _VOLUME, "labels": sandbox.owner.labels}, "spec": spec}


def _claimed_size(sandbox: Sandbox) -> str:
    """That of the live one; in our spelling if it is the same, for API servers spell quantities
    anew, and another spelling would be another body."""
    live = sandbox.claimed
    if live is None or _size(live.size) == _size(sandbox.storage):
        return sandbox.storage
    return live.size
