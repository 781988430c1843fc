"""Defaults of a pod's spec, alone or as a template: SetDefaults_* of Kubernetes' core/v1."""

from typing import Any

from reconciler.simulator.quantity import canonical
from reconciler.simulator.schema import Json

FILE_MODE = 0o644
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def quantities(resources: Json) -> Json:
    """Limits and requests in canonical form; what is no quantity stays: validation refuses it."""
    return canonical_at(resources, "limits", "requests")


def canonical_at(body: Json, *names: str) -> Json:
    """The body with the quantities of these fields, each a map of them, in canonical form."""
    filled = dict(body)
    for name in names:
        if name in body:
            filled[name] = {key: _quantity(value) for key, value in body[name].items()}
    return filled


def _quantity(value: Any) -> Any:
    try:
        return canonical(str(value))
    except ValueError:
        return value


def pod_template(template: Json) -> Json:
    return {**template, "spec": pod_spec(template.get("spec", {}), False)}


def pod_spec(spec: Json, alone: bool) -> Json:
    """`alone` is a Pod: only there do limits without requests become requests."""
    filled = {
        **spec,
        "restartPolicy": spec.get("restartPolicy", "Always"),
        "terminationGracePeriodSeconds": spec.get("terminationGracePeriodSeconds", 30),
        "dnsPolicy": spec.get("dnsPolicy", "ClusterFirst"),
        "securityContext": spec.get("securityContext", {}),
        "schedulerName": spec.get("schedulerName", "default-scheduler"),
    }
    for name in ("containers", "initContainers"):
        if name in spec:
            filled[name] = [_container(item, alone) for item in spec[name]]
    if alone and spec.get("hostNetwork"):
        filled["containers"] = [_on_host(item) for item in filled.get("containers", ())]
    if "volumes" in spec:
        filled["volumes"] = [_volume(volume) for volume in spec["volumes"]]
    if "serviceAccountName" in spec:
        filled["serviceAccount"] = spec["serviceAccountName"]
    return filled


def _on_host(container: Json) -> Json:
    """In the host's network a container's ports are the host's."""
    ports = container.get("ports", ())
    shared = [{"hostPort": port.get("containerPort"), **port} for port in ports]
    return {**container, "ports": shared} if shared else container


def _container(container: Json, alone: bool) -> Json:
    filled = {
        **container,
        "resources": _resources(container.get("resources", {}), alone),
        "terminationMessagePath": container.get("terminationMessagePath", "/dev/termination-log"),
        "terminationMessagePolicy": container.get("terminationMessagePolicy", "File"),
    }
    if "imagePullPolicy" not in container:
        filled["imagePullPolicy"] = _pull_policy(container.get("image", ""))
    if "ports" in container:
        filled["ports"] = [
            {**port, "protocol": port.get("protocol", "TCP")} for port in container["ports"]
        ]
    if "env" in container:
        filled["env"] = [_variable(variable) for variable in container["env"]]
    for name in PROBES:
        if name in container:
            filled[name] = _probe(container[name])
    return filled


def _pull_policy(image: str) -> str:
    last = image.rpartition("/")[2]
    latest = ":" not in last or last.endswith(":latest")
    return "Always" if latest and "@" not in last else "IfNotPresent"


def _resources(resources: Json, alone: bool) -> Json:
    filled = quantities(resources)
    if alone and "limits" in filled:
        filled["requests"] = {**filled["limits"], **filled.get("requests", {})}
    return filled


def _probe(probe: Json) -> Json:
    defaults = {
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    filled = {**probe, **{key: probe.get(key, value) for key, value in defaults.items()}}
    if "httpGet" in probe:
        filled["httpGet"] = {"path": "/", "scheme": "HTTP", **probe["httpGet"]}
    return filled


def _variable(variable: Json) -> Json:
    reference = variable.get("valueFrom", {}).get("fieldRef")
    if reference is None or "apiVersion" in reference:
        return variable
    source = {**variable["valueFrom"], "fieldRef": {"apiVersion": "v1", **reference}}
    return {**variable, "valueFrom": source}


def _volume(volume: Json) -> Json:
    if len(volume) == 1:
        return {**volume, "emptyDir": {}}
    for source in ("secret", "configMap", "projected", "downwardAPI"):
        if source in volume and "defaultMode" not in volume[source]:
            return {**volume, source: {**volume[source], "defaultMode": FILE_MODE}}
    return volume


def quality(spec: Json) -> str:
    """The QoS class of a pod (ComputePodQOS, for cpu and memory)."""
    containers = spec.get("containers", []) + spec.get("initContainers", [])
    asked = [container.get("resources", {}) for container in containers]
    if not any(part.get("limits") or part.get("requests") for part in asked):
        return "BestEffort"
    same = all(
        part.get("limits", {}).get(name) and part["limits"][name] == part["requests"].get(name)
        for part in asked
        for name in ("cpu", "memory")
    )
    return "Guaranteed" if same else "Burstable"
