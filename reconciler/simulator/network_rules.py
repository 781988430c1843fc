"""What a Service, an Ingress and an HTTPRoute may be."""

import orjson

from reconciler.simulator.names import invalid_value, required, unsupported
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Cause

SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")


def service(body: Json) -> list[Cause]:
    spec = body["spec"]
    ports = spec.get("ports", [])
    causes = []
    if spec["type"] not in SERVICE_TYPES:
        causes.append(unsupported(spec["type"], SERVICE_TYPES, "spec.type"))
    if not ports and spec.get("clusterIP") != "None" and spec["type"] != "ExternalName":
        causes.append(required("spec.ports"))
    for index, port in enumerate(ports):
        at = f"spec.ports[{index}]"
        if len(ports) > 1 and not port.get("name"):
            causes.append(required(f"{at}.name"))
        if not 1 <= port.get("port", 0) <= 65535:
            why = "must be between 1 and 65535, inclusive"
            causes.append(invalid_value(str(port.get("port", 0)), why, f"{at}.port"))
    return causes


def service_change(old: Json, body: Json) -> list[Cause]:
    before, after = old["spec"].get("clusterIP"), body["spec"].get("clusterIP")
    if not before or before == after:
        return []
    shown = orjson.dumps([after]).decode()
    return [invalid_value(shown, "may not change once set", "spec.clusterIPs[0]")]


def ingress(body: Json) -> list[Cause]:
    spec = body.get("spec", {})
    if not spec.get("rules") and "defaultBackend" not in spec:
        why = "either `defaultBackend` or `rules` must be specified"
        return [invalid_value("null", why, "spec")]
    causes = []
    for index, rule in enumerate(spec.get("rules", ())):
        for place, path in enumerate(rule.get("http", {}).get("paths", ())):
            at = f"spec.rules[{index}].http.paths[{place}].pathType"
            if not path.get("pathType"):
                causes.append(required(at, "pathType must be specified"))
            elif path["pathType"] not in PATH_TYPES:
                causes.append(unsupported(path["pathType"], PATH_TYPES, at))
    return causes


def http_route(body: Json) -> list[Cause]:
    return [] if "spec" in body else [required("spec")]
